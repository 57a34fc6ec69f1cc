import { PCGRandom } from "effect/Utils"

/** The same throws for the same seed, on every machine. */
export class Dice {
  readonly #random: PCGRandom
  constructor(seed: number) {
    this.#random = new PCGRandom(seed)
  }

  /** From 0, below `end`. */
  below(end: number): number {
    return this.#random.integer(end)
  }

  chance(share: number): boolean {
    return this.#random.number() < share
  }

  pick<A>(list: ReadonlyArray<A>): A {
    const index = this.below(list.length)
    for (const [i, value] of list.entries()) if (i === index) return value
    throw new RangeError("nothing to pick from")
  }
}
