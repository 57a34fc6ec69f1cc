import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName, type SymbolInfo } from "../../../src/domain/Market.ts"
import { ApprovedOrder, assess, quoteNeeded, type OrderAsk, type RiskContext } from "../../../src/domain/order/risk.ts"

const d = Decimal.unsafe

const symbol: SymbolInfo = {
  symbol: SymbolName.make("BTCUSDT"),
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tradable: true,
  untradableReason: null,
  orderTypes: ["market", "limit"],
  priceTick: d("0.01"),
  quantityStep: d("0.000001"),
  minQuantity: d("0.000002"),
  minNotional: d("1"),
  maxNotional: d("2000000"),
  marketMinNotional: d("1"),
  marketMaxNotional: d("100000"),
  makerFeeRate: d("0"),
  takerFeeRate: d("0.0005"),
  asOf: 0
}

const context: RiskContext = {
  symbol,
  quote: { bid: d("99.99"), ask: d("100.01"), stale: false },
  availableQuote: d("10000"),
  availableBase: d("5"),
  bookQuantity: d("5")
}

const shown = (ask: OrderAsk, where: Partial<RiskContext> = {}) => {
  const { draft, problems } = assess(ask, { ...context, ...where })
  return {
    type: draft.type,
    price: draft.price === null ? null : Decimal.format(draft.price),
    quantity: draft.quantity === null ? null : Decimal.format(draft.quantity),
    quoteAmount: draft.quoteAmount === null ? null : Decimal.format(draft.quoteAmount),
    problems: problems.map((problem) => `${problem.code} ${problem.path ?? ""} ${problem.reason.code}`)
  }
}

const fine = { problems: [] }

describe("risk", () => {
  it("rounds a buy's price and quantity down, a sell's price up", () => {
    assert.deepInclude(shown({ side: "buy", type: "limit", quantity: d("1.0000019"), price: d("100.019") }), {
      ...fine,
      price: "100.01",
      quantity: "1.000001"
    })
    assert.deepInclude(shown({ side: "sell", type: "limit", quantity: d("1.0000019"), price: d("100.011") }), {
      ...fine,
      price: "100.02",
      quantity: "1.000001"
    })
  })

  it("sends a plain market buy by its amount, to the last digit", () => {
    assert.deepInclude(shown({ side: "buy", type: "market", quoteAmount: d("12.3456789") }), {
      ...fine,
      type: "market",
      quoteAmount: "12.3456789",
      quantity: null,
      price: null
    })
  })

  it("turns a protected market buy into a limit whose cost and fee stay inside the amount", () => {
    const ask: OrderAsk = { side: "buy", type: "market", quoteAmount: d("50"), maxSlippageBps: 50 }
    assert.deepInclude(shown(ask), { ...fine, type: "immediateOrCancel", price: "100.51", quoteAmount: null })
    FastCheck.assert(
      FastCheck.property(
        FastCheck.integer({ min: 200, max: 9_000_000 }),
        FastCheck.integer({ min: 0, max: 500 }),
        FastCheck.integer({ min: 1, max: 90_000_00 }),
        (cents, bps, askCents) => {
          const amount = Decimal.divide(d(String(cents)), Decimal.hundred)
          const best = Decimal.divide(d(String(askCents)), Decimal.hundred)
          const { draft } = assess(
            { side: "buy", type: "market", quoteAmount: amount, maxSlippageBps: bps },
            { ...context, quote: { bid: best, ask: best, stale: false } }
          )
          assert.isNotNull(draft.price)
          assert.isNotNull(draft.quantity)
          const cost = Decimal.multiply(draft.price ?? Decimal.zero, draft.quantity ?? Decimal.zero)
          const withFee = Decimal.multiply(cost, d("1.0005"))
          assert.isTrue(Decimal.lessOrEqual(withFee, amount))
          assert.isTrue(Decimal.lessOrEqual(draft.price ?? Decimal.zero, Decimal.multiply(best, Decimal.plusBps(bps))))
        }
      )
    )
  })

  it("bounds a protected sell from below", () => {
    assert.deepInclude(shown({ side: "sell", type: "market", quantity: d("1"), maxSlippageBps: 50 }), {
      ...fine,
      type: "immediateOrCancel",
      price: "99.5"
    })
  })

  it("keeps every order price at or below maxPrice, and refuses what could not fill there", () => {
    const ask = { side: "buy", type: "market", quoteAmount: d("50"), maxSlippageBps: 50 } as const
    assert.deepInclude(shown({ ...ask, maxPrice: d("100.2") }), { ...fine, price: "100.2" })
    assert.deepEqual(shown({ ...ask, maxPrice: d("99") }).problems, ["PRICE_OUT_OF_BAND maxPrice MAX_PRICE"])
    assert.deepEqual(shown({ side: "buy", type: "market", quoteAmount: d("50"), maxPrice: d("99") }).problems, [
      "PRICE_OUT_OF_BAND maxPrice MAX_PRICE"
    ])
  })

  it("refuses what is below the minimum instead of raising it", () => {
    assert.deepEqual(shown({ side: "buy", type: "market", quoteAmount: d("0.99") }).problems, [
      "BELOW_MINIMUM quoteAmount BELOW_MIN_NOTIONAL"
    ])
    assert.deepEqual(shown({ side: "buy", type: "limit", quantity: d("0.0000019"), price: d("100") }).problems, [
      "BELOW_MINIMUM quantity BELOW_MIN_NOTIONAL"
    ])
    assert.deepEqual(shown({ side: "buy", type: "limit", quantity: d("0.0000001"), price: d("100") }).problems, [
      "BELOW_MINIMUM quantity BELOW_MIN_NOTIONAL"
    ])
  })

  it("shows everything that speaks against an order at once", () => {
    const problems = shown(
      { side: "buy", type: "market", quoteAmount: d("0.5"), maxSlippageBps: 10 },
      { symbol: { ...symbol, tradable: false }, quote: null, availableQuote: d("0.1") }
    ).problems
    assert.deepEqual(problems, [
      "SYMBOL_NOT_TRADABLE symbol NOT_TRADABLE",
      "STALE_MARKET_DATA maxSlippageBps GATE_STALE"
    ])
  })

  it("sells at most what the book and the free balance hold", () => {
    const ask: OrderAsk = { side: "sell", type: "limit", quantity: d("2"), price: d("100") }
    assert.deepEqual(shown(ask, { bookQuantity: d("1.9") }).problems, [
      "INSUFFICIENT_BALANCE quantity INSUFFICIENT_FUNDS"
    ])
    assert.deepEqual(shown(ask, { availableBase: d("1.9") }).problems, [
      "INSUFFICIENT_BALANCE quantity INSUFFICIENT_FUNDS"
    ])
    assert.deepEqual(shown(ask).problems, [])
  })

  it("asks the free balance for a limit buy at its limit", () => {
    const ask: OrderAsk = { side: "buy", type: "limit", quantity: d("1"), price: d("90") }
    assert.deepEqual(shown(ask, { availableQuote: d("89.99") }).problems, [
      "INSUFFICIENT_BALANCE quantity INSUFFICIENT_FUNDS"
    ])
    assert.strictEqual(Decimal.format(quoteNeeded(assess(ask, context).draft) ?? Decimal.zero), "90")
  })

  it("needs a fresh price only where the price bounds the order", () => {
    const stale = { quote: { bid: d("99.99"), ask: d("100.01"), stale: true } }
    assert.deepEqual(shown({ side: "buy", type: "limit", quantity: d("1"), price: d("90") }, stale).problems, [])
    assert.deepEqual(shown({ side: "buy", type: "market", quoteAmount: d("50"), maxSlippageBps: 5 }, stale).problems, [
      "STALE_MARKET_DATA maxSlippageBps GATE_STALE"
    ])
  })

  it("buys no quantity at the market while nobody can tell what it costs", () => {
    const ask: OrderAsk = { side: "buy", type: "market", quantity: d("1000") }
    const refused = ["STALE_MARKET_DATA quantity GATE_STALE"]
    assert.deepEqual(shown(ask, { quote: null }).problems, refused)
    const stale = { bid: d("0.99"), ask: d("1.01"), stale: true }
    assert.deepEqual(shown(ask, { quote: stale }).problems, refused)
    // An amount bounds itself, and a sale costs nothing.
    assert.deepEqual(shown({ side: "buy", type: "market", quoteAmount: d("50") }, { quote: null }).problems, [])
    assert.deepEqual(shown({ side: "sell", type: "market", quantity: d("1") }, { quote: null }).problems, [])
  })

  it("approves exactly what has no problem", () => {
    assert.isTrue(Either.isRight(ApprovedOrder.check({ side: "buy", type: "market", quoteAmount: d("50") }, context)))
    assert.isTrue(Either.isLeft(ApprovedOrder.check({ side: "buy", type: "market", quoteAmount: d("0.5") }, context)))
  })

  it("names the venue's price band before the venue does, for the kinds it measures", () => {
    const banded = {
      symbol: {
        ...symbol,
        orderTypes: ["market", "limit", "limitMaker"] as const,
        filters: { buyAbove: d("0.02"), sellBelow: d("0.05"), closedSide: null }
      },
      quote: { bid: d("99.99"), ask: d("100.01"), last: d("100"), stale: false }
    }
    const at = (side: "buy" | "sell", price: string, type: OrderAsk["type"] = "limit") =>
      shown({ side, type, quantity: d("1"), price: d(price) }, banded).problems
    const refused = ["PRICE_OUT_OF_BAND price PRICE_OUT_OF_BAND"]
    assert.deepStrictEqual(at("buy", "102"), [])
    assert.deepStrictEqual(at("buy", "102.01"), refused)
    assert.deepStrictEqual(at("buy", "50"), [])
    assert.deepStrictEqual(at("sell", "95"), [])
    assert.deepStrictEqual(at("sell", "94.99"), refused)
    assert.deepStrictEqual(at("buy", "102.01", "fillOrKill"), refused)
    assert.deepStrictEqual(at("buy", "102.01", "immediateOrCancel"), refused)
    assert.deepStrictEqual(
      shown({ side: "buy", type: "market", quoteAmount: d("50"), maxSlippageBps: 300 }, banded).problems,
      ["PRICE_OUT_OF_BAND maxSlippageBps PRICE_OUT_OF_BAND"]
    )
    // What the venue measures from is not known when the price is old.
    const old = { ...banded, quote: { ...banded.quote, stale: true } }
    assert.deepStrictEqual(shown({ side: "buy", type: "limit", quantity: d("1"), price: d("150") }, old).problems, [])
  })

  it("refuses a post-only order that would trade at once, and a side that the venue has closed", () => {
    const listed = { symbol: { ...symbol, orderTypes: ["limit", "limitMaker"] as const } }
    const maker = (side: "buy" | "sell", price: string) =>
      shown({ side, type: "limitMaker", quantity: d("1"), price: d(price) }, listed).problems
    assert.deepStrictEqual(maker("buy", "100"), [])
    assert.deepStrictEqual(maker("buy", "100.01"), ["PRICE_OUT_OF_BAND price PRICE_OUT_OF_BAND"])
    assert.deepStrictEqual(maker("sell", "100"), [])
    assert.deepStrictEqual(maker("sell", "99.99"), ["PRICE_OUT_OF_BAND price PRICE_OUT_OF_BAND"])
    assert.deepStrictEqual(shown({ side: "buy", type: "limitMaker", quantity: d("1"), price: d("90") }).problems, [
      "SYMBOL_NOT_TRADABLE type NOT_TRADABLE"
    ])
    const closed = { symbol: { ...symbol, filters: { buyAbove: null, sellBelow: null, closedSide: "buy" } as const } }
    assert.deepStrictEqual(shown({ side: "buy", type: "limit", quantity: d("1"), price: d("90") }, closed).problems, [
      "SYMBOL_NOT_TRADABLE side NOT_TRADABLE"
    ])
    assert.deepStrictEqual(
      shown({ side: "sell", type: "limit", quantity: d("1"), price: d("101") }, closed).problems,
      []
    )
  })

  it("cuts a market buy's amount to the digits the venue holds, never up", () => {
    assert.strictEqual(
      shown({ side: "buy", type: "market", quoteAmount: d("12.345678919") }).quoteAmount,
      "12.34567891"
    )
  })
})
