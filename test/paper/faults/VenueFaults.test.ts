import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { clients, stillExchange, type Json } from "../kit/SignedClient.ts"

const order = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", price: "49000", quantity: "0.01" }

const venue = Effect.gen(function* () {
  const { alice, bob } = yield* clients
  yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
  const plan = (...faults: ReadonlyArray<object>) => alice.control("POST", "/paper/v1/faults", { faults })
  const fired = (type: string) =>
    Effect.map(
      alice.raw("GET", "/paper/v1/faults"),
      ({ body }): number => body.faults.find((fault: Json) => fault.type === type).fired
    )
  const clear = alice.control("DELETE", "/paper/v1/faults")
  const code = Effect.map(alice.signed("POST", "/api/v3/order", order), ({ body }): number => body.code ?? 0)
  const info = Effect.map(alice.raw("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT"), ({ body }): Json => body.symbols[0])
  return { alice, bob, plan, fired, clear, code, info }
})

const withExchange = <A, E>(test: Effect.Effect<A, E, PaperExchange>) =>
  Effect.provide(test, PaperExchange.layer(stillExchange))

describe("a fault of the venue", () => {
  it.scopedLive("halts a symbol until it is cleared", () =>
    withExchange(
      Effect.gen(function* () {
        const { clear, code, fired, info, plan } = yield* venue
        yield* plan({ type: "symbolHalt", symbol: "BTCUSDT" })
        assert.strictEqual(yield* fired("symbolHalt"), 1)
        assert.strictEqual(yield* code, 30000)
        assert.strictEqual((yield* info).status, "2")
        yield* clear
        assert.strictEqual(yield* code, 0)
        assert.strictEqual((yield* info).status, "1")
      })
    )
  )

  it.scopedLive("halts a symbol for some seconds", () =>
    withExchange(
      Effect.gen(function* () {
        const { code, plan } = yield* venue
        yield* plan({ type: "symbolHalt", symbol: "BTCUSDT", seconds: 2 })
        assert.strictEqual(yield* code, 30000)
        yield* Effect.sleep(2_100)
        assert.strictEqual(yield* code, 0)
      })
    )
  )

  it.scopedLive("changes filters, and puts back only what it changed", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, clear, code, fired, info, plan } = yield* venue
        const before = yield* info
        yield* plan(
          { type: "filterChange", symbol: "BTCUSDT", change: { minNotional: "600", quotePrecision: 1 } },
          { type: "symbolHalt", symbol: "BTCUSDT" }
        )
        yield* alice.control("POST", "/paper/v1/pairs", { symbol: "BTCUSDT", makerFeeRate: "0.002" })
        const changed = yield* info
        assert.deepStrictEqual([changed.quoteAmountPrecision, changed.quotePrecision], ["600", 1])
        yield* alice.control("POST", "/paper/v1/pairs", { symbol: "BTCUSDT", status: "1" })
        assert.strictEqual(yield* code, 30002)
        assert.strictEqual(yield* fired("filterChange"), 1)
        yield* clear
        assert.deepStrictEqual(yield* info, { ...before, makerCommission: "0.002" })
      })
    )
  )

  it.scopedLive("changes a balance from outside, of the account it names or of every one", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, bob, fired, plan } = yield* venue
        const free = (client: typeof alice) =>
          Effect.map(client.signed("GET", "/api/v3/account"), ({ body }): Json =>
            Object.fromEntries(body.balances.map(({ asset, free }: Json) => [asset, free]))
          )
        yield* plan({ type: "balanceChange", account: "mx0alice", asset: "USDT", amount: "-4000.5" })
        assert.deepInclude(yield* free(alice), { USDT: "5999.5" })
        assert.deepInclude(yield* free(bob), { USDT: "10000" })
        yield* plan({ type: "balanceChange", asset: "MX", amount: "7" })
        assert.deepInclude(yield* free(alice), { MX: "7" })
        assert.deepInclude(yield* free(bob), { MX: "7" })
        assert.strictEqual(yield* fired("balanceChange"), 2)
      })
    )
  )

  it.scopedLive("that the exchange refuses is told, and not counted", () =>
    withExchange(
      Effect.gen(function* () {
        const { fired, plan } = yield* venue
        const tooMuch = yield* plan({ type: "balanceChange", account: "mx0alice", asset: "USDT", amount: "-99999" })
        const nobody = yield* plan({ type: "balanceChange", account: "mx0nobody", asset: "USDT", amount: "1" })
        const nowhere = yield* plan({ type: "symbolHalt", symbol: "NOPEUSDT" })
        assert.deepStrictEqual([tooMuch.status, nobody.status, nowhere.body.code], [400, 400, -1121])
        assert.deepStrictEqual([yield* fired("balanceChange"), yield* fired("symbolHalt")], [0, 0])
      })
    )
  )

  it.scopedLive("places an order that no client of the account sent", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, plan } = yield* venue
        const symbol = "BTCUSDT"
        yield* plan(
          { type: "foreignOrder", account: "mx0alice", symbol, side: "sell", quantity: "0.5", price: "52000" },
          { type: "foreignOrder", account: "mx0alice", symbol, side: "buy", orderType: "market", quoteAmount: "100" }
        )
        const { body } = yield* alice.signed("GET", "/api/v3/allOrders", { symbol })
        const seen = body.map(({ clientOrderId, side, status }: Json) => ({ clientOrderId, side, status }))
        assert.deepStrictEqual(seen.length, 2)
        assert.deepInclude(seen, { clientOrderId: null, side: "SELL", status: "NEW" })
        assert.strictEqual(yield* fired("foreignOrder"), 2)
      })
    )
  )

  it.scopedLive("waits for a request when it names a path", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, code, fired, plan } = yield* venue
        yield* plan({ type: "symbolHalt", symbol: "BTCUSDT", path: "/api/v3/order", method: "POST" })
        assert.strictEqual((yield* alice.raw("GET", "/api/v3/ping")).status, 200)
        assert.strictEqual(yield* fired("symbolHalt"), 0)
        assert.strictEqual(yield* code, 30000, "it has happened when the order is looked at")
        assert.strictEqual(yield* fired("symbolHalt"), 1)
      })
    )
  )

  it.scopedLive("kills listen keys of the account it names", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, bob, fired, plan } = yield* venue
        const made = (yield* alice.signed("POST", "/api/v3/userDataStream")).body.listenKey
        const others = (yield* bob.signed("POST", "/api/v3/userDataStream")).body.listenKey
        yield* plan({ type: "listenKeyDeath", account: "mx0alice" })
        assert.strictEqual(yield* fired("listenKeyDeath"), 1)
        assert.deepStrictEqual((yield* alice.signed("GET", "/api/v3/userDataStream")).body.listenKey, [])
        assert.strictEqual((yield* alice.signed("PUT", "/api/v3/userDataStream", { listenKey: made })).status, 400)
        assert.deepStrictEqual((yield* bob.signed("GET", "/api/v3/userDataStream")).body.listenKey, [others])
      })
    )
  )

  it.scopedLive("can be there from the start", () =>
    Effect.gen(function* () {
      const { code, fired } = yield* venue
      assert.strictEqual(yield* fired("symbolHalt"), 1)
      assert.strictEqual(yield* code, 30000)
      yield* Effect.retry(
        Effect.filterOrFail(code, (now) => now === 0),
        Schedule.spaced("100 millis").pipe(Schedule.upTo("10 seconds"))
      )
    }).pipe(
      Effect.provide(
        PaperExchange.layer({ ...stillExchange, faults: [{ type: "symbolHalt", symbol: "BTCUSDT", seconds: 3 }] })
      )
    )
  )
})
