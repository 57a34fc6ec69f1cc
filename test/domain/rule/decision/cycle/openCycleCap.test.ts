import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { openCycleCap } from "../../../../../src/domain/rule/decision/cycle/openCycleCap.ts"
import { Cycle } from "../../../../../src/domain/rule/shape/Cycle.ts"

const cycle = (json: unknown) => Schema.decodeUnknownSync(Cycle)(json)
const idle = { open: false, ended: 0, lastEndedAt: null }

it("a firing begins a cycle, is ignored by an open one, or adds to it", () => {
  assert.deepStrictEqual(openCycleCap(cycle({}), idle, 0), { into: "new", refusal: null })
  assert.strictEqual(openCycleCap(cycle({}), { ...idle, open: true }, 0).refusal?.code, "CYCLE_OPEN")
  assert.deepStrictEqual(openCycleCap(cycle({ whileOpen: "add" }), { ...idle, open: true }, 0), {
    into: "open",
    refusal: null
  })
})

it("no cycle begins beyond maxCycles or within the cooldown", () => {
  const bounded = cycle({ afterExit: "restart", maxCycles: 2, cooldown: "PT1M" })
  assert.strictEqual(openCycleCap(bounded, { open: false, ended: 2, lastEndedAt: 0 }, 9e9).refusal?.code, "CAP_CYCLES")
  const ended = { open: false, ended: 1, lastEndedAt: 1_000 }
  assert.strictEqual(openCycleCap(bounded, ended, 60_999).refusal?.code, "COOLDOWN")
  assert.isNull(openCycleCap(bounded, ended, 61_000).refusal)
})
