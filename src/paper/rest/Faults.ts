import { Effect, Schema } from "effect"

/**
 * Planned misbehaviour of `POST /order`, so that clients can be tested against it. A drop ends the connection without an
 * answer, before or after the order exists.
 */
export const Fault = Schema.Struct({
  type: Schema.Literal("dropBeforeBooking", "dropAfterBooking", "delayAnswer"),
  count: Schema.Int.pipe(Schema.positive()),
  delayMs: Schema.optionalWith(Schema.Int.pipe(Schema.between(0, 600_000)), { default: () => 1_000 })
})
export type FaultType = (typeof Fault.Type)["type"]

interface Planned {
  left: number
  delayMs: number
  fired: number
}

/** Which faults are planned and how often each has happened. */
export class Faults {
  readonly #planned: Readonly<Record<FaultType, Planned>> = {
    dropBeforeBooking: { left: 0, delayMs: 0, fired: 0 },
    dropAfterBooking: { left: 0, delayMs: 0, fired: 0 },
    delayAnswer: { left: 0, delayMs: 0, fired: 0 }
  }

  plan(faults: ReadonlyArray<typeof Fault.Type>): void {
    for (const { count, delayMs, type } of faults) {
      this.#planned[type].left = count
      this.#planned[type].delayMs = delayMs
    }
  }

  /** Plans nothing more; the counters stay. */
  clear(): void {
    for (const planned of Object.values(this.#planned)) planned.left = 0
  }

  /** Whether the fault happens now; counts it. */
  readonly fires = (type: FaultType): Effect.Effect<boolean> =>
    Effect.sync(() => {
      const planned = this.#planned[type]
      if (planned.left === 0) return false
      planned.left--
      planned.fired++
      return true
    })

  readonly delay: Effect.Effect<void> = Effect.flatMap(
    Effect.suspend(() => this.fires("delayAnswer")),
    (fires) => (fires ? Effect.sleep(this.#planned.delayAnswer.delayMs) : Effect.void)
  )

  describe() {
    return Object.entries(this.#planned).map(([type, { delayMs, fired, left }]) => ({
      type,
      left,
      fired,
      ...(type === "delayAnswer" ? { delayMs } : {})
    }))
  }
}
