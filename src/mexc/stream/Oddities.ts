import { Clock, Effect, Metric } from "effect"

/**
 * `undecodable`: no protobuf message of the venue. `unknown`: a message, or a text, of a kind we have never heard of.
 * `unusable`: a message whose values mean nothing to us.
 */
type Oddity = "undecodable" | "unknown" | "unusable"

const oddities = Metric.counter("dipper_stream_oddities_total", {
  description: "Stream messages of the venue that could not be used",
  incremental: true
})

export type Odd = (kind: Oddity, what: string) => Effect.Effect<void>

/** A venue that changes its messages sends thousands of them. */
const tellEveryMs = 60_000

/** Counts what cannot be used, and tells of it once a minute; it is never a reason to stop. */
export const makeOddities = (): Odd => {
  let toldAt = Number.NEGATIVE_INFINITY
  let untold = 0
  return (kind, what) =>
    Effect.zipRight(
      Metric.increment(Metric.tagged(oddities, "kind", kind)),
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        untold++
        if (now - toldAt < tellEveryMs) return Effect.void
        const count = untold
        toldAt = now
        untold = 0
        return Effect.logWarning("messages of the venue's stream cannot be used; left out", { kind, what, count })
      })
    )
}
