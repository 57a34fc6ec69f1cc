import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { averageCost, foldLots, type LotFill } from "../../../src/domain/order/lots.ts"

const d = Decimal.unsafe
const pair = { baseAsset: "BTC", quoteAsset: "USDT" }

const trade = (side: "buy" | "sell", quantity: string, price: string, fee = "0", asset = "USDT"): LotFill => ({
  side,
  price: d(price),
  quantity: d(quantity),
  quoteQuantity: Decimal.multiply(d(quantity), d(price)),
  fee: { asset, amount: d(fee) }
})

const shown = (fills: ReadonlyArray<LotFill>) => {
  const lots = foldLots(fills, pair)
  const average = averageCost(lots)
  return {
    quantity: Decimal.format(lots.quantity),
    totalCost: Decimal.format(lots.totalCost),
    realisedPnl: Decimal.format(lots.realisedPnl),
    fees: Decimal.format(lots.fees),
    average: average === null ? null : Decimal.format(average),
    incomplete: lots.incomplete
  }
}

describe("the lots of a book", () => {
  it("carries quote fees in the cost and takes them from the proceeds", () => {
    const bought = [trade("buy", "100", "50", "10")]
    assert.deepInclude(shown(bought), { quantity: "100", totalCost: "5010", average: "50.1", fees: "10" })
    const sold = [...bought, trade("sell", "50", "120", "10")]
    assert.deepInclude(shown(sold), { quantity: "50", totalCost: "2505", average: "50.1", realisedPnl: "3485" })
  })

  it("keeps the whole cost on what a base fee leaves", () => {
    assert.deepInclude(shown([trade("buy", "1", "100", "0.01", "BTC")]), {
      quantity: "0.99",
      totalCost: "100",
      fees: "1",
      average: "101.010101010101010101"
    })
  })

  it("keeps the average through a sell and releases all cost with the last unit", () => {
    const fills = [trade("buy", "3", "10"), trade("sell", "1", "20"), trade("sell", "2", "5")]
    assert.deepInclude(shown(fills.slice(0, 2)), { average: "10", realisedPnl: "10" })
    assert.deepInclude(shown(fills), { quantity: "0", totalCost: "0", realisedPnl: "0", average: null })
  })

  it("marks what was sold without being known, at no cost and never below zero", () => {
    assert.deepInclude(shown([trade("buy", "1", "10"), trade("sell", "3", "20")]), {
      quantity: "0",
      totalCost: "0",
      realisedPnl: "50",
      incomplete: true
    })
  })

  it("marks a fee in an asset that has no price here", () => {
    assert.deepInclude(shown([trade("buy", "1", "10", "0.2", "MX")]), { totalCost: "10", fees: "0", incomplete: true })
  })

  it("agrees with a plain rational ledger on any run of whole trades", () => {
    const anyTrade = FastCheck.record({
      buy: FastCheck.boolean(),
      quantity: FastCheck.integer({ min: 1, max: 50 }),
      price: FastCheck.integer({ min: 1, max: 1_000 }),
      fee: FastCheck.integer({ min: 0, max: 3 })
    })
    FastCheck.assert(
      FastCheck.property(FastCheck.array(anyTrade, { maxLength: 12 }), (trades) => {
        // Cost as an exact fraction cost/den; realised is checked through: cash in = cash out + realised − cost held.
        let quantity = 0n
        let cost = 0n
        let den = 1n
        let cash = 0n
        const fills: Array<LotFill> = []
        for (const t of trades) {
          const q = BigInt(t.quantity)
          if (!t.buy && q > quantity) continue
          fills.push(trade(t.buy ? "buy" : "sell", String(q), String(t.price), String(t.fee)))
          const value = q * BigInt(t.price)
          if (t.buy) {
            cost += (value + BigInt(t.fee)) * den
            cash -= value + BigInt(t.fee)
            quantity += q
          } else {
            cost = cost * (quantity - q)
            den = den * quantity
            cash += value - BigInt(t.fee)
            quantity -= q
          }
        }
        const lots = foldLots(fills, pair)
        assert.strictEqual(Decimal.format(lots.quantity), String(quantity))
        const difference = Decimal.abs(
          Decimal.subtract(Decimal.multiply(lots.totalCost, { ...Decimal.one, value: den }), {
            ...Decimal.one,
            value: cost
          })
        )
        const tolerance = Decimal.multiply(d("0.000000000000001"), { ...Decimal.one, value: den })
        assert.isTrue(Decimal.lessOrEqual(difference, tolerance))
        assert.isTrue(
          Decimal.equals(Decimal.subtract(lots.realisedPnl, lots.totalCost), { ...Decimal.one, value: cash }),
          "cash must equal realised profit less the cost still held"
        )
      })
    )
  })
})
