import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodePath from "@effect/platform-node/NodePath"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import type { Redacted } from "effect"
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import type { Decimal } from "../domain/Decimal.ts"
import { MarketClock } from "../MarketClock.ts"
import { Driver } from "./Driver.ts"
import type { Fact } from "./engine/Facts.ts"
import type { FeeIn } from "./engine/Fees.ts"
import type { PairChange } from "./engine/Pair.ts"
import { Exchange } from "./Exchange.ts"
import { Commits } from "./journal/Commits.ts"
import type { Fault } from "./faults/Fault.ts"
import { Faults } from "./faults/Faults.ts"
import { VenueFaults } from "./faults/VenueFaults.ts"
import { Journal } from "./journal/Journal.ts"
import { Listener } from "./Listener.ts"
import { makeMirror, type MirrorOptions, type MirrorUnavailable } from "./market/mirror/Mirror.ts"
import * as Relisting from "./market/mirror/Relisting.ts"
import * as Upkeep from "./market/mirror/Upkeep.ts"
import { readRecordings, type RecordingInvalid } from "./market/Recording.ts"
import { makeReplay } from "./market/Replay.ts"
import * as Synthetic from "./market/Synthetic.ts"
import { MarketSource } from "./MarketSource.ts"
import { PaperClock } from "./PaperClock.ts"
import type { Permission } from "./Requests.ts"
import { venueLimits, type Limits } from "./rest/Meter.ts"
import * as RestServer from "./RestServer.ts"
import * as StreamServer from "./StreamServer.ts"

/**
 * `synthetic`, a recording or folder of recordings, the market of a venue, or `still`: synthetic pairs whose prices only
 * the operator moves.
 */
export type MarketChoice = "synthetic" | "still" | "mirror" | `replay:${string}`

export interface PaperExchangeOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly market: MarketChoice
  /** Market milliseconds per wall millisecond; 0 is stepped by `POST /paper/v1/advance`. A mirror knows 1 only. */
  readonly speed: number
  readonly seed: number
  readonly accounts: ReadonlyArray<{
    readonly accessKey: string
    readonly secretKey: Redacted.Redacted
    readonly balances: Readonly<Record<string, Decimal>>
    readonly permissions?: ReadonlyArray<Permission>
  }>
  /** Serves `/paper/v1/*` to callers on the same machine. */
  readonly control: boolean
  /** Planned when the accounts are open. */
  readonly faults?: ReadonlyArray<Fault>
  /** Where the journal is kept; null forgets everything at the end. */
  readonly dataDir: string | null
  /** Market time of a replay that is played; earlier rows are history. */
  readonly window?: { readonly from?: number; readonly to?: number }
  /** Market time at which a synthetic or still market starts; the wall's unless given, a fixed one at speed 0. */
  readonly startsAt?: number
  readonly synthetic?: Pick<Synthetic.SyntheticOptions, "crash" | "stepsPerMinute" | "symbols">
  /** The venue that a mirror follows. */
  readonly upstream?: MirrorOptions
  readonly feeIn?: FeeIn
  readonly limits?: Partial<Limits>
  /** How pairs differ from what the market says, by symbol. */
  readonly restrictions?: Readonly<Record<string, PairChange>>
}

/** A running exchange that speaks MEXC's protocol on one port: REST below `url`, streams at `wsUrl`. */
export class PaperExchange extends Context.Tag("dipper/paper/PaperExchange")<
  PaperExchange,
  { readonly url: string; readonly wsUrl: string; readonly port: number }
>() {
  /** Fails with PortTaken, JournalUnreadable, RecordingInvalid, MirrorUnavailable or the file system's error. */
  static readonly layer = (options: PaperExchangeOptions) =>
    Layer.unwrapEffect(Effect.map(Journal, (journal) => running(options, journal.past))).pipe(
      Layer.provide(options.dataDir === null ? Journal.layerMemory : Journal.layerFile(options.dataDir)),
      Layer.provide([NodeFileSystem.layer, NodePath.layer])
    )
}

const minute = 60_000

/** Everything behind the listener, once the journal has told where market time stood. */
const running = (options: PaperExchangeOptions, past: ReadonlyArray<Fact>) => {
  const resumeFrom = lastInstant(past)
  const { control, host, limits, market, port, restrictions = {}, speed } = options
  const rest = RestServer.layer({ control, limits: { ...venueLimits, ...limits } })
  const engine = {
    feeIn: options.feeIn ?? "quote",
    restrictions,
    still: market === "still"
  }
  const clock = Layer.unwrapEffect(
    Effect.map(Effect.all([MarketSource, Commits]), ([{ startsAt }, { settled }]) =>
      market === "mirror" ? PaperClock.layerWall() : PaperClock.layer({ startsAt, speed, resumeFrom, settled })
    )
  )
  return Layer.effect(PaperExchange, Effect.zipRight(openAccounts(options), addresses)).pipe(
    Layer.provide(Layer.mergeAll(rest, StreamServer.layer, isWallTime(options) ? Layer.empty : timeNotes)),
    Layer.provide(Layer.merge(Upkeep.layer, Relisting.layer)),
    Layer.provide(Listener.layer({ host, port })),
    Layer.provide(VenueFaults.layer),
    Layer.provide(Faults.layer({ seed: options.seed })),
    Layer.provide(market === "still" ? Driver.layerStill : Driver.layer),
    Layer.provide(Exchange.layer(engine)),
    Layer.provide(clock),
    Layer.provide(Commits.layer),
    Layer.provide(sourceOf(options, resumeFrom))
  )
}

/** Time notes are written ahead, except the one of an orderly end: only the last of them counts. */
const lastInstant = (past: ReadonlyArray<Fact>): number | null => {
  if (past.length === 0) return null
  const noted = past.findLast((fact) => fact._tag === "ticked")?.at ?? 0
  return past.reduce((latest, fact) => (fact._tag === "ticked" ? latest : Math.max(latest, fact.at)), noted)
}

/** 2026-01-01: who steps time repeats a run, so it may not begin at whatever the wall shows. */
const steppedStart = 1_767_225_600_000

/** Where MEXC answers. */
const mexc: MirrorOptions = { rest: "https://api.mexc.com", stream: "wss://wbs-api.mexc.com/ws" }

const sourceOf = (
  options: PaperExchangeOptions,
  resumeFrom: number | null
): Layer.Layer<MarketSource, MirrorUnavailable | RecordingInvalid, FileSystem | Path> => {
  if (options.market === "mirror") {
    return Layer.scoped(MarketSource, makeMirror(options.upstream ?? mexc)).pipe(
      Layer.provide(NodeHttpClient.layerUndici)
    )
  }
  if (options.market.startsWith("replay:")) {
    return Layer.effect(MarketSource, replayed(options, options.market.slice("replay:".length), resumeFrom))
  }
  const { seed, speed, synthetic } = options
  const startsAt = options.startsAt ?? (speed === 0 ? steppedStart : undefined)
  const from = startsAt === undefined ? Clock.currentTimeMillis : Effect.succeed(startsAt)
  return Layer.effect(
    MarketSource,
    Effect.map(from, (at) => Synthetic.makeSynthetic({ ...synthetic, seed, startsAt: Math.max(at, resumeFrom ?? 0) }))
  )
}

/** A replay goes on where it stopped; one that was over stands at its last price. */
const replayed = Effect.fnUntraced(function* (options: PaperExchangeOptions, path: string, resumeFrom: number | null) {
  const recordings = yield* readRecordings(path)
  if (resumeFrom === null) return yield* makeReplay(recordings, { path, window: options.window ?? {} })
  const end = Math.min(
    options.window?.to ?? Number.POSITIVE_INFINITY,
    Math.max(...recordings.map(({ candles, intervalMs }) => (candles.at(-1)?.openTime ?? 0) + intervalMs))
  )
  return yield* makeReplay(recordings, {
    path,
    window: { ...options.window, from: Math.min(resumeFrom, end - minute) }
  })
})

const openAccounts = Effect.fnUntraced(function* (options: PaperExchangeOptions) {
  const exchange = yield* Exchange
  yield* Effect.forEach(options.accounts, exchange.openAccount, { discard: true })
  yield* (yield* VenueFaults).plan(options.faults ?? [])
})

const addresses = Effect.map(Listener, ({ host, port }) => {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`
  return { url: `http://${authority}`, wsUrl: `ws://${authority}/ws`, port }
})

/** An invented market at wall speed starts at the wall's time, which no restart turns back. */
const isWallTime = ({ market, speed, startsAt }: PaperExchangeOptions): boolean =>
  market === "mirror" || (speed === 1 && startsAt === undefined && !market.startsWith("replay:"))

/** How often market time is noted, and how far ahead: a restart may skip this much, it never repeats any. */
const notePeriod = "5 seconds"
const noteAheadMillis = 6_000

/** Keeps market time from running backwards over a restart. */
const timeNotes = Layer.scopedDiscard(
  Effect.gen(function* () {
    const exchange = yield* Exchange
    const clock = yield* MarketClock
    const speed = yield* clock.speed
    let noted = 0
    const note = Effect.flatMap(clock.now, (now) => {
      const until = now + Math.ceil(noteAheadMillis * speed)
      if (until === noted) return Effect.void
      noted = until
      return exchange.noteTime(until)
    })
    yield* note
    yield* Effect.addFinalizer(() => Effect.flatMap(clock.now, exchange.noteTime))
    // Stepped time is noted where it is stepped: how long the wall took in between may not show in the journal.
    if (speed > 0) yield* Effect.forkScoped(Effect.schedule(note, Schedule.spaced(notePeriod)))
  })
)
