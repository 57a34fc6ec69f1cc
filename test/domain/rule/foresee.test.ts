import { assert, it } from "@effect/vitest"
import { FastCheck as fc, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { foresee } from "../../../src/domain/rule/foresight/foresee.ts"
import { outlook } from "../../../src/domain/rule/foresight/outlook.ts"
import { trailingBuy } from "../../../src/domain/rule/foresight/trailingBuy.ts"
import { RulePreview } from "../../../src/domain/rule/RulePreview.ts"
import { Trailing } from "../../../src/domain/rule/shape/Computed.ts"
import { PriceRebound } from "../../../src/domain/rule/Trigger.ts"
import { d, decimal, document, symbolInfo } from "./fixtures.ts"

const Foreseen = RulePreview.pick("ladder", "exit", "worstCaseSpend", "requiredFree")

it("whatever is foreseen can be read by a client: no number has more decimals than an answer may have", () => {
  fc.assert(
    fc.property(
      fc.record({
        price: fc.oneof(
          decimal(1, 100_000, 2),
          fc.integer({ min: 1, max: 99 }).map((n) => Decimal.divide(d(String(n)), d("100000000")))
        ),
        market: fc.boolean(),
        base: fc.boolean(),
        percent: fc
          .integer({ min: 1, max: 9_999 })
          .map((n) => Decimal.format(Decimal.divide(d(String(n)), d("1000000")))),
        step: fc.constantFrom("0.00000001", "0.01", "1")
      }),
      ({ base, market, percent, price, step }) => {
        const symbol = { ...symbolInfo, priceTick: d("0.00000001"), quantityStep: d(step), takerFeeRate: d("0.00075") }
        const rule = document({
          size: base ? { type: "base", quantity: "12.345678" } : { type: "quote", amount: "50" },
          execution: market ? { type: "market" } : { type: "protectedMarket" },
          ladder: { count: 3, stepPercent: percent, stepScale: "1.037", sizeScale: "1.0731" },
          exit: {
            takeProfit: [{ gainPercent: percent }],
            stopLoss: { lossPercent: percent },
            trailing: { armPercent: percent, deltaPercent: percent }
          }
        })
        const { size } = rule
        if (size.type !== "quote" && size.type !== "base") return assert.fail("another size")
        const seen = { ...foresee(rule, size, symbol, { bid: price, ask: price }), ...outlook(rule, symbol, price) }
        const sent: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(Foreseen)(seen)))
        assert.isTrue(Schema.is(Schema.typeSchema(Foreseen))(Schema.decodeUnknownSync(Foreseen)(sent)))
      }
    ),
    { numRuns: 300 }
  )
})

it("a fall from an average cost is told on the venue's steps", () => {
  const trigger = Schema.decodeUnknownSync(PriceRebound)({
    type: "price.rebound",
    from: { type: "averageCost", scope: "rule" },
    afterDropPercent: "5.25",
    reboundPercent: "1"
  })
  const told = trailingBuy(trigger, undefined, d("93148.677591801493878393"), d("0.1"))
  assert.strictEqual(Schema.encodeSync(Trailing)(told).firesAt, "88258.3")
  const early = trailingBuy(trigger, undefined, d("93148.677591801493878393"), null)
  assert.doesNotThrow(() => Schema.decodeUnknownSync(Trailing)(Schema.encodeSync(Trailing)(early)))
})
