import { assert, describe, it, vi } from "@effect/vitest"
import { faultTypes } from "../../../src/paper/faults/Faults.ts"
import { faultCases, requestCases } from "./faultCases.ts"
import { runUnder } from "./run.ts"

// They wait for time-outs most of the time.
vi.setConfig({ maxConcurrency: 10, testTimeout: 120_000 })

describe.concurrent("our side agrees with the exchange's own record after a day with", () => {
  for (const { name, ...each } of requestCases) it.live(name, () => runUnder(each))
})

it("every type of the catalogue has its case", () => {
  const tried = new Set<string>(faultCases.flatMap(({ faults }) => faults.map(({ type }) => type)))
  assert.deepStrictEqual(
    faultTypes.filter((type) => !tried.has(type)),
    []
  )
})
