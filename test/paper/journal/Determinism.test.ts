import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange, type PaperExchangeOptions } from "../../../src/paper/PaperExchange.ts"
import { temporaryFolder } from "../../kit/Process.ts"
import { clients, stillExchange } from "../kit/SignedClient.ts"

const types = ["LIMIT", "IMMEDIATE_OR_CANCEL", "LIMIT_MAKER", "FILL_OR_KILL", "MARKET"] as const

/** Two clients and an operator do a bit of everything, one after the other, and time is stepped in between. */
const session = (rounds: number) =>
  Effect.gen(function* () {
    const { alice, bob } = yield* clients
    yield* alice.control("POST", "/paper/v1/deposit", { accessKey: "mx0alice", asset: "MX", amount: "5" })
    yield* alice.signed("POST", "/api/v3/mxDeduct/enable", { mxDeductEnable: "true" })
    yield* bob.signed("POST", "/api/v3/order", {
      symbol: "ETHUSDT",
      side: "BUY",
      type: "LIMIT",
      quantity: "0.1",
      price: "3200"
    })
    // Within the steps of the market that moves by itself; the order above is met by one of them.
    const path = [1_000, 1_000, 2_500, 7_777].map((afterMs, i) => ({
      symbol: "ETHUSDT",
      price: `${3_400 - 100 * i}`,
      afterMs
    }))
    yield* alice.control("POST", "/paper/v1/prices", { path })
    let filled = 0
    for (let i = 0; i < rounds; i++) {
      const client = i % 2 === 0 ? alice : bob
      const price = yield* client.raw("GET", "/api/v3/ticker/price?symbol=BTCUSDT")
      const type = types[i % types.length] ?? "LIMIT"
      const size = { quantity: `0.0${(i % 4) + 1}` }
      const limit = (Number(price.body.price) * (1 + ((i % 7) - 3) / 4_000)).toFixed(2)
      const placed = yield* client.signed("POST", "/api/v3/order", {
        symbol: "BTCUSDT",
        side: i % 3 === 0 ? "SELL" : "BUY",
        type,
        ...(type === "MARKET" ? size : { ...size, price: limit }),
        newClientOrderId: `run-${i}`
      })
      assert.strictEqual(placed.status, 200, JSON.stringify(placed.body))
      if (i % 5 === 4) yield* client.signed("DELETE", "/api/v3/openOrders", { symbol: "BTCUSDT" })
      yield* client.control("POST", "/paper/v1/advance", { ms: 1_000 * (i % 9) })
      const trades = yield* client.signed("GET", "/api/v3/myTrades", { symbol: "BTCUSDT" })
      filled = Math.max(filled, trades.body.length)
    }
    assert.isAbove(filled, 3, "the session trades")
    const journal = yield* alice.raw("GET", "/paper/v1/journal")
    return createHash("sha256").update(String(journal.body)).digest("hex")
  })

const hashOf = (options: Partial<PaperExchangeOptions>, rounds = 16) =>
  Effect.scoped(
    Effect.provide(
      session(rounds),
      PaperExchange.layer({
        ...stillExchange,
        market: "synthetic",
        speed: 0,
        limits: { ordersPerSecond: 1_000, ipWeight: 100_000 },
        ...options
      })
    )
  )

describe("where time is stepped", () => {
  it.scopedLive("the same seed and the same requests leave the same journal, whenever they are made", () =>
    Effect.gen(function* () {
      const first = yield* hashOf({})
      yield* Effect.sleep("30 millis")
      assert.strictEqual(yield* hashOf({}), first)
      assert.strictEqual(yield* hashOf({ dataDir: yield* temporaryFolder }), first, "on a disk too")
      assert.notStrictEqual(yield* hashOf({ seed: 8 }), first)
      assert.notStrictEqual(yield* hashOf({}, 15), first)
    })
  )
})
