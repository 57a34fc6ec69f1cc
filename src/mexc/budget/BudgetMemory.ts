import { Clock, Context, Effect, Either, Layer, Schema } from "effect"
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { Instant } from "../../domain/Time.ts"
import { type BudgetRequest, classes } from "./Pools.ts"

/** A request of an earlier run that may still count at the venue. */
export interface Spent {
  readonly request: BudgetRequest
  readonly grantedAt: Instant
  /** Wall time from which its windows run; null when that run ended before it. */
  readonly repliedAt: Instant | null
}

export interface Remembered {
  readonly spent: ReadonlyArray<Spent>
  /** Wall time until which the venue wants nothing, and when that was noted; 0 when it said nothing. */
  readonly pause: { readonly at: Instant; readonly until: Instant }
}

/**
 * What the budget has granted, kept where the next run finds it: the venue counts an address and an account, not a
 * process, and a killed one that starts anew with an empty count is over the limit, and banned when that repeats.
 * Nothing is remembered unless a layer says where.
 */
export class BudgetMemory extends Context.Reference<BudgetMemory>()("dipper/mexc/BudgetMemory", {
  defaultValue: (): BudgetRecord => ({
    earlier: { spent: [], pause: { at: 0, until: 0 } },
    granted: () => Effect.void,
    replied: () => Effect.void,
    paused: () => Effect.void
  })
}) {
  /** In a folder of this machine. What cannot be written is said once, and stops nobody. */
  static readonly layerFile = (folder: string) =>
    Layer.scoped(
      BudgetMemory,
      Effect.suspend(() => open(folder))
    )
}

interface BudgetRecord {
  readonly earlier: Remembered
  /** Before the request leaves; `id` is the caller's, one for each grant of a run. */
  readonly granted: (id: number, at: Instant, request: BudgetRequest) => Effect.Effect<void>
  readonly replied: (id: number, at: Instant) => Effect.Effect<void>
  readonly paused: (at: Instant, until: Instant) => Effect.Effect<void>
}

const Id = Schema.Tuple(Schema.Int, Schema.Int)

const Line = Schema.Union(
  Schema.Struct({
    /** The run and the grant in it. */
    granted: Id,
    at: Schema.Int,
    cost: Schema.Int,
    class: Schema.Literal(...classes),
    user: Schema.optionalWith(Schema.String, { exact: true }),
    orderOperation: Schema.optionalWith(Schema.Boolean, { exact: true }),
    twicePerSecond: Schema.optionalWith(Schema.String, { exact: true })
  }),
  Schema.Struct({ replied: Id, at: Schema.Int }),
  Schema.Struct({ pausedUntil: Schema.Int, at: Schema.Int })
)
type Line = typeof Line.Type

const readLine = Schema.decodeUnknownEither(Schema.parseJson(Line))
const writeLine = Schema.encodeSync(Schema.parseJson(Line))

/** More than an address may ask for in any window, so that the file before holds the rest of what still counts. */
const turnAt = 1_000_000

const open = Effect.fnUntraced(function* (folder: string) {
  const path = join(folder, "venue-budget.jsonl")
  const before = `${path}.before`
  const run = yield* Clock.currentTimeMillis
  const earlier = yield* Effect.orElseSucceed(
    Effect.try(() => [before, path].flatMap(linesOf)),
    () => []
  )
  const file = yield* Effect.acquireRelease(
    Effect.sync(() => ({ descriptor: -1, size: 0, isEnded: false })),
    (opened) =>
      Effect.sync(() => {
        opened.isEnded = true
        close(opened.descriptor)
      })
  )

  const append = (line: Line) => {
    // The number of a closed file may be another file's by now. A grant without its reply counts with its grace.
    if (file.isEnded) return
    if (file.descriptor < 0) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      file.descriptor = openSync(path, "a", 0o600)
      file.size = statSync(path).size
    }
    file.size += writeSync(file.descriptor, `${writeLine(line)}\n`)
    if (file.size < turnAt) return
    close(file.descriptor)
    file.descriptor = -1
    renameSync(path, before)
  }

  let works = true
  const note = (line: Line) =>
    Effect.try(() => append(line)).pipe(
      Effect.tap(() => (works = true)),
      Effect.catchAll((cause) => {
        const said = !works
        works = false
        return said
          ? Effect.void
          : Effect.logWarning("What is asked of the venue cannot be kept for the next run", cause)
      })
    )

  return {
    earlier: remembered(earlier),
    granted: (id: number, at: Instant, request: BudgetRequest) => note({ granted: [run, id], at, ...request }),
    replied: (id: number, at: Instant) => note({ replied: [run, id], at }),
    paused: (at: Instant, until: Instant) => note({ pausedUntil: until, at })
  }
})

/** A line that was cut off by a crash tells nothing. */
const linesOf = (path: string): ReadonlyArray<Line> => {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return []
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((text) => Either.match(readLine(text), { onLeft: () => [], onRight: (line) => [line] }))
}

const remembered = (lines: ReadonlyArray<Line>): Remembered => {
  const spent = new Map<string, Spent>()
  let pause = { at: 0, until: 0 }
  for (const line of lines) {
    if ("pausedUntil" in line) pause = { at: line.at, until: line.pausedUntil }
    else if ("granted" in line) {
      const { at: grantedAt, granted, ...request } = line
      spent.set(granted.join(), { request, grantedAt, repliedAt: null })
    } else {
      const known = spent.get(line.replied.join())
      if (known !== undefined) spent.set(line.replied.join(), { ...known, repliedAt: line.at })
    }
  }
  return { spent: [...spent.values()], pause }
}

const close = (descriptor: number) => {
  if (descriptor >= 0) closeSync(descriptor)
}
