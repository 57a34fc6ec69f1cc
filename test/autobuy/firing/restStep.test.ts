import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { type RestStep, restStep } from "../../../src/autobuy/firing/restStep.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { ClientOrderId, makeOrderId } from "../../../src/domain/Ids.ts"
import type { Order } from "../../../src/domain/order/Order.ts"
import { reason, type ReasonCode } from "../../../src/domain/Reason.ts"
import { btc, d } from "../../domain/rule/fixtures.ts"

/** Asked for at 0, sent at 5 s after a wait for the request budget; its ten minutes end at 605 s. */
const sentAt = 5_000
const deadline = sentAt + 600_000

const order = Effect.map(makeOrderId(), (id): Order => ({
  id,
  version: 1,
  venue: "paper",
  book: "manual",
  clientOrderId: Schema.decodeSync(ClientOrderId)("dp1"),
  exchangeOrderId: null,
  symbol: btc,
  side: "buy",
  type: "limitMaker",
  status: "open",
  price: d("100"),
  quantity: d("1"),
  quoteAmount: null,
  executedQuantity: Decimal.zero,
  executedQuote: Decimal.zero,
  averagePrice: null,
  fees: [],
  origin: { type: "rule", ruleId: null, executionId: null, cycleId: null },
  note: null,
  rejectReason: null,
  unfilledReason: null,
  unknownSince: null,
  requestedAt: 0,
  sentAt,
  terminalAt: null,
  updatedAt: 0
}))

const told = (step: RestStep): string => {
  switch (step.type) {
    case "wait":
      return `wait ${step.until}`
    case "cancel":
      return "cancel"
    case "again":
      return `again ${step.as}`
    case "end":
      return `end ${step.reason?.code ?? "bought"}`
  }
}

const cases = (
  name: string,
  rows: ReadonlyArray<readonly [how: string, last: Partial<Order>, cancel: string, reprice: string, market: string]>
) =>
  describe(name, () => {
    for (const [how, last, ...expected] of rows)
      it.effect(how, () =>
        Effect.gen(function* () {
          const newest = { ...(yield* order), ...last }
          const steps = (["cancel", "reprice", "market"] as const).map((onTimeout) =>
            told(
              restStep({
                last: newest,
                made: [newest],
                execution: {
                  type: "limit",
                  offsetPercent: d("1"),
                  ttl: Duration.minutes(10),
                  onTimeout,
                  postOnly: true
                },
                isActive: true,
                now: (last.terminalAt ?? deadline) + 1_000
              })
            )
          )
          assert.deepStrictEqual(steps, expected)
        })
      )
  })

const ends = (code: string) => [`end ${code}`, `end ${code}`, `end ${code}`] as const
const refused = (code: ReasonCode, terminalAt = sentAt + 100): Partial<Order> => ({
  status: "rejected",
  rejectReason: reason(code),
  terminalAt
})
const refusedWith = (venueCode: number): Partial<Order> => ({
  ...refused("VENUE_REFUSED"),
  rejectReason: reason("VENUE_REFUSED", { venueCode: String(venueCode) })
})
const cancelled = (terminalAt: number, more: Partial<Order> = {}): Partial<Order> => ({
  status: "cancelled",
  unfilledReason: reason("CANCELLED"),
  terminalAt,
  ...more
})
const postOnly = ["end POST_ONLY", "again limit", "again market"] as const
const timedOut = ["end TIMED_OUT", "again limit", "again market"] as const

cases("what follows a post-only order that the venue refused", [
  ["with no code", refused("VENUE_REFUSED"), ...postOnly],
  ["with a code that nobody documented", refusedWith(30_099), ...postOnly],
  ["too far from the market", refused("PRICE_OUT_OF_BAND"), ...postOnly],
  ["accepted and cancelled at once", cancelled(sentAt + 100), ...postOnly]
])

cases("nothing follows a post-only order that the venue refused with a code that says something else", [
  ["auth", refusedWith(10_001), ...ends("VENUE_REFUSED")],
  ["permission", refusedWith(30_020), ...ends("VENUE_REFUSED")],
  ["risk", refusedWith(30_027), ...ends("VENUE_REFUSED")],
  ["time", refusedWith(700_003), ...ends("VENUE_REFUSED")],
  ["symbol", refusedWith(30_041), ...ends("VENUE_REFUSED")],
  ["input", refusedWith(30_029), ...ends("VENUE_REFUSED")],
  ["order state", refusedWith(-2011), ...ends("VENUE_REFUSED")],
  ["no price in the market", refusedWith(30_010), ...ends("VENUE_REFUSED")]
])

cases("nothing follows a post-only order that ended for any other reason", [
  ["never placed", refused("NOT_PLACED"), ...ends("NOT_PLACED")],
  ["never placed, proven late", refused("NOT_PLACED", deadline + 1), ...ends("NOT_PLACED")],
  ["a key that is refused", refused("CREDENTIALS_REJECTED"), ...ends("CREDENTIALS_REJECTED")],
  ["no money", refused("INSUFFICIENT_FUNDS"), ...ends("INSUFFICIENT_FUNDS")],
  ["not tradable", refused("NOT_TRADABLE"), ...ends("NOT_TRADABLE")],
  ["too small", refused("BELOW_MIN_NOTIONAL"), ...ends("BELOW_MIN_NOTIONAL")],
  ["halted", refused("HALTED"), ...ends("HALTED")],
  ["cancelled by somebody", cancelled(sentAt + 60_000), ...ends("CANCELLED")],
  [
    "its owner says that it was cancelled, which the venue has not proven",
    cancelled(deadline + 1, { unfilledReason: reason("CANCELLED", { note: "looked it up" }) }),
    ...ends("CANCELLED")
  ]
])

cases("`onTimeout` follows an order whose time is over", [
  ["unfilled", cancelled(deadline), ...timedOut],
  ["partly filled", cancelled(deadline, { status: "partiallyCancelled", executedQuantity: d("0.5") }), ...timedOut]
])

cases("an order without a proven end is followed by none", [
  ["unknown", { status: "unknown" }, "wait null", "wait null", "wait null"],
  ["pending", { status: "pending" }, "wait null", "wait null", "wait null"],
  ["open", { status: "open" }, "cancel", "cancel", "cancel"],
  ["filled", { status: "filled" }, ...ends("bought")]
])
