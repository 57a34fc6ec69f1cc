import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import { decide } from "../../../../src/domain/rule/decision/decide.ts"
import { at, d, document, firing, symbolInfo, usage, view, decimal } from "../fixtures.ts"

const code = (changes: Parameters<typeof firing>[0]) => decide(firing(changes)).decision.reason?.code ?? null
const now = at("2026-03-01T09:00:00Z")

describe("a protected market buy", () => {
  it("is an immediate-or-cancel limit at ask plus slippage, rounded down, fees inside the amount", () => {
    const { order, decision } = decide(firing())
    assert.strictEqual(decision.outcome, "fire")
    assert.strictEqual(order?.type, "immediateOrCancel")
    assert.strictEqual(Decimal.format(order?.price ?? d("0")), "100500")
    // 50 / (100500 × 1.0005) = 0.00049726…
    assert.strictEqual(Decimal.format(order?.quantity ?? d("0")), "0.000497")
    assert.strictEqual(Decimal.format(order?.worst ?? d("0")), "49.97347425")
  })
  it("never costs more than maxPrice, and does not try below the ask", () => {
    const bounded = decide(firing({ document: document({ maxPrice: "100000.05" }) }))
    assert.strictEqual(Decimal.format(bounded.order?.price ?? d("0")), "100000")
    assert.strictEqual(code({ document: document({ maxPrice: "99999.9" }) }), "MAX_PRICE")
  })
})

it("a market buy sends the amount as it is written", () => {
  const { order } = decide(firing({ document: document({ execution: { type: "market" } }) }))
  assert.deepStrictEqual(
    [order?.type, order?.quantity, Decimal.format(order?.quoteAmount ?? d("0"))],
    ["market", null, "50"]
  )
})

it("a market buy gives up the fee's share rather than break a limit", () => {
  const rule = document({ execution: { type: "market" }, limits: { perDay: "50" } })
  const { order } = decide(firing({ document: rule }))
  assert.strictEqual(Decimal.format(order?.quoteAmount ?? d("0")), "49.9")
})

describe("a firing is refused, with the reason a person would name", () => {
  const refused: ReadonlyArray<readonly [string, Parameters<typeof firing>[0]]> = [
    ["GATE_STALE", { view: { ...view, ageMs: 10_001 } }],
    ["GATE_STALE", { view: null }],
    [
      "GATE_SPREAD",
      { document: document({ gates: [{ type: "maxSpread", bps: 1 }] }), view: { ...view, bid: d("99900") } }
    ],
    ["GATE_PRICE", { document: document({ gates: [{ type: "priceBetween", max: "99999" }] }) }],
    ["NOT_TRADABLE", { symbol: { ...symbolInfo, tradable: false } }],
    ["NOT_TRADABLE", { symbol: null }],
    ["EXCHANGE_UNAVAILABLE", { symbol: null, isSymbolUnread: true }],
    [
      "COOLDOWN",
      {
        document: document({ limits: { total: "1000", cooldown: "PT1H" } }),
        usage: usage({ lastAttemptAt: now - 3_599_999 })
      }
    ],
    ["CAP_TOTAL", { usage: usage({ total: d("950.1") }) }],
    ["CAP_DAY", { document: document({ limits: { perDay: "99" } }), usage: usage({ day: d("50") }) }],
    ["CAP_WEEK", { document: document({ limits: { perWeek: "99" } }), usage: usage({ week: d("50") }) }],
    ["CAP_MONTH", { document: document({ limits: { perMonth: "99" } }), usage: usage({ month: d("50") }) }],
    [
      "CAP_EXECUTIONS",
      { document: document({ limits: { total: "1000", maxExecutions: 2 } }), usage: usage({ executions: 2 }) }
    ],
    [
      "CAP_EXECUTIONS_DAY",
      {
        document: document({ limits: { total: "1000", maxExecutionsPerDay: 1 } }),
        usage: usage({ executionsToday: 1 })
      }
    ],
    ["BELOW_MIN_NOTIONAL", { document: document({ size: { type: "quote", amount: "1" } }) }],
    ["INSUFFICIENT_FUNDS", { free: d("49") }],
    ["CAP_RESERVE", { document: document({ limits: { total: "1000", reserveQuote: "100" } }), free: d("120") }],
    ["NOT_STARTED", { document: document({ startAt: "2026-03-02T00:00:00Z" }) }],
    ["SHADOW", { document: document({ mode: "shadow" }) }]
  ]
  for (const [expected, changes] of refused) it(expected, () => assert.strictEqual(code(changes), expected))
})

describe("buyWhatFits", () => {
  const rule = document({ onInsufficientFunds: "buyWhatFits" })
  it("buys with what is free", () => {
    const { order, decision } = decide(firing({ document: rule, free: d("20") }))
    assert.strictEqual(decision.outcome, "fire")
    assert.isTrue(order !== null && Decimal.lessOrEqual(order.worst, d("20")))
    assert.strictEqual(Decimal.format(decision.sizing?.capped ?? d("0")), "20")
  })
  it("names the missing money when that is less than the venue's minimum", () => {
    assert.strictEqual(code({ document: rule, free: d("0.5") }), "INSUFFICIENT_FUNDS")
    assert.strictEqual(code({ document: rule, usage: usage({ total: d("999.9") }) }), "CAP_TOTAL")
  })
})

it("a fee that the venue rounds up does not push a buy over its amount", () => {
  const symbol = { ...symbolInfo, quantityStep: d("0.000000001"), priceTick: d("0.000001") }
  const rule = document({
    size: { type: "quote", amount: "2" },
    execution: { type: "protectedMarket", maxSlippageBps: 1 }
  })
  const { order } = decide(
    firing({ document: rule, symbol, view: { ...view, last: d("1"), bid: d("1"), ask: d("1") } })
  )
  assert.isTrue(order !== null && Decimal.lessOrEqual(order.worst, d("2")), Decimal.format(order?.worst ?? d("0")))
})

it("perBuyMax trims every buy", () => {
  const { order } = decide(firing({ document: document({ limits: { total: "1000", perBuyMax: "30" } }) }))
  assert.isTrue(order !== null && Decimal.lessOrEqual(order.worst, d("30")))
})

it("no firing ever costs more than its amount, its limits, its maxPrice or the free balance allow", () => {
  let sent = 0
  fc.assert(
    fc.property(
      fc.record({
        ask: decimal(1, 100_000, 1),
        amount: decimal(1, 5_000, 2),
        quantity: decimal(0, 2, 6),
        base: fc.boolean(),
        market: fc.boolean(),
        bps: fc.integer({ min: 1, max: 1_000 }),
        maxPrice: fc.option(decimal(1, 120_000, 2)),
        total: decimal(1, 10_000, 2),
        used: decimal(0, 10_000, 2),
        free: decimal(0, 10_000, 2),
        step: fc.constantFrom("0.000001", "0.01", "0.5", "3"),
        fee: fc.constantFrom("0", "0.0005", "0.002"),
        fits: fc.boolean()
      }),
      (input) => {
        const rule = document({
          size:
            input.base && Decimal.isPositive(input.quantity)
              ? { type: "base", quantity: Decimal.format(input.quantity) }
              : { type: "quote", amount: Decimal.format(input.amount) },
          execution: input.market ? { type: "market" } : { type: "protectedMarket", maxSlippageBps: input.bps },
          maxPrice: input.maxPrice === null || input.market ? null : Decimal.format(input.maxPrice),
          limits: { total: Decimal.format(input.total) },
          onInsufficientFunds: input.fits ? "buyWhatFits" : "skip"
        })
        const symbol = { ...symbolInfo, quantityStep: d(input.step), takerFeeRate: d(input.fee) }
        const seen = { last: input.ask, bid: input.ask, ask: input.ask, asOf: now, ageMs: 0 }
        const { order } = decide(
          firing({ document: rule, symbol, view: seen, free: input.free, usage: usage({ total: input.used }) })
        )
        if (order === null) return
        sent++
        if (order.quantity !== null) {
          assert.isTrue(Decimal.isPositive(order.quantity))
          assert.isTrue(Decimal.equals(Decimal.quantise(order.quantity, symbol.quantityStep, "floor"), order.quantity))
        }
        if (order.price !== null && order.quantity !== null) {
          const value = Decimal.multiply(order.price, order.quantity)
          const cost = Decimal.add(value, Decimal.round(Decimal.multiply(value, symbol.takerFeeRate), 8, "ceil"))
          if (rule.size.type === "quote") assert.isTrue(Decimal.lessOrEqual(cost, rule.size.amount), "above the amount")
          assert.isTrue(Decimal.lessOrEqual(cost, order.worst))
          assert.isTrue(Decimal.equals(Decimal.quantise(order.price, symbol.priceTick, "floor"), order.price))
          if (rule.maxPrice !== null) assert.isTrue(Decimal.lessOrEqual(order.price, rule.maxPrice), "above maxPrice")
        }
        if (order.quoteAmount !== null && rule.size.type === "quote")
          assert.isTrue(Decimal.lessOrEqual(order.quoteAmount, rule.size.amount))
        assert.isTrue(Decimal.lessOrEqual(Decimal.add(input.used, order.worst), input.total), "above the cap")
        assert.isTrue(Decimal.lessOrEqual(order.worst, input.free), "above the balance")
        assert.isTrue(Decimal.greaterOrEqual(order.notional, symbol.minNotional), "below the minimum")
      }
    ),
    { numRuns: 3_000 }
  )
  assert.isAbove(sent, 200)
})
