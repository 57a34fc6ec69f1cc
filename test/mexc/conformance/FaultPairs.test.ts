import { describe, it, vi } from "@effect/vitest"
import { type FaultCase, faultCases } from "./faultCases.ts"
import { runUnder } from "./run.ts"

vi.setConfig({ maxConcurrency: 10, testTimeout: 120_000 })

const pairs = 10
const seed = 20_261_123

/** The same numbers in every run. */
const generator = (from: number) => {
  let state = from
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296
}

/** Alone they are tried elsewhere; together they would leave nothing to do, or keep each other from happening. */
const mixes = ({ atEnd, lost = 0, name }: FaultCase) =>
  atEnd !== true && lost === 0 && !/listen key|silent|half-open|halt|refused|minimum/.test(name)

const typesOf = ({ faults }: FaultCase) => faults.map(({ type }) => type)

const draw = (): ReadonlyArray<readonly [FaultCase, FaultCase]> => {
  const random = generator(seed)
  const mixable = faultCases.filter(mixes)
  const drawn: Array<readonly [FaultCase, FaultCase]> = []
  while (drawn.length < pairs) {
    const [one, other] = [random(), random()].map((at) => mixable[Math.floor(at * mixable.length)])
    if (one === undefined || other === undefined) continue
    // A plan replaces the earlier one of its type.
    if (typesOf(one).some((type) => typesOf(other).includes(type))) continue
    drawn.push([one, other])
  }
  return drawn
}

describe.concurrent(`our side agrees with the exchange's own record after a day with both (seed ${seed}):`, () => {
  for (const [one, other] of draw())
    it.live(`${one.name}, and ${other.name}`, () => runUnder({ faults: [...one.faults, ...other.faults] }))
})
