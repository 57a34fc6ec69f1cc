import { assert, describe, it } from "@effect/vitest"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { Candle } from "../../../src/domain/Market.ts"
import { pastFirings } from "../../../src/domain/rule/foresight/pastFirings.ts"
import { at, d, document } from "./fixtures.ts"

const start = at("2026-03-01T00:00:00Z")

/** One-minute candles that go straight from each price to the next. */
const candles = (prices: ReadonlyArray<number>): ReadonlyArray<Candle> =>
  prices.slice(1).map((close, i) => {
    const open = prices[i] ?? close
    return {
      openTime: start + i * 60_000,
      open: d(String(open)),
      high: d(String(Math.max(open, close))),
      low: d(String(Math.min(open, close))),
      close: d(String(close)),
      volume: d("1"),
      quoteVolume: d("1"),
      closed: true,
      synthetic: false
    }
  })
const fired = (trigger: object, prices: ReadonlyArray<number>) =>
  pastFirings(document({ trigger, maxPrice: "1000" }), candles(prices))?.map((one) => [
    (one.at - start) / 60_000,
    Decimal.format(one.price)
  ]) ?? null

describe("when a rule would have fired on stored candles", () => {
  it("a trailing buy: after the fall and the rebound", () => {
    const trigger = {
      type: "price.rebound",
      from: { type: "fixed", price: "100" },
      afterDropPercent: "5",
      reboundPercent: "2"
    }
    assert.deepStrictEqual(fired(trigger, [100, 97, 95, 94, 96, 99]), [[3.5, "96"]])
  })
  it("a schedule: at each slot, for the price that its minute opened with", () => {
    assert.deepStrictEqual(
      fired({ type: "schedule.every", every: "PT2M", anchor: "2026-03-01T00:01:00Z" }, [1, 2, 3, 4, 5, 6]),
      [
        [1, "2"],
        [3, "4"]
      ]
    )
  })
  it("is not known where it depends on balances, listings or people", () => {
    assert.isNull(fired({ type: "balance.available", asset: "USDT", atLeast: "1" }, [1, 2]))
    assert.isNull(fired({ type: "listing.tradable" }, [1, 2]))
    assert.isNull(fired({ type: "manual" }, [1, 2]))
  })
})
