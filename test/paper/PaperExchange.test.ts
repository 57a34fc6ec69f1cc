import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"
import { clients, stillExchange, type Json } from "./kit/SignedClient.ts"

describe("a paper exchange on a loopback port", () => {
  it.scopedLive("buys coins at the market and shows the fill, the balance and the order", () =>
    Effect.gen(function* () {
      const { alice } = yield* clients
      yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })

      const time = yield* alice.raw("GET", "/api/v3/time")
      assert.isNumber(time.body.serverTime)
      const info = yield* alice.raw("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT")
      assert.strictEqual(info.body.symbols[0].status, "1")

      const placed = yield* alice.signed("POST", "/api/v3/order", {
        symbol: "BTCUSDT",
        side: "BUY",
        type: "MARKET",
        quoteOrderQty: "50",
        newClientOrderId: "first"
      })
      assert.strictEqual(placed.status, 200, JSON.stringify(placed.body))
      assert.notProperty(placed.body, "status")

      const order = yield* alice.signed("GET", "/api/v3/order", { symbol: "BTCUSDT", origClientOrderId: "first" })
      assert.strictEqual(order.body.status, "FILLED")
      const trades = yield* alice.signed("GET", "/api/v3/myTrades", { symbol: "BTCUSDT", orderId: placed.body.orderId })
      assert.strictEqual(trades.body.length, 1)
      const [trade] = trades.body
      assert.strictEqual(trade.commissionAsset, "USDT")

      const account = yield* alice.signed("GET", "/api/v3/account")
      const free = (asset: string) => Number(account.body.balances.find((each: Json) => each.asset === asset).free)
      assert.closeTo(free("USDT"), 10_000 - Number(trade.quoteQty) - Number(trade.commission), 1e-9)
      assert.closeTo(free("BTC"), 1 + Number(trade.qty), 1e-12)
      assert.isAtMost(10_000 - free("USDT"), 50)
    }).pipe(Effect.provide(PaperExchange.layer(stillExchange)))
  )
})
