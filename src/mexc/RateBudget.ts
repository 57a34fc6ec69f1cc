import { Clock, Context, Effect, Exit, FiberHandle, identity, Layer } from "effect"
import type { Instant } from "../domain/Time.ts"
import { BudgetMemory } from "./budget/BudgetMemory.ts"
import {
  type BudgetClass,
  type BudgetLimits,
  type BudgetRequest,
  canEverFit,
  giveBack,
  type Grant,
  makePools,
  settle,
  take
} from "./budget/Pools.ts"
import { makeWaitingRoom, type Waiter } from "./budget/WaitingRoom.ts"
import { BudgetUnavailable } from "./VenueFailure.ts"

interface Level {
  readonly capacity: number
  readonly used: number
}

export interface BudgetState {
  /** Shared by all users of this address. */
  readonly ip: { readonly weight: Level; readonly requests: Level }
  /** The account asked for. */
  readonly user: { readonly weight: Level; readonly orders: Level } | null
  readonly waiting: Readonly<Record<BudgetClass, number>>
  /** Wall time until which nothing is sent, null when nothing is paused. */
  readonly pausedUntil: Instant | null
}

/**
 * A weighted priority semaphore over the venue's pools, per address and per account. Permits are held until a window
 * after the reply; a failed or cancelled request holds them longer, because it may still be on its way. What an earlier
 * run has spent, and a pause it was told, count for the next (`BudgetMemory`).
 */
export class RateBudget extends Context.Tag("dipper/mexc/RateBudget")<
  RateBudget,
  {
    /**
     * Runs the effect when its cost is granted. The effect succeeds when a reply is in, whatever it says, and fails when
     * none came. BudgetUnavailable: nothing was sent. `waiting` is put around the wait for the grant alone.
     */
    readonly withPermits: (
      request: BudgetRequest,
      waiting?: typeof Effect.interruptible
    ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | BudgetUnavailable, R>
    /** Stops every grant of every class; of overlapping pauses the longest counts. */
    readonly pause: (ms: number) => Effect.Effect<void>
    readonly state: (user?: string) => Effect.Effect<BudgetState>
  }
>() {
  static readonly layer = (limits: BudgetLimits) => Layer.scoped(RateBudget, make(limits))
}

const make = Effect.fnUntraced(function* (limits: BudgetLimits) {
  const setTimer = yield* FiberHandle.makeRuntime<never>()
  const memory = yield* BudgetMemory
  const pools = makePools(limits)
  const room = makeWaitingRoom()
  let pausedUntil = 0
  let grants = 0

  const startedAt = yield* Clock.currentTimeMillis
  for (const { grantedAt, repliedAt, request } of memory.earlier.spent) {
    // What was under way when the earlier run ended may still arrive.
    const countedAt = repliedAt ?? grantedAt + limits.graceMs
    // Later than that, the clock was set back since: how much of the windows is left is not known.
    if (countedAt <= startedAt + limits.graceMs) settle(take(pools.chargesOf(request)), countedAt, 0)
  }
  const { pause: told } = memory.earlier
  if (told.at <= startedAt + limits.graceMs) pausedUntil = told.until

  const pump = (now: number): void => {
    room.expire(now)
    if (now >= pausedUntil) room.admit(now)
    pools.forgetIdle(now, room.isWaiting)
    if (room.isEmpty()) return
    const next = Math.min(now < pausedUntil ? pausedUntil : pools.nextChange(now), room.firstDeadline())
    if (Number.isFinite(next)) setTimer(Effect.delay(pumpNow, Math.max(1, next - now)))
  }
  const pumpNow: Effect.Effect<void> = Effect.map(Clock.currentTimeMillis, pump)

  const refuse = (now: number, message: string) =>
    new BudgetUnavailable({ message, retryAfterMs: Math.max(0, pausedUntil - now) })

  const acquire = (request: BudgetRequest) =>
    Effect.clockWith((clock) =>
      Effect.async<Grant, BudgetUnavailable>((resume) => {
        const now = clock.unsafeCurrentTimeMillis()
        const charges = pools.chargesOf(request)
        if (!canEverFit(charges))
          return resume(Effect.fail(refuse(now, "The request costs more than the venue's limits allow at all.")))
        if (pausedUntil - now > limits.maxWaitMs)
          return resume(Effect.fail(refuse(now, "The venue asked for a pause; nothing is sent until it is over.")))
        let granted: Grant | null = null
        const waiter: Waiter = {
          class: request.class,
          user: request.user ?? "",
          charges,
          deadline: now + limits.maxWaitMs,
          admit: () => {
            granted = take(charges)
            resume(Effect.succeed(granted))
          },
          expire: (at) => resume(Effect.fail(refuse(at, "The venue's request budget is used up; nothing was sent.")))
        }
        room.add(waiter)
        pump(now)
        return Effect.sync(() => {
          if (!room.remove(waiter) && granted !== null) giveBack(granted)
          pump(clock.unsafeCurrentTimeMillis())
        })
      })
    )

  const release = (id: number, grant: Grant, replied: boolean) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const graceMs = replied ? 0 : limits.graceMs
      settle(grant, now, graceMs)
      pump(now)
      return memory.replied(id, now + graceMs)
    })

  const withPermits =
    (request: BudgetRequest, waiting: typeof Effect.interruptible = identity) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | BudgetUnavailable, R> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const grant = yield* restore(waiting(acquire(request)))
          const id = (grants += 1)
          yield* memory.granted(id, yield* Clock.currentTimeMillis, request)
          return yield* Effect.onExit(restore(effect), (exit) => release(id, grant, Exit.isSuccess(exit)))
        })
      )

  const pause = (ms: number) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      pausedUntil = Math.max(pausedUntil, now + ms)
      return memory.paused(now, pausedUntil)
    })

  const state = (user?: string) =>
    Effect.map(Clock.currentTimeMillis, (now): BudgetState => ({
      ip: pools.ipState(now),
      user: user === undefined ? null : pools.userState(user, now),
      waiting: room.counts(),
      pausedUntil: pausedUntil > now ? pausedUntil : null
    }))

  return { withPermits, pause, state }
})
