import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"
import { clients, stillExchange, type Json } from "./kit/SignedClient.ts"

const start = Date.UTC(2026, 0, 5)
const minute = 60_000
/** Six minutes that fall from 100 to 95, then halt. */
const rows = Array.from({ length: 6 }, (_, i) => {
  const openTime = start + i * minute
  const open = 100 - i
  return [openTime, open, open + 0.5, open - 1.5, open - 1, 12, openTime + minute, 1_200].join(",")
})

const recording = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "paper-"))
    const columns = "openTime,open,high,low,close,volume,closeTime,quoteVolume"
    writeFileSync(join(folder, "ABCUSDT-1m.csv"), `${[columns, ...rows].join("\n")}\n`)
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

describe("a replayed market stepped by hand", () => {
  it.scopedLive("shows earlier rows as history, plays the window and halts at its last price", () =>
    Effect.gen(function* () {
      const folder = yield* recording
      const exchange = PaperExchange.layer({
        ...stillExchange,
        market: `replay:${folder}`,
        speed: 0,
        window: { from: start + 3 * minute }
      })
      yield* Effect.gen(function* () {
        const { alice } = yield* clients
        const get = (path: string) => Effect.map(alice.raw("GET", path), (answer) => answer.body)
        const klines = get("/api/v3/klines?symbol=ABCUSDT&interval=1m")
        const price = Effect.map(get("/api/v3/ticker/price?symbol=ABCUSDT"), (body): string => body.price)
        const advance = (ms: number) => alice.control("POST", "/paper/v1/advance", { ms })

        assert.deepStrictEqual(
          (yield* klines).map((each: Json) => each[0]),
          [0, 1, 2].map((i) => start + i * minute)
        )
        assert.strictEqual(yield* price, "97")

        yield* alice.signed("POST", "/api/v3/order", {
          symbol: "ABCUSDT",
          side: "BUY",
          type: "LIMIT",
          price: "96",
          quantity: "1"
        })
        yield* advance(minute)
        const [order] = (yield* alice.signed("GET", "/api/v3/allOrders", { symbol: "ABCUSDT" })).body
        assert.deepInclude(order, { status: "FILLED", executedQty: "1", cummulativeQuoteQty: "96" })
        const trades = (yield* alice.signed("GET", "/api/v3/myTrades", { symbol: "ABCUSDT" })).body
        for (const trade of trades) {
          assert.deepInclude(trade, { price: "96", isMaker: true })
          assert.isAtLeast(trade.time, start + 3 * minute)
          assert.isAtMost(trade.time, start + 4 * minute)
        }

        yield* advance(60 * minute)
        assert.strictEqual(yield* price, "94")
        const played = yield* klines
        assert.deepStrictEqual(played.at(-1).slice(1, 5), ["95", "95.5", "93.5", "94"])
        yield* advance(minute)
        assert.strictEqual(yield* price, "94")
      }).pipe(Effect.provide(exchange))
    })
  )
})
