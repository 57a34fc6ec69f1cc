import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import type { PushFrame } from "../../../src/mexc/wire/Stream.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { account, alice, bob, clients, type Json } from "../kit/SignedClient.ts"
import { connect } from "../kit/streamKit.ts"

const depth = "spot@public.aggre.depth.v3.api.pb@10ms@BTCUSDT"
const privately = ["orders", "deals", "account"].map((kind) => `spot@private.${kind}.v3.api.pb`)

const exchange = PaperExchange.layer({
  ...roomyExchange,
  accounts: [account(alice, { USDT: "1000000", BTC: "20" }), account(bob, { USDT: "1000000", BTC: "20" })]
})

const action = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      does: fc.constant("place" as const),
      who: fc.boolean(),
      side: fc.constantFrom("BUY", "SELL"),
      type: fc.constantFrom("LIMIT", "LIMIT", "LIMIT", "MARKET", "LIMIT_MAKER", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"),
      offset: fc.integer({ min: -300, max: 300 }),
      quantity: fc.integer({ min: 1, max: 900 })
    })
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("cancel" as const), who: fc.boolean(), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant("price" as const),
      price: fc.integer({ min: 49_800, max: 50_200 }),
      quantity: fc.integer({ min: 0, max: 50 })
    })
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("deposit" as const), who: fc.boolean() }) }
)

/** A local book by the venue's procedure: deltas wait for the snapshot, old ones are dropped, none may be missing. */
const localBook = (snapshot: Json) => {
  const sides = { bids: new Map<string, string>(snapshot.bids), asks: new Map<string, string>(snapshot.asks) }
  let version: number = snapshot.lastUpdateId
  const apply = ({ publicAggreDepths: delta }: PushFrame) => {
    if (delta === undefined || Number(delta.toVersion) <= version) return
    assert.isAtMost(Number(delta.fromVersion), version + 1, "a delta is missing")
    for (const side of ["bids", "asks"] as const)
      for (const { price, quantity } of delta[side])
        if (Number(quantity) === 0) sides[side].delete(price)
        else sides[side].set(price, quantity)
    version = Number(delta.toVersion)
  }
  return { apply, sides, version: () => version }
}

const sorted = (levels: Iterable<readonly [string, string]>) => [...levels].map(([p, q]) => `${p} ${q}`).sort()

/** What an account's pushes add up to. */
const rebuilt = () => {
  const balances = new Map<string, readonly [string, string]>()
  const orders = new Map<string, Json>()
  const trades = new Map<string, Json>()
  const apply = ({ privateAccount, privateDeals, privateOrders }: PushFrame) => {
    if (privateAccount !== undefined)
      balances.set(privateAccount.vcoinName, [privateAccount.balanceAmount, privateAccount.frozenAmount])
    if (privateDeals !== undefined) {
      assert.isFalse(trades.has(privateDeals.tradeId), "a deal is told once")
      trades.set(privateDeals.tradeId, privateDeals)
    }
    if (privateOrders === undefined) return
    assert.notInclude([2, 4, 5], orders.get(privateOrders.id)?.status, "an ended order is told no more")
    orders.set(privateOrders.id, privateOrders)
  }
  return { balances, orders, trades, apply }
}

const statuses = ["", "NEW", "FILLED", "PARTIALLY_FILLED", "CANCELED", "PARTIALLY_CANCELED"]

/** Runs everything heard through `apply` until nothing has come for a while. */
const settle = (stream: Effect.Effect.Success<ReturnType<typeof connect>>, apply: (frame: PushFrame) => void) =>
  Effect.gen(function* () {
    for (const heard of yield* stream.heard.takeAll) {
      if ("frame" in heard) apply(heard.frame)
      else assert.notProperty(heard, "closed")
    }
  })

describe("over random activity of two accounts", () => {
  for (const seed of [11, 12, 13]) {
    it.scopedLive(`a local book, balances, orders and deals made of pushes equal REST's answers (seed ${seed})`, () =>
      Effect.gen(function* () {
        const both = yield* clients
        const [one, two] = [both.alice, both.bob]
        yield* one.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
        const market = yield* connect(both.port)
        yield* market.subscribe(depth)
        const streams = yield* Effect.forEach([one, two], (client) =>
          Effect.gen(function* () {
            const { listenKey } = (yield* client.signed("POST", "/api/v3/userDataStream")).body
            const stream = yield* connect(both.port, `?listenKey=${listenKey}`)
            yield* stream.subscribe(...privately)
            return stream
          })
        )
        const open: Array<readonly [boolean, string]> = []
        const actions = fc.sample(action, { seed, numRuns: 250 })
        const act = (wanted: (typeof actions)[number], index: number) =>
          Effect.gen(function* () {
            switch (wanted.does) {
              case "place": {
                const { offset, quantity, side, type, who } = wanted
                const price = type === "MARKET" ? {} : { price: String(50_000 + offset) }
                const order = { symbol: "BTCUSDT", side, type, quantity: String(quantity / 1_000), ...price }
                const answer = yield* (who ? one : two).signed("POST", "/api/v3/order", {
                  ...order,
                  newClientOrderId: `seed${seed}n${index}`
                })
                if (answer.status === 200) open.push([who, answer.body.orderId])
                return
              }
              case "cancel": {
                const [who = true, orderId = ""] = open[wanted.pick % Math.max(1, open.length)] ?? []
                yield* (who ? one : two).signed("DELETE", "/api/v3/order", { symbol: "BTCUSDT", orderId })
                return
              }
              case "price":
                yield* one.control("POST", "/paper/v1/price", {
                  symbol: "BTCUSDT",
                  price: String(wanted.price),
                  quantity: String(wanted.quantity / 100)
                })
                return
              case "deposit":
                yield* one.control("POST", "/paper/v1/deposit", {
                  accessKey: (wanted.who ? alice : bob).accessKey,
                  asset: "USDT",
                  amount: "12.34567"
                })
            }
          })
        yield* Effect.forEach(actions.slice(0, 125), act, { concurrency: 4 })
        const book = localBook((yield* one.raw("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000")).body)
        yield* Effect.forEach(actions.slice(125), (wanted, index) => act(wanted, index + 125), { concurrency: 4 })
        yield* Effect.sleep("500 millis")

        const now = (yield* one.raw("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000")).body
        while (book.version() < now.lastUpdateId) book.apply(yield* market.frame)
        assert.deepStrictEqual(sorted(book.sides.bids), sorted(now.bids))
        assert.deepStrictEqual(sorted(book.sides.asks), sorted(now.asks))

        for (const [index, client] of [one, two].entries()) {
          const own = rebuilt()
          const stream = streams[index]
          if (stream !== undefined) yield* settle(stream, own.apply)
          const told = (yield* client.signed("GET", "/api/v3/account")).body.balances
          for (const { asset, free, locked } of told)
            assert.deepStrictEqual([asset, ...(own.balances.get(asset) ?? [])], [asset, free, locked])
          const orders = (yield* client.signed("GET", "/api/v3/allOrders", { symbol: "BTCUSDT", limit: "1000" })).body
          assert.strictEqual(own.orders.size, orders.length)
          assert.isAbove(orders.length, 40)
          for (const order of orders) {
            const pushed = own.orders.get(order.orderId)
            assert.deepStrictEqual(
              [statuses[pushed.status], Number(pushed.cumulativeQuantity), Number(pushed.cumulativeAmount)],
              [order.status, Number(order.executedQty), Number(order.cummulativeQuoteQty)]
            )
          }
          // REST tells the newest hundred.
          const trades = (yield* client.signed("GET", "/api/v3/myTrades", { symbol: "BTCUSDT", limit: "100" })).body
          assert.isAbove(trades.length, 20)
          assert.sameMembers(
            [...own.trades.values()]
              .slice(-trades.length)
              .map((deal) => `${deal.tradeId} ${deal.price} ${deal.quantity} ${deal.feeAmount}`),
            trades.map((trade: Json) => `${trade.id} ${trade.price} ${trade.qty} ${trade.commission}`)
          )
        }
      }).pipe(Effect.provide(exchange))
    )
  }
})
