import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange, type PaperExchangeOptions } from "../../../src/paper/PaperExchange.ts"
import { clients, stillExchange } from "../kit/SignedClient.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "paper-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** Starts an exchange, does something with it and ends it. */
const during = <A, E>(options: PaperExchangeOptions, use: Effect.Effect<A, E, PaperExchange>) =>
  Effect.provide(use, PaperExchange.layer(options))

const limitBuy = (price: string, newClientOrderId: string) => ({
  symbol: "BTCUSDT",
  side: "BUY",
  type: "LIMIT",
  price,
  quantity: "0.01",
  newClientOrderId
})

const everything = Effect.gen(function* () {
  const { alice, bob } = yield* clients
  const read = (client: typeof alice) =>
    Effect.gen(function* () {
      const get = (path: string, parameters = {}) =>
        Effect.map(client.signed("GET", path, parameters), (answer) => answer.body)
      return {
        account: yield* get("/api/v3/account"),
        open: yield* get("/api/v3/openOrders"),
        orders: yield* get("/api/v3/allOrders", { symbol: "BTCUSDT" }),
        trades: yield* get("/api/v3/myTrades", { symbol: "BTCUSDT" })
      }
    })
  return [yield* read(alice), yield* read(bob)]
})

describe("a restarted exchange", () => {
  it.scopedLive("has the accounts, balances, orders, fills and price it had, and newer book versions", () =>
    Effect.gen(function* () {
      const options = { ...stillExchange, dataDir: yield* directory }
      const before = yield* during(
        options,
        Effect.gen(function* () {
          const { alice, bob } = yield* clients
          yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
          yield* alice.signed("POST", "/api/v3/order", limitBuy("49900", "a1"))
          yield* alice.signed("POST", "/api/v3/order", limitBuy("48000", "a2"))
          yield* bob.signed("POST", "/api/v3/order", { ...limitBuy("49900", "b1"), side: "SELL" })
          yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "49800" })
          const depth = yield* alice.raw("GET", "/api/v3/depth?symbol=BTCUSDT")
          return { state: yield* everything, version: depth.body.lastUpdateId }
        })
      )
      const after = yield* during(
        options,
        Effect.gen(function* () {
          const { alice } = yield* clients
          const depth = yield* alice.raw("GET", "/api/v3/depth?symbol=BTCUSDT")
          const price = yield* alice.raw("GET", "/api/v3/ticker/price?symbol=BTCUSDT")
          const again = yield* alice.signed("POST", "/api/v3/order", limitBuy("48000", "a1"))
          return { state: yield* everything, version: depth.body.lastUpdateId, price: price.body.price, again }
        })
      )
      assert.deepStrictEqual(after.state, before.state)
      assert.lengthOf(after.state[0]?.open, 1)
      assert.isAbove(after.version, before.version)
      assert.strictEqual(after.price, "49800")
      assert.strictEqual(after.again.body.code, 603, "a client id stays used")
    })
  )

  it.scopedLive("forgets a line that a crash tore, and goes on writing after it", () =>
    Effect.gen(function* () {
      const dataDir = yield* directory
      const options = { ...stillExchange, dataDir }
      yield* during(options, Effect.void)
      const path = join(dataDir, "journal.jsonl")
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      appendFileSync(path, '{"_tag":"deposited","at":1,"acco')
      const place = Effect.flatMap(clients, ({ alice }) =>
        Effect.zipRight(
          alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" }),
          alice.signed("POST", "/api/v3/order", limitBuy("49000", "a1"))
        )
      )
      yield* during(options, place)
      const state = yield* during(options, everything)
      assert.lengthOf(state[0]?.open, 1)
      for (const line of readFileSync(path, "utf8").trim().split("\n")) JSON.parse(line)
    })
  )

  it.scopedLive("refuses a journal that is damaged in the middle, naming the line", () =>
    Effect.gen(function* () {
      const dataDir = yield* directory
      const options = { ...stillExchange, dataDir }
      yield* during(options, Effect.void)
      appendFileSync(join(dataDir, "journal.jsonl"), "damage\n")
      const refusal = yield* Effect.flip(during(options, Effect.void))
      assert.match(refusal.message, /cannot be read at line \d+/)
    })
  )

  it.scopedLive("never lets market time run backwards, at any speed", () =>
    Effect.gen(function* () {
      const options = { ...stillExchange, dataDir: yield* directory, speed: 5_000 }
      const now = Effect.flatMap(clients, ({ alice }) =>
        Effect.map(alice.raw("GET", "/paper/v1/clock"), (answer): number => answer.body.marketNow)
      )
      const first = yield* during(options, Effect.zipLeft(now, Effect.sleep("50 millis")))
      const second = yield* during(options, now)
      const third = yield* during(options, now)
      assert.isAbove(second, first)
      assert.isAbove(third, second)
    })
  )
})

describe("a port that is taken", () => {
  it.scopedLive("is named in the refusal", () =>
    Effect.gen(function* () {
      const { port } = yield* PaperExchange
      const refusal = yield* Effect.flip(during({ ...stillExchange, port }, Effect.void))
      assert.strictEqual(refusal._tag, "PortTaken")
      assert.include(refusal.message, `cannot listen on 127.0.0.1:${port}: another program`)
    }).pipe(Effect.provide(PaperExchange.layer(stillExchange)))
  )
})
