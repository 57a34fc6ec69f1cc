import { Clock, Effect, Ref } from "effect"
import type { Instant } from "../../domain/Time.ts"

/** A reply with the moments its request left and it arrived. */
export interface Timed<A> {
  readonly value: A
  readonly sentAt: Instant
  readonly receivedAt: Instant
}

export const timed = <A, E, R>(exchange: Effect.Effect<A, E, R>): Effect.Effect<Timed<A>, E, R> =>
  Effect.gen(function* () {
    const sentAt = yield* Clock.currentTimeMillis
    const value = yield* exchange
    return { value, sentAt, receivedAt: yield* Clock.currentTimeMillis }
  })

/** The venue's clock as last measured; every signature carries its time, and being a second ahead already fails. */
export const makeVenueClock = Effect.map(Ref.make<number | null>(null), (measured) => {
  const offset = Effect.map(Ref.get(measured), (known) => known ?? 0)
  return {
    /** Venue minus ours. */
    offset,
    isMeasured: Effect.map(Ref.get(measured), (known) => known !== null),
    now: Effect.zipWith(Clock.currentTimeMillis, offset, (now, ahead) => now + ahead),
    /** The venue read its clock somewhere on the way; the middle is off by half the round trip at most. */
    set: ({ receivedAt, sentAt, value }: Timed<Instant>) =>
      Ref.set(measured, Math.round(value - (sentAt + receivedAt) / 2))
  }
})
