import { describe, it, vi } from "@effect/vitest"
import { streamCases } from "./faultCases.ts"
import { runUnder } from "./run.ts"

vi.setConfig({ maxConcurrency: 10, testTimeout: 120_000 })

describe.concurrent("our side agrees with the exchange's own record after a day with", () => {
  for (const { name, ...each } of streamCases) it.live(name, () => runUnder(each))
})
