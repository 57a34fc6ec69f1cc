import { describe, it, vi } from "@effect/vitest"
import { type FaultCase, faultCases } from "./faultCases.ts"
import { runUnder } from "./run.ts"

vi.setConfig({ maxConcurrency: 10, testTimeout: 120_000 })

const pairs = 10
/** Another one, as `FAULT_PAIRS_SEED`, draws other pairs; the name of the suite says which it was. */
const seed = Number(process.env["FAULT_PAIRS_SEED"] ?? "13")

/** The same numbers in every run. */
const generator = (from: number) => {
  let state = from
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296
}

/** Alone they are tried elsewhere; together they would leave nothing to do. */
const mixes = ({ atEnd, name }: FaultCase) => atEnd !== true && !/listen key|silent|half-open/.test(name)

/** Decides about orders: of those that another fault would happen to there may be none. */
const isDecisive = ({ name }: FaultCase) => /halt|refused|minimum/.test(name)

/** Happens whatever becomes of orders. */
const isApart = ({ faults }: FaultCase) => faults.every(({ type }) => type === "balanceChange" || type === "dropStream")

const overlap = (one: FaultCase, other: FaultCase) =>
  // A plan replaces the earlier one of its type.
  typesOf(one).some((type) => typesOf(other).includes(type)) ||
  (isDecisive(one) && !isApart(other)) ||
  // Where nobody listens nothing is pushed.
  (typesOf(one).includes("dropStream") && typesOf(other).some((type) => type.endsWith("Push")))

const typesOf = ({ faults }: FaultCase) => faults.map(({ type }) => type)

const draw = (): ReadonlyArray<readonly [FaultCase, FaultCase]> => {
  const random = generator(seed)
  const mixable = faultCases.filter(mixes)
  const drawn: Array<readonly [FaultCase, FaultCase]> = []
  while (drawn.length < pairs) {
    const [one, other] = [random(), random()].map((at) => mixable[Math.floor(at * mixable.length)])
    if (one === undefined || other === undefined) continue
    if (overlap(one, other) || overlap(other, one)) continue
    drawn.push([one, other])
  }
  return drawn
}

describe.concurrent(`our side agrees with the exchange's own record after a day with both (seed ${seed}):`, () => {
  for (const [one, other] of draw())
    it.live(`${one.name}, and ${other.name}`, () =>
      runUnder({ faults: [...one.faults, ...other.faults], lost: (one.lost ?? 0) + (other.lost ?? 0) })
    )
})
