import { Duration, Effect } from "effect"
import { CycleId, ExecutionId, RuleId } from "../../../src/domain/Ids.ts"
import type { RuleOrder } from "../../../src/orders/Orders.ts"
import { ann, btc, d } from "./orders.ts"

/** A rule's entry for 50 USDT. */
export const ruleOrder: RuleOrder<never> = {
  userId: ann,
  ruleId: RuleId.make("rule_01hzy3v7k2m4n6p8q0r2s4t6w8"),
  ruleVersion: 1,
  executionId: ExecutionId.make("exe_01hzy3v7k2m4n6p8q0r2s4t6w8"),
  cycleId: CycleId.make("cyc_01hzy3v7k2m4n6p8q0r2s4t6w8"),
  slot: "2026-03-01T09:00:00.000Z",
  kind: "entry",
  level: 0,
  symbol: btc,
  type: "market",
  quoteAmount: d("50"),
  maxSlippageBps: 50,
  wait: Duration.seconds(2),
  withIntent: Effect.void,
  decision: {
    at: 1_772_355_600_000,
    ruleId: RuleId.make("rule_01hzy3v7k2m4n6p8q0r2s4t6w8"),
    ruleVersion: 1,
    trigger: "price.level",
    operands: [{ label: "last", value: "98", op: "below", threshold: "100", pass: true, asOf: null }],
    gates: [],
    budget: [],
    sizing: { asked: d("50"), capped: d("50"), rounded: null, final: d("50") },
    outcome: "fire",
    reason: null
  }
}
