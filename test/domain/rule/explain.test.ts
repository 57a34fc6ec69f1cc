import { assert, it } from "@effect/vitest"
import { reason } from "../../../src/domain/Reason.ts"
import { decide } from "../../../src/domain/rule/decision/decide.ts"
import { explain } from "../../../src/domain/rule/explain.ts"
import { d, document, firing, view } from "./fixtures.ts"

const nothing = {
  state: "done",
  kind: "entry",
  outcome: null,
  reason: null,
  executedQuantity: d("0"),
  executedQuote: d("0"),
  averagePrice: null
} as const
const bought = { ...nothing, executedQuantity: d("0.0005"), executedQuote: d("50"), averagePrice: d("100000") }

const said = (execution: Parameters<typeof explain>[2], changes: Parameters<typeof firing>[0] = {}) =>
  explain(decide(firing(changes)).decision, "Europe/Berlin", execution)

it("every outcome of a firing is told in words", () => {
  assert.strictEqual(
    said({ ...bought, outcome: "executed" }),
    "At Sunday 2026-03-01 10:00 Europe/Berlin (version 1) manual was evaluated. The rule sent an order for at most 49.97347425. It bought 0.0005 for 50, 100000 on average."
  )
  assert.include(
    said({ ...nothing, outcome: "failed", reason: reason("NO_FILL") }),
    "Nothing was bought. The protected order found no seller"
  )
  assert.include(
    said({ ...nothing, state: "running", outcome: "unknown" }),
    "What became of the order is not proven yet"
  )
  assert.include(said({ ...nothing, state: "running" }), "The order has not come to its end yet.")
  assert.include(said({ ...bought, state: "running" }), "It has bought 0.0005 for 50, 100000 on average so far.")
  assert.include(
    said(null, { document: document({ mode: "shadow" }) }),
    "The rule would have bought for at most 49.97347425; it is in shadow mode."
  )
})

it("a refusal names its gates and limits", () => {
  const stale = said(null, { view: { ...view, ageMs: 60_000 } })
  assert.include(stale, "The rule did not buy: Market data is older than the `maxDataAge` gate allows.")
  assert.include(stale, "Gates: maxDataAge 60000 ms against PT10S.")
  const capped = said(null, { document: document({ limits: { perDay: "40" } }) })
  assert.include(capped, "Limits: perDay: 0 of 40 used")
})
