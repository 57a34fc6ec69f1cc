import { Schema } from "effect"

/**
 * Why a rule did or did not buy, why it paused, why an order ended unfilled. One registry: the documentation
 * table is generated from it. A code enters with the first place that gives it.
 */
export const reasons = {
  COOLDOWN: "The rule bought recently; it waits until its cooldown has passed.",
  CAP_DAY: "The rule's daily limit would be exceeded.",
  CAP_WEEK: "The rule's weekly limit would be exceeded.",
  CAP_MONTH: "The rule's monthly limit would be exceeded.",
  CAP_TOTAL: "The rule's total limit would be exceeded.",
  CAP_EXECUTIONS: "The rule has made as many buys as `maxExecutions` allows.",
  CAP_EXECUTIONS_DAY: "The rule has made as many buys today as `maxExecutionsPerDay` allows.",
  CAP_BUY_MIN: "What may be spent now is less than `perBuyMin`.",
  CAP_POSITION: "The rule would hold more than `maxPositionQuote`, at cost.",
  CAP_OPEN_ORDERS: "The rule has as many open orders as `maxOpenOrders` allows.",
  CAP_CYCLES: "The rule has made as many cycles as `maxCycles` allows.",
  CYCLE_OPEN: "A cycle is open, and `cycle.whileOpen` says that further firings are ignored.",
  CYCLE_EXITING: "The rule's cycle is being sold; the next one begins after it.",
  CYCLE_ENDED: "The cycle the buy was to join ended while the buy waited for its turn; the next one begins another.",
  CYCLE_NOT_BOUGHT: "The cycle's entry bought nothing.",
  CYCLE_BOUGHT: "The cycle has made all its buys, and nothing says when to sell.",
  CYCLE_SOLD: "The cycle's position was sold.",
  CYCLE_DUST: "What is left of the cycle's position is below the venue's minimum; it stays in the rule's book.",
  CYCLE_RELEASED: "The cycle was ended by the rule's owner, who keeps its lots.",
  ABOVE_TARGET: "What the rule holds is worth its target already.",
  BUDGET_EXCEEDED: "One of the limits of `/trading/limits` would be exceeded.",
  CAP_RESERVE: "The buy would leave less free than `reserveQuote` keeps.",
  GATE_SPREAD: "The spread between bid and ask is wider than the gate allows.",
  GATE_PRICE: "The price is outside the range of the `priceBetween` gate.",
  GATE_VOLUME:
    "The symbol's trade of the last 24 hours is below what the `min24hQuoteVolume` gate asks for, or unknown.",
  GATE_IMPROVEMENT: "The price is not far enough below the rule's last buy for `minImprovementOverLastBuy`.",
  GATE_TIME: "It is outside the times of the `timeWindow` gate.",
  GATE_STALE: "Market data is older than the `maxDataAge` gate allows.",
  MAX_PRICE: "The order price would exceed the rule's `maxPrice`.",
  BELOW_MIN_NOTIONAL: "The amount is below the venue's minimum order value or quantity.",
  ABOVE_MAX_NOTIONAL: "The amount is above the venue's maximum order value.",
  PRICE_OUT_OF_BAND: "The price is farther from the market than the venue accepts.",
  INSUFFICIENT_FUNDS: "The free balance does not cover the order.",
  INSUFFICIENT_HISTORY: "The window the trigger looks at is not yet covered by market history.",
  NO_FILL: "The protected order found no seller within its price limit.",
  TIMED_OUT: "The limit order was not filled within its `ttl`.",
  POST_ONLY: "The venue refused the post-only order, because it would have bought at once.",
  PARTIAL_FILL: "Only part of the order found a counterparty within its limits.",
  UNDERSPENT:
    "The venue sized the market buy at a price about 5 % above the market, so it spent less than it was given.",
  MISSED: "The slot was missed by more than the rule's `onMissedRun` allows.",
  MISSED_SINCE:
    "The slot was missed, and so were all before it since `since`; of so many only the last hundred have a record each.",
  UNKNOWN_PENDING: "An earlier order of the rule has no proven outcome yet; the rule waits for it.",
  HALTED: "Trading is halted.",
  KEY_FROZEN: "The exchange key is frozen.",
  NOT_TRADABLE: "The venue does not accept orders for this symbol now.",
  NOT_PLACED: "The order never reached the venue.",
  VENUE_REFUSED: "The venue refused the order.",
  EXCHANGE_UNAVAILABLE: "The venue could not be reached before the order was sent.",
  CREDENTIALS_REJECTED: "The venue refused the stored exchange key.",
  SHADOW: "The rule is in shadow mode: evaluated and recorded, nothing placed.",
  NOT_TRUE: "The trigger's condition does not hold.",
  NOT_REARMED: "The trigger fired already and has not re-armed.",
  NOT_STARTED: "The rule waits for its `startAt`.",
  BY_USER: "The owner asked for it.",
  USER_DISABLED: "The user is disabled.",
  CANCELLED: "The order was cancelled.",
  TOO_MANY_FAILURES: "The rule failed as often in a row as `onFailure` allows.",
  CRASHED: "The rule's program stopped unexpectedly several times; it is quarantined.",
  COMPLETED_TOTAL: "The rule has spent its total limit.",
  COMPLETED_END: "The rule has passed its `endAt`.",
  COMPLETED_EXECUTIONS: "The rule has made all its buys.",
  COMPLETED_CYCLE: "The rule's cycle has ended, and `cycle.afterExit` says that this completes it.",
  COMPLETED_CYCLES: "The rule has made all its cycles.",
  IMPORTED: "The rule was imported and waits to be activated."
} as const

export type ReasonCode = keyof typeof reasons

export const ReasonCode = Schema.String.pipe(
  Schema.filter((text): text is ReasonCode => Object.hasOwn(reasons, text))
).annotations({ identifier: "ReasonCode", jsonSchema: { type: "string", enum: Object.keys(reasons) } })

/** Machine code, sentence for people, and the numbers behind it as text. */
export const Reason = Schema.Struct({
  code: ReasonCode,
  text: Schema.String,
  params: Schema.Record({ key: Schema.String, value: Schema.String })
}).annotations({ identifier: "Reason" })
export interface Reason extends Schema.Schema.Type<typeof Reason> {}

/** `text` replaces the registry's sentence where the place knows more. */
export const reason = (
  code: ReasonCode,
  params: Readonly<Record<string, string>> = {},
  text: string = reasons[code]
): Reason => ({
  code,
  text,
  params
})
