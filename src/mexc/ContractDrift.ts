import { Clock, Context, Duration, Effect, Layer, Metric } from "effect"
import type { Instant } from "../domain/Time.ts"

/** Ways in which the venue says something its documentation does not know. */
export const driftKinds = ["orderStatus", "orderType", "word", "errorCode", "row", "body", "frame"] as const
export type DriftKind = (typeof driftKinds)[number]

export interface Drift {
  readonly kind: DriftKind
  readonly count: number
  /** What it was, of the last one; never a secret. */
  readonly last: string | null
  readonly lastAt: Instant | null
}

/**
 * Counts what the venue sends that we do not know: an order's status or type, a word about a pair or a wallet, an
 * error code, a row of a list, a whole body, a pushed frame. It is an alarm, never a failure.
 */
export class ContractDrift extends Context.Tag("dipper/mexc/ContractDrift")<
  ContractDrift,
  {
    /** Always counted; logged at most once per kind in some minutes. `what` names fields and words, never credentials. */
    readonly note: (kind: DriftKind, what: string, times?: number) => Effect.Effect<void>
    /** Every kind, also those that never happened. */
    readonly counters: Effect.Effect<ReadonlyArray<Drift>>
  }
>() {
  static readonly layer = Layer.effect(
    ContractDrift,
    // A counter that has never counted shows as zero, not as absent.
    Effect.suspend(() =>
      Effect.as(
        Effect.forEach(driftKinds, (kind) => count(kind, 0)),
        make()
      )
    )
  )
}

/** A venue that changed one field would otherwise write a line per row. */
const quietFor = Duration.toMillis("5 minutes")
const longestText = 160

const total = Metric.counter("dipper_venue_drift_total", {
  description: "What the venue sent beyond its documentation",
  incremental: true
})

const count = (kind: DriftKind, times: number) => Metric.incrementBy(Metric.tagged(total, "kind", kind), times)

interface Tally {
  count: number
  last: string | null
  lastAt: Instant | null
  loggedAt: number
}

const make = (): Context.Tag.Service<typeof ContractDrift> => {
  const tallies = new Map<DriftKind, Tally>()

  const tallyOf = (kind: DriftKind): Tally => {
    const known = tallies.get(kind)
    if (known !== undefined) return known
    const fresh = { count: 0, last: null, lastAt: null, loggedAt: Number.NEGATIVE_INFINITY }
    tallies.set(kind, fresh)
    return fresh
  }

  const note = (kind: DriftKind, what: string, times = 1) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const tally = tallyOf(kind)
      tally.count += times
      tally.last = what.slice(0, longestText)
      tally.lastAt = now
      const counted = count(kind, times)
      if (now - tally.loggedAt < quietFor) return counted
      tally.loggedAt = now
      const told = Effect.logWarning("The venue sent something its documentation does not know", {
        kind,
        what: tally.last,
        count: tally.count
      })
      return Effect.zipRight(counted, told)
    })

  return {
    note,
    counters: Effect.sync(() =>
      driftKinds.map((kind) => {
        const { count, last, lastAt } = tallyOf(kind)
        return { kind, count, last, lastAt }
      })
    )
  }
}
