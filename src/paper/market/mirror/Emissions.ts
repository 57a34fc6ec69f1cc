import { Chunk, Effect, Stream } from "effect"
import type { PriceStep } from "../../MarketSource.ts"

/** A step on its way to the exchange, and what to do when the exchange has taken it. */
export interface Emission {
  readonly step: PriceStep
  readonly onApplied?: () => void
}

/** Above this the venue's streams are not read on until the exchange has caught up. */
const roomFor = 8_192

/**
 * Steps from the venue to the exchange, in order. Putting is synchronous, so that what a pair knows and what it has told
 * cannot differ; who puts waits for room afterwards.
 */
export class Emissions {
  #waiting: Array<Emission> = []
  #taken: ReadonlyArray<Emission> = []
  readonly #some = Effect.unsafeMakeLatch(false)
  readonly #few = Effect.unsafeMakeLatch(true)

  put(emission: Emission): void {
    this.#waiting.push(emission)
    this.#some.unsafeOpen()
    if (this.#waiting.length >= roomFor) this.#few.unsafeClose()
  }

  get room(): Effect.Effect<void> {
    return this.#few.await
  }

  /** Read once. Who asks for more has taken what it got before. */
  get steps(): Stream.Stream<PriceStep> {
    return Stream.repeatEffectChunk(
      Effect.zipRight(
        Effect.sync(() => this.#settle()),
        Effect.map(this.#some.await, () => this.#takeAll())
      )
    )
  }

  #settle(): void {
    const taken = this.#taken
    this.#taken = []
    for (const { onApplied } of taken) onApplied?.()
  }

  #takeAll(): Chunk.Chunk<PriceStep> {
    const taken = this.#waiting
    this.#waiting = []
    this.#taken = taken
    this.#some.unsafeClose()
    this.#few.unsafeOpen()
    return Chunk.unsafeFromArray(taken.map(({ step }) => step))
  }
}
