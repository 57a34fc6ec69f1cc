import { Clock, Context, Deferred, Effect, Layer } from "effect"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { nextTurn } from "../Waiting.ts"

export interface PaperClockOptions {
  /** Market time at the first start. */
  readonly startsAt: Instant
  /** Market milliseconds per wall millisecond; 0: only `advance` moves time. */
  readonly speed: number
  /** The journal's last instant: after a restart market time goes on no earlier than this. */
  readonly resumeFrom: Instant | null
  /**
   * Waits for what the woken have begun, and tells whether there was anything: stepped time stands still until then, so
   * that no disk decides the order in which things happen.
   */
  readonly settled?: Effect.Effect<boolean>
}

/** What `GET /paper/v1/clock` tells. */
export interface ClockReading {
  readonly marketNow: Instant
  readonly speed: number
  readonly wallNow: Instant
}

/** The paper exchange's market time: faster than the wall clock, or stepped by hand for deterministic runs. */
export class PaperClock extends Context.Tag("dipper/paper/PaperClock")<
  PaperClock,
  {
    readonly describe: Effect.Effect<ClockReading>
    /** Steps time, waking every sleeper at its own instant and in order. Null while the clock runs by itself. */
    readonly advance: ((ms: number) => Effect.Effect<Instant>) | null
  }
>() {
  /** Provides the market clock too: everything in the exchange's process reads the same time. */
  static readonly layer = (options: PaperClockOptions): Layer.Layer<PaperClock | MarketClock> =>
    Layer.effectContext(options.speed === 0 ? makeStepped(options) : makeRunning(options))

  /** Market time is wall time, as in a mirror of a real market. */
  static readonly layerWall = (): Layer.Layer<PaperClock | MarketClock> =>
    Layer.effectContext(Effect.map(MarketClock, (clock) => contextOf(clock, null))).pipe(
      Layer.provide(MarketClock.layer)
    )
}

const originOf = (options: PaperClockOptions): Instant => Math.max(options.startsAt, options.resumeFrom ?? 0)

const contextOf = (
  clock: Context.Tag.Service<typeof MarketClock>,
  advance: ((ms: number) => Effect.Effect<Instant>) | null
) =>
  Context.make(MarketClock, clock).pipe(
    Context.add(PaperClock, {
      advance,
      describe: Effect.all({ marketNow: clock.now, speed: clock.speed, wallNow: Clock.currentTimeMillis })
    })
  )

const makeRunning = Effect.fnUntraced(function* (options: PaperClockOptions) {
  const origin = originOf(options)
  const wallOrigin = yield* Clock.currentTimeMillis
  const now = Effect.map(Clock.currentTimeMillis, (wall) => origin + Math.floor((wall - wallOrigin) * options.speed))
  const sleepUntil = (at: Instant) =>
    Effect.repeat(
      Effect.flatMap(now, (current) =>
        current >= at
          ? Effect.succeed(true)
          : Effect.as(Effect.sleep(Math.max(1, Math.ceil((at - current) / options.speed))), false)
      ),
      { until: (arrived) => arrived }
    ).pipe(Effect.asVoid)
  return contextOf({ now, sleepUntil, speed: Effect.succeed(options.speed) }, null)
})

interface Sleeper {
  readonly at: Instant
  readonly woken: Deferred.Deferred<void>
}

const makeStepped = Effect.fnUntraced(function* (options: PaperClockOptions) {
  let current = originOf(options)
  let sleepers: ReadonlyArray<Sleeper> = []
  const turn = yield* Effect.makeSemaphore(1)

  const sleepUntil = Effect.fnUntraced(function* (at: Instant) {
    if (at <= current) return
    const sleeper = { at, woken: yield* Deferred.make<void>() }
    sleepers = insertInOrder(sleepers, sleeper)
    yield* Effect.onInterrupt(Deferred.await(sleeper.woken), () =>
      Effect.sync(() => {
        sleepers = sleepers.filter((other) => other !== sleeper)
      })
    )
  })

  // A woken fiber gets to its next sleep before time moves on.
  const quiet = Effect.repeat(Effect.zipRight(nextTurn, options.settled ?? Effect.succeed(false)), {
    until: (wasBusy) => !wasBusy
  })

  const advance = Effect.fn("PaperClock.advance")(function* (ms: number) {
    const target = current + Math.max(0, Math.trunc(ms))
    yield* quiet
    for (let next = sleepers[0]; next !== undefined && next.at <= target; next = sleepers[0]) {
      current = Math.max(current, next.at)
      sleepers = sleepers.slice(1)
      yield* Deferred.succeed(next.woken, undefined)
      yield* quiet
    }
    current = target
    return current
  })

  return contextOf({ now: Effect.sync(() => current), sleepUntil, speed: Effect.succeed(0) }, (ms) =>
    turn.withPermits(1)(advance(ms))
  )
})

/** Equal instants keep the order in which they were asked for. */
const insertInOrder = (sleepers: ReadonlyArray<Sleeper>, sleeper: Sleeper): ReadonlyArray<Sleeper> => {
  const after = sleepers.findIndex((other) => other.at > sleeper.at)
  return after === -1 ? [...sleepers, sleeper] : sleepers.toSpliced(after, 0, sleeper)
}
