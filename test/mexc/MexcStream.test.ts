import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Schema, Scope, Stream, TestClock } from "effect"
import * as Exit from "effect/Exit"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import type { MarketEvent, UserEvent } from "../../src/mexc/stream/Events.ts"
import { bookTickerChannel, dealsChannel, privateChannels, privateDeals } from "../../src/mexc/wire/Channels.ts"
import { eventually, settle } from "./kit/streamServer.ts"
import { credentials } from "./kit/venueServer.ts"
import { keys, listen, pass, withStream } from "./kit/withStream.ts"

const named = Schema.decodeSync(SymbolName)
const abc = named("ABCUSDT")

const deals = (...prices: ReadonlyArray<string>) => ({
  channel: dealsChannel("ABCUSDT"),
  symbol: "ABCUSDT",
  publicAggreDeals: { deals: prices.map((price) => ({ price, quantity: "2", tradeType: 2, time: 77 })) }
})
const best = {
  channel: bookTickerChannel("ABCUSDT"),
  symbol: "ABCUSDT",
  sendTime: 78,
  publicAggreBookTicker: { bidPrice: "9", bidQuantity: "1", askPrice: "10", askQuantity: "3" }
}

describe("market streams", () => {
  it.effect("say subscribed after the venue has, then every trade and best price in order", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.market(abc))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        const [peer] = server.peers
        assert.deepStrictEqual([...(peer?.channels ?? [])], [dealsChannel("ABCUSDT"), bookTickerChannel("ABCUSDT")])
        peer?.push(deals("10", "7.5", "11"))
        peer?.push(best)
        yield* eventually(() => heard.events.length === 3, "both frames")
        const [, trades, ticker] = heard.events
        assert.deepStrictEqual(
          trades?.type === "trades" ? trades.trades.map(({ price }) => Decimal.format(price)) : [],
          ["10", "7.5", "11"]
        )
        assert.deepStrictEqual(
          ticker?.type === "bookTicker" ? [Decimal.format(ticker.bid), Decimal.format(ticker.ask), ticker.at] : [],
          ["9", "10", 78]
        )
        assert.deepStrictEqual(yield* stream.health, {
          publicConnections: 1,
          subscriptions: 2,
          privateConnections: 0
        })
      })
    )
  )

  it.effect("never say subscribed for a symbol the venue blocks, and ask again a minute later", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        server.behaviour.blocked.add(dealsChannel("ABCUSDT"))
        const heard = yield* listen(stream.market(abc))
        yield* eventually(() => heard.types() === "interrupted", "the refusal")
        server.behaviour.blocked.clear()
        yield* pass(1.5)
        yield* eventually(() => heard.types() === "interrupted subscribed", "the second attempt")
        assert.strictEqual(server.opened(), 1)
      })
    )
  )

  it.effect("come back by themselves when the connection is lost", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.market(abc))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        server.peers[0]?.socket.terminate()
        yield* eventually(() => heard.types() === "subscribed interrupted", "interrupted")
        assert.strictEqual((yield* stream.health).publicConnections, 0)
        yield* TestClock.adjust("1 second")
        yield* eventually(() => heard.types() === "subscribed interrupted subscribed", "subscribed again")
        server.peers[0]?.push(best)
        yield* eventually(() => heard.types().endsWith("bookTicker"), "a price on the new connection")
      })
    )
  )

  it.effect("take silence for a loss, and a ping's answer for a sign of life", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.market(abc))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        yield* pass(3)
        assert.strictEqual(heard.types(), "subscribed")
        assert.isAtLeast(server.peers[0]?.pings ?? 0, 8)
        server.behaviour.talks = false
        yield* pass(0.5)
        assert.strictEqual(heard.types(), "subscribed interrupted")
      })
    )
  )

  it.effect("survive frames that do not decode and end a connection that sends too much", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.market(abc))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        server.peers[0]?.socket.send(Buffer.from([255, 255, 255, 255]))
        server.peers[0]?.push(best)
        yield* eventually(() => heard.types() === "subscribed bookTicker", "the frame after the broken one")
        server.peers[0]?.socket.send(Buffer.alloc(2 * 1024 * 1024))
        yield* eventually(() => heard.types().endsWith("interrupted"), "the end of the connection")
      })
    )
  )

  it.effect("share connections, thirty channels each, and close what is no longer needed", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const symbols = Array.from({ length: 16 }, (_, i) => named(`C${i}USDT`))
        const all = yield* Effect.forEach(symbols, (symbol) => listen(stream.market(symbol)))
        yield* eventually(() => all.every(({ events }) => events.length === 1), "all subscribed")
        assert.deepStrictEqual(server.peers.map(({ channels }) => channels.size).sort(), [2, 30])
        const alone = all[15]
        if (alone !== undefined) yield* Fiber.interrupt(alone.fiber)
        yield* settle
        assert.strictEqual(server.peers.length, 2, "kept for whoever comes next")
        yield* TestClock.adjust("15 seconds")
        yield* eventually(() => server.peers.length === 1, "the second connection closed")
        const first = all[0]
        if (first !== undefined) yield* Fiber.interrupt(first.fiber)
        yield* eventually(() => server.peers[0]?.channels.size === 28, "unsubscribed")
        assert.strictEqual((yield* stream.health).subscriptions, 28)
      })
    )
  )

  it.effect("of the same symbol twice do not end each other", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const one = yield* listen(stream.market(abc))
        const two = yield* listen(stream.market(abc))
        yield* eventually(() => one.events.length + two.events.length === 2, "both subscribed")
        yield* Fiber.interrupt(one.fiber)
        yield* TestClock.adjust("15 seconds")
        yield* eventually(() => server.peers.length === 1, "one connection left")
        server.peers[0]?.push(best)
        yield* eventually(() => two.types() === "subscribed bookTicker", "the price")
      })
    )
  )

  it.effect("tell a reader that is too slow that it missed something", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const pull = yield* Stream.toPull(stream.market(abc)).pipe(Scope.extend(scope))
        const first = yield* pull
        assert.strictEqual(Chunk.unsafeHead(first).type, "subscribed")
        for (let i = 0; i < 5_000; i++) server.peers[0]?.push(deals("10"))
        yield* eventually(() => server.peers[0]?.socket.bufferedAmount === 0, "all sent")
        yield* Effect.repeatN(settle, 30)
        const seen: Array<MarketEvent["type"]> = []
        while (!seen.includes("subscribed")) for (const event of yield* pull) seen.push(event.type)
        assert.deepStrictEqual(seen.slice(0, 2), ["interrupted", "subscribed"])
      })
    )
  )

  it.effect("tell a reader that was too slow the best prices that come after what was dropped", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const pull = yield* Stream.toPull(stream.market(abc)).pipe(Scope.extend(scope))
        yield* pull
        const [peer] = server.peers
        // The first ones wait, and are dropped with the trades behind them.
        peer?.push(best)
        for (let i = 0; i < 3_000; i++) peer?.push(deals("10"))
        peer?.push(best)
        peer?.push(deals("11"))
        yield* eventually(() => peer?.socket.bufferedAmount === 0, "all sent")
        yield* Effect.repeatN(settle, 30)
        const seen = new Set<MarketEvent["type"] | "the last trade">()
        while (!seen.has("the last trade"))
          for (const event of yield* pull) {
            const isLast = event.type === "trades" && event.trades.some(({ price }) => Decimal.format(price) === "11")
            seen.add(isLast ? "the last trade" : event.type)
          }
        assert.isTrue(seen.has("interrupted"))
        assert.isTrue(seen.has("bookTicker"))
      })
    )
  )
})

const pushes = (clientId: string, status: number) => [
  {
    channel: "spot@private.orders.v3.api.pb",
    symbol: "ABCUSDT",
    sendTime: 1_000,
    privateOrders: {
      id: "77",
      clientId,
      price: "10",
      quantity: "2",
      amount: "0",
      orderType: 3,
      tradeType: 1,
      cumulativeQuantity: "2",
      cumulativeAmount: "19.5",
      status,
      createTime: 900
    }
  },
  {
    channel: privateDeals,
    symbol: "ABCUSDT",
    privateDeals: {
      price: "9.75",
      quantity: "2",
      amount: "19.5",
      tradeType: 1,
      tradeId: "77X1",
      clientOrderId: clientId,
      orderId: "77",
      feeAmount: "0.01",
      feeCurrency: "USDT",
      time: 950
    }
  },
  {
    channel: "spot@private.account.v3.api.pb",
    privateAccount: { vcoinName: "USDT", balanceAmount: "80.49", frozenAmount: "0", time: 960 }
  }
]

describe("an account's stream", () => {
  it.effect("connects with its listen key, says so when all is subscribed, and tells every event", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.user(credentials))
        yield* eventually(() => heard.types() === "connected", "connected")
        const [peer] = server.peers
        assert.strictEqual(peer?.url, "/ws?listenKey=key1")
        assert.deepStrictEqual([...(peer?.channels ?? [])], [...privateChannels])
        for (const push of pushes("dp1", 2)) peer?.push(push)
        yield* eventually(() => heard.types() === "connected order fill balance", "the events")
        const [, order, fill, balance] = heard.events
        assert.deepStrictEqual(
          order?.type === "order" ? [order.order.status, order.order.clientOrderId, order.order.type] : [],
          ["filled", "dp1", "immediateOrCancel"]
        )
        assert.strictEqual(fill?.type === "fill" && Decimal.format(fill.fill.quoteQuantity), "19.5")
        assert.strictEqual(balance?.type === "balance" && Decimal.format(balance.balance.free), "80.49")
        assert.strictEqual((yield* stream.health).privateConnections, 1)
      })
    )
  )

  it.effect("renews its key within half an hour on the same connection, and closes it at the end", () =>
    withStream((stream, server, venue) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.user(credentials))
        yield* eventually(() => heard.types() === "connected", "connected")
        yield* pass(31)
        const verbs = () => venue.calls("/userDataStream").map(({ method }) => method)
        yield* eventually(() => verbs().join(" ") === "POST PUT", "the renewal")
        assert.strictEqual(server.opened(), 1)
        assert.strictEqual(heard.types(), "connected")
        yield* Fiber.interrupt(heard.fiber)
        yield* eventually(() => verbs().join(" ") === "POST PUT DELETE", "the key closed")
        yield* eventually(() => server.peers.length === 0, "the connection closed")
      })
    )
  )

  it.effect("takes a new key when the old one cannot be renewed", () => {
    const answer = keys()
    return withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.user(credentials))
          yield* eventually(() => heard.types() === "connected", "connected")
          yield* pass(30.5)
          yield* eventually(() => heard.types() === "connected interrupted connected", "connected anew")
          assert.strictEqual(server.peers[0]?.url, "/ws?listenKey=key2")
        }),
      (asked) => (asked.method === "PUT" ? { status: 400, json: { code: 400, msg: "gone" } } : answer(asked))
    )
  })

  it.effect("takes a new key when the venue does not know its key", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        server.behaviour.greeting = "Invalid listen key"
        const heard: { readonly events: ReadonlyArray<UserEvent>; readonly types: () => string } = yield* listen(
          stream.user(credentials)
        )
        yield* eventually(() => server.opened() === 1 && server.peers.length === 0, "the first key thrown away")
        server.behaviour.greeting = null
        yield* TestClock.adjust("1 second")
        yield* eventually(() => heard.types() === "connected", "connected")
        assert.strictEqual(server.peers[0]?.url, "/ws?listenKey=key2")
      })
    )
  )

  it.effect("loses no event to a slow reader", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const pull = yield* Stream.toPull(stream.user(credentials)).pipe(Scope.extend(scope))
        assert.strictEqual(Chunk.unsafeHead(yield* pull).type, "connected")
        const fill = pushes("dp1", 2)[1]
        for (let i = 0; i < 6_000; i++)
          server.peers[0]?.push({
            ...fill,
            privateDeals: { ...fill?.privateDeals, tradeId: `t${i}` }
          })
        yield* Effect.repeatN(settle, 30)
        const seen: Array<string> = []
        while (seen.length < 6_000)
          for (const event of yield* pull) seen.push(event.type === "fill" ? event.fill.tradeId : event.type)
        assert.deepStrictEqual(
          seen,
          Array.from({ length: 6_000 }, (_, i) => `t${i}`)
        )
        yield* Scope.close(scope, Exit.void)
      })
    )
  )
})
