import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import { decide } from "../../../../src/domain/rule/decision/decide.ts"
import { valueAveragingTarget, wishOf } from "../../../../src/domain/rule/decision/wish.ts"
import { d, decimal, document, firing, usage, view } from "../fixtures.ts"

const show = Decimal.format

describe("a share of the free balance", () => {
  const rule = (size: object, limits: object = { total: "1000" }) =>
    document({ size: { type: "percentOfFreeQuote", ...size }, limits })
  const amount = (document: ReturnType<typeof rule>, free: string) => {
    const wish = wishOf(document, { free: d(free) }, d("1"))
    return wish.size?.type === "quote" ? show(wish.size.amount) : wish.refusal?.code
  }
  it("is taken of what the reserve leaves, between min and max", () => {
    assert.strictEqual(amount(rule({ percent: "25" }), "1000"), "250")
    assert.strictEqual(amount(rule({ percent: "25", max: "100" }), "1000"), "100")
    assert.strictEqual(amount(rule({ percent: "25", min: "20" }), "79"), "INSUFFICIENT_FUNDS")
    assert.strictEqual(amount(rule({ percent: "50" }, { total: "1000", reserveQuote: "900" }), "1000"), "50")
    assert.strictEqual(
      amount(rule({ percent: "50" }, { total: "1000", reserveQuote: "900" }), "800"),
      "INSUFFICIENT_FUNDS"
    )
  })
  it("of an unknown balance is not bought", () => {
    assert.strictEqual(wishOf(rule({ percent: "25" }), { free: null }, d("1")).refusal?.code, "EXCHANGE_UNAVAILABLE")
  })
  it("never asks for more than its share", () => {
    fc.assert(
      fc.property(
        decimal(0, 100_000, 4),
        fc.integer({ min: 1, max: 100 }),
        decimal(0, 500, 2),
        (free, percent, keep) => {
          const reserveQuote = Decimal.isPositive(keep) ? show(keep) : null
          const { size } = wishOf(rule({ percent: String(percent) }, { total: "1000", reserveQuote }), { free }, d("1"))
          if (size === null || size.type !== "quote") return
          assert.isTrue(Decimal.isPositive(size.amount))
          assert.isTrue(Decimal.lessOrEqual(size.amount, Decimal.percentOf(free, d(String(percent)))))
          assert.isTrue(Decimal.lessOrEqual(size.amount, Decimal.subtract(free, keep)))
        }
      )
    )
  })
})

describe("value averaging", () => {
  const size = { type: "valueAveraging", start: d("200"), growth: d("200"), max: d("500") } as const
  const rule = document({
    trigger: { type: "schedule.calendar", on: { type: "monthly", days: [1] }, at: ["09:00"] },
    startAt: "2026-01-01T00:00:00Z",
    size: { type: "valueAveraging", start: "200", growth: "200", max: "500" },
    limits: { total: "10000" }
  })
  it("grows its target with every slot since the first", () => {
    assert.deepStrictEqual(
      [0, 1, 12].map((slots) => show(valueAveragingTarget(size, slots))),
      ["200", "400", "2600"]
    )
  })
  it("buys what is missing, at most max, and nothing above the target", () => {
    const bought = (held: string, elapsedSlots: number) => {
      const { decision, order } = decide(
        firing({ document: rule, held: d(held), elapsedSlots, view: { ...view, bid: d("100000") } })
      )
      return order === null ? decision.reason?.code : show(decision.sizing?.asked ?? d("0"))
    }
    assert.strictEqual(bought("0.003", 1), "100")
    assert.strictEqual(bought("0", 11), "500")
    assert.strictEqual(bought("0.004", 1), "ABOVE_TARGET")
    assert.strictEqual(bought("0.00401", 1), "ABOVE_TARGET")
  })
  it("never takes the position beyond the target at the bid", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), decimal(0, 1, 6), decimal(1, 100_000, 1), (slots, held, bid) => {
        const wish = wishOf(rule, { free: null, held, elapsedSlots: slots }, bid)
        if (wish.size === null || wish.size.type !== "quote") return
        assert.isTrue(Decimal.isPositive(wish.size.amount))
        assert.isTrue(Decimal.lessOrEqual(wish.size.amount, size.max))
        const after = Decimal.add(Decimal.multiply(held, bid), wish.size.amount)
        assert.isTrue(Decimal.lessOrEqual(after, valueAveragingTarget(size, slots)))
      })
    )
  })
})

describe("what a rule may hold", () => {
  const capped = document({ limits: { total: "1000", maxPositionQuote: "100", maxOpenOrders: 2 } })
  const code = (changes: Parameters<typeof usage>[0]) =>
    decide(firing({ document: capped, usage: usage(changes) })).decision.reason?.code ?? null
  it("is bounded at cost, and in open orders", () => {
    assert.isNull(code({ position: d("50"), openOrders: 1 }))
    assert.strictEqual(code({ position: d("50.1"), openOrders: 1 }), "CAP_POSITION")
    assert.strictEqual(code({ position: d("50"), openOrders: 2 }), "CAP_OPEN_ORDERS")
  })
  it("is not bought while it is not known", () => {
    assert.strictEqual(code({ openOrders: 0 }), "CAP_POSITION")
    assert.strictEqual(code({ position: d("0") }), "CAP_OPEN_ORDERS")
  })
  it("is filled up by buyWhatFits", () => {
    const fits = document({ limits: { total: "1000", maxPositionQuote: "100" }, onInsufficientFunds: "buyWhatFits" })
    const { order } = decide(firing({ document: fits, usage: usage({ position: d("70") }) }))
    assert.isTrue(order !== null && Decimal.lessOrEqual(order.worst, d("30")))
  })
})

describe("a limit execution", () => {
  const limit = (changes: object = {}) =>
    decide(
      firing({
        document: document({
          execution: { type: "limit", offsetPercent: "0.5", ttl: "PT10M", ...changes },
          maxPrice: "99000"
        })
      })
    ).order
  it("waits below the bid, within maxPrice, its amount including the fee", () => {
    const order = limit({ offsetPercent: "2" })
    assert.deepStrictEqual([order?.type, show(order?.price ?? d("0"))], ["limit", "97999.9"])
    assert.isTrue(order !== null && Decimal.lessOrEqual(order.worst, d("50")))
    assert.deepStrictEqual([limit()?.type, show(limit()?.price ?? d("0"))], ["limit", "99000"])
    assert.strictEqual(limit({ postOnly: true })?.type, "limitMaker")
  })
})
