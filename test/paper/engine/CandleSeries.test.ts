import { BigDecimal, FastCheck as fc } from "effect"
import { assert, describe, it } from "@effect/vitest"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { CandleSeries, closeTimeOf, openTimeOf } from "../../../src/paper/engine/CandleSeries.ts"

const minute = 60_000
const hour = 60 * minute
const start = Date.UTC(2026, 0, 30, 22, 17)

const trade = fc.record({
  gap: fc.integer({ min: 0, max: 40 * minute }),
  price: fc.integer({ min: 1, max: 9_999 }),
  quantity: fc.integer({ min: 1, max: 9_999 })
})
const trades = fc.array(trade, { minLength: 1, maxLength: 200 })

const play = (all: ReadonlyArray<{ gap: number; price: number; quantity: number }>) => {
  const series = new CandleSeries()
  const seen: Array<{ at: number; price: number; quantity: number }> = []
  let at = start
  for (const { gap, price, quantity } of all) {
    at += gap
    seen.push({ at, price, quantity })
    series.trade(at, BigDecimal.make(BigInt(price), 2), BigDecimal.make(BigInt(quantity), 2))
  }
  return { series, seen, now: at }
}

/** A bar as plain numbers, from trades: what the series must agree with. */
const barOf = (seen: ReadonlyArray<{ price: number; quantity: number }>) => {
  const prices = seen.map((each) => each.price / 100)
  return [
    prices[0],
    Math.max(...prices),
    Math.min(...prices),
    prices.at(-1),
    seen.reduce((sum, each) => sum + each.quantity, 0) / 100
  ]
}

interface Bar {
  readonly open: Decimal.Decimal
  readonly high: Decimal.Decimal
  readonly low: Decimal.Decimal
  readonly close: Decimal.Decimal
  readonly volume: Decimal.Decimal
}
const numbers = ({ close, high, low, open, volume }: Bar) => [open, high, low, close, volume].map(Decimal.toNumber)

describe("candles", () => {
  it("of every interval are the trades that fall into them", () => {
    fc.assert(
      fc.property(
        trades,
        fc.constantFrom("1m" as const, "15m" as const, "60m" as const, "1d" as const),
        (all, interval) => {
          const { now, seen, series } = play(all)
          const candles = series.query({ interval, limit: 10_000 }, now)
          const opens = [...new Set(seen.map((each) => openTimeOf(interval, each.at)))]
          assert.deepStrictEqual(
            candles.map((candle) => candle.openTime),
            opens
          )
          for (const candle of candles) {
            const inside = seen.filter((each) => openTimeOf(interval, each.at) === candle.openTime)
            assert.deepStrictEqual(numbers(candle), barOf(inside))
            assert.strictEqual(candle.closed, closeTimeOf(interval, candle.openTime) <= now)
          }
        }
      )
    )
  })

  it("since a minute are the same whether an hour was folded before or not", () => {
    fc.assert(
      fc.property(trades, fc.nat(3_000), (all, minutes) => {
        const { seen, series } = play(all)
        const from = openTimeOf("1m", start) + minutes * minute
        series.since(start - hour)
        const inside = seen.filter((each) => openTimeOf("1m", each.at) >= from)
        for (let again = 0; again < 2; again++) {
          const bar = series.since(from)
          assert.deepStrictEqual(bar === undefined ? [] : numbers(bar), inside.length === 0 ? [] : barOf(inside))
        }
      })
    )
  })

  it("are the same whether the past came before the trades or after them", () => {
    fc.assert(
      fc.property(trades, fc.nat(200), fc.boolean(), (all, cut, asked) => {
        const past = play(all.slice(0, cut))
        const history = past.series.query({ interval: "1m", limit: 10_000 }, past.now)
        const [before, after] = [new CandleSeries(), new CandleSeries()]
        before.load(history)
        for (const { at, price, quantity } of play(all).seen.slice(cut)) {
          for (const series of [before, after])
            series.trade(at, BigDecimal.make(BigInt(price), 2), BigDecimal.make(BigInt(quantity), 2))
        }
        if (asked) after.since(start)
        for (let again = 0; again < 2; again++) after.load(history)
        for (const interval of ["1m", "60m"] as const) {
          const [one, other] = [before, after].map((series) => series.query({ interval, limit: 10_000 }, past.now))
          assert.deepStrictEqual(
            other?.map((bar) => [bar.openTime, ...numbers(bar)]),
            one?.map((bar) => [bar.openTime, ...numbers(bar)])
          )
        }
        const [one, other] = [before, after].map((series) => series.since(start))
        assert.deepStrictEqual(other && numbers(other), one && numbers(one))
      })
    )
  })

  it("are the first from a start time on, else the newest before an exclusive end", () => {
    const series = new CandleSeries()
    for (let i = 0; i < 10; i++) series.trade(i * minute, Decimal.one, Decimal.one)
    const opens = (query: { from?: number; to?: number; limit: number }) =>
      series.query({ interval: "1m", ...query }, 0).map((candle) => candle.openTime / minute)
    assert.deepStrictEqual(opens({ from: 2 * minute, to: 5 * minute, limit: 500 }), [2, 3, 4])
    assert.deepStrictEqual(opens({ from: 2 * minute, limit: 2 }), [2, 3])
    assert.deepStrictEqual(opens({ to: 5 * minute, limit: 2 }), [3, 4])
    assert.deepStrictEqual(opens({ limit: 2 }), [8, 9])
  })

  it("open weeks on Monday and months on the first, in UTC", () => {
    const at = Date.UTC(2026, 1, 12, 15)
    assert.strictEqual(openTimeOf("1W", at), Date.UTC(2026, 1, 9))
    assert.strictEqual(openTimeOf("1M", at), Date.UTC(2026, 1, 1))
    assert.strictEqual(closeTimeOf("1M", Date.UTC(2026, 1, 1)), Date.UTC(2026, 2, 1))
  })

  it("that are closed never change: a late trade counts in the running minute", () => {
    const series = new CandleSeries()
    series.trade(0, Decimal.one, Decimal.one)
    series.trade(2 * minute, Decimal.one, Decimal.one)
    series.trade(minute, Decimal.hundred, Decimal.one)
    assert.deepStrictEqual(
      series.query({ interval: "1m", limit: 5 }, 0).map((candle) => Decimal.format(candle.high)),
      ["1", "100"]
    )
  })
})
