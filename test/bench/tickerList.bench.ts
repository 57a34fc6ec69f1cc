import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { toTicker } from "../../src/mexc/map/MarketMapping.ts"
import { readTickers24h } from "../../src/mexc/wire/rest/RestMarket.ts"
import { median, print, spread } from "./kit.ts"

const rounds = 15
const pairs = 2_000

const text = JSON.stringify(
  Array.from({ length: pairs }, (_, i) => ({
    symbol: `COIN${i}USDT`,
    priceChange: `-${i}.05`,
    priceChangePercent: `-0.00${10 + (i % 80)}`,
    prevClosePrice: `${88_395 - i}.05`,
    lastPrice: `${87_904 - i}.12`,
    bidPrice: `${87_903 - i}.99`,
    bidQty: `0.000${11_535 + i}`,
    askPrice: `${87_904 - i}.5`,
    askQty: `0.00${639_626 + i}`,
    openPrice: `${88_395 - i}.05`,
    highPrice: `${89_190 - i}.19`,
    lowPrice: `${87_405 - i}.97`,
    volume: `${7_670 + i}.80936815`,
    quoteVolume: `${677_764_373 + i}.43`,
    openTime: 1_767_206_022_041,
    closeTime: 1_767_206_031_677,
    count: null
  }))
)

it.live("the list of all tickers", () =>
  Effect.sync(() => {
    const runs: Array<{ readonly bare: number; readonly ours: number }> = []
    for (let round = 0; round <= rounds + 5; round++) {
      const began = performance.now()
      JSON.parse(text)
      const between = performance.now()
      const rows: ReadonlyArray<unknown> = JSON.parse(text)
      const tickers = readTickers24h(rows).rows.flatMap((row) => toTicker(row, 0) ?? [])
      const ended = performance.now()
      assert.lengthOf(tickers, pairs)
      // The first rounds warm up.
      if (round > 5) runs.push({ bare: between - began, ours: ended - between })
    }
    print(`a list of ${pairs} tickers, ${Math.round(text.length / 1_024)} kB, ${rounds} rounds`, [
      [
        "JSON.parse, ms",
        spread(
          runs.map((run) => run.bare),
          2
        )
      ],
      [
        "text to domain, ms",
        spread(
          runs.map((run) => run.ours),
          2
        )
      ],
      [
        "ours ÷ JSON.parse, time",
        spread(
          runs.map((run) => run.ours / run.bare),
          2
        )
      ],
      ["µs per ticker", (1_000 * (median(runs.map((run) => run.ours)) / pairs)).toFixed(2)]
    ])
  })
)
