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
export const makeVenueClock = Effect.map(Ref.make({ offset: 0, count: 0 }), (measured) => {
  const offset = Effect.map(Ref.get(measured), (known) => known.offset)
  return {
    /** Venue minus ours. */
    offset,
    /** How often it was measured: whoever was refused for its time sees whether somebody has set it right since. */
    measurements: Effect.map(Ref.get(measured), ({ count }) => count),
    now: Effect.zipWith(Clock.currentTimeMillis, offset, (now, ahead) => now + ahead),
    /** The venue read its clock somewhere on the way; the middle is off by half the round trip at most. */
    set: ({ receivedAt, sentAt, value }: Timed<Instant>) =>
      Ref.update(measured, ({ count }) => ({
        offset: Math.round(value - (sentAt + receivedAt) / 2),
        count: count + 1
      }))
  }
})
