import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Ref, Schedule, Schema, Stream } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { ClientOrderId } from "../../src/domain/Ids.ts"
import { SymbolName, type SymbolInfo } from "../../src/domain/Market.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import type { OrderRequest } from "../../src/mexc/OrderRequest.ts"
import { MexcStream } from "../../src/mexc/MexcStream.ts"
import type { UserEvent } from "../../src/mexc/stream/Events.ts"
import { MexcEndpoint } from "../../src/mexc/wire/Endpoint.ts"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"
import { accessKey, clientLayer, credentials, secretKey } from "./kit/venueServer.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const idOf = Schema.decodeSync(ClientOrderId)
const money = Decimal.unsafe

const paper = PaperExchange.layer({
  host: "127.0.0.1",
  port: 0,
  market: "synthetic",
  speed: 1,
  seed: 7,
  accounts: [{ accessKey, secretKey: Redacted.make(secretKey), balances: { USDT: money("10000"), BTC: money("1") } }],
  control: false,
  dataDir: null
})

const venue = Layer.unwrapEffect(
  Effect.map(PaperExchange, ({ url, wsUrl }) =>
    MexcStream.layer.pipe(Layer.provide(MexcEndpoint.layer(url, wsUrl)), Layer.provideMerge(clientLayer(url)))
  )
).pipe(Layer.provide(paper), Layer.provideMerge(MarketClock.layer))

const patiently = { schedule: Schedule.spaced("50 millis").pipe(Schedule.upTo("5 seconds")) }

/** Asked once: exchangeInfo is heavy, and this client keeps to the venue's budget as any other. */
let known: SymbolInfo | undefined
const infoOf = Effect.gen(function* () {
  const client = yield* MexcClient
  known ??= (yield* client.symbols).find((info) => info.symbol === symbol)
  return yield* Effect.fromNullable(known)
})

const bestPrices = Effect.gen(function* () {
  const { asks, bids } = yield* Effect.flatMap(MexcClient, ({ orderBook }) => orderBook(symbol, 5))
  return { ask: asks[0]?.[0] ?? Decimal.zero, bid: bids[0]?.[0] ?? Decimal.zero }
})

/** A limit far enough through the market to fill, on the pair's grid. */
const crossing = (info: SymbolInfo, side: "buy" | "sell", id: string) =>
  Effect.gen(function* () {
    const { ask, bid } = yield* bestPrices
    const price =
      side === "buy"
        ? Decimal.quantise(Decimal.multiply(ask, money("1.004")), info.priceTick, "floor")
        : Decimal.quantise(Decimal.multiply(bid, money("0.996")), info.priceTick, "ceil")
    const quantity = Decimal.quantise(Decimal.divide(money("200"), price), info.quantityStep, "floor")
    const order: OrderRequest = { symbol, side, type: "immediateOrCancel", quantity, price, clientOrderId: idOf(id) }
    return order
  })

layer(venue, { excludeTestServices: true })("the client and the paper exchange speak the same protocol:", (it) => {
  it.effect("pairs, tickers, book, trades and candles", () =>
    Effect.gen(function* () {
      const client = yield* MexcClient
      const symbols = yield* client.symbols
      assert.isAtLeast(symbols.length, 8)
      const info = yield* infoOf
      assert.isTrue(info.tradable)
      assert.includeMembers([...info.orderTypes], ["limit", "market", "immediateOrCancel"])

      const tickers = yield* client.tickers
      assert.strictEqual(tickers.length, symbols.length)
      const ticker = yield* client.ticker(symbol)
      assert.isTrue(Decimal.lessThan(ticker.bid, ticker.ask))

      const book = yield* client.orderBook(symbol, 20)
      const bids = book.bids.map(([price]) => price)
      assert.deepStrictEqual(
        bids,
        [...bids].sort((a, b) => Decimal.order(b, a))
      )
      assert.match(book.version, /^\d+$/)

      const now = yield* Effect.flatMap(MarketClock, (clock) => clock.now)
      const candles = yield* client.candles({ symbol, interval: "1m", from: now - 700 * 60_000, to: now })
      assert.isAtLeast(candles.length, 690)
      for (const { high, low, open } of candles)
        assert.isTrue(Decimal.lessOrEqual(low, open) && Decimal.lessOrEqual(open, high))

      const trades = yield* client.trades(symbol, 50)
      assert.isAtMost(trades.length, 50)
      assert.isBelow(Math.abs(yield* client.clockOffset), 1_000)
    })
  )

  it.effect("an order that fills, its fills, and the balances they explain", () =>
    Effect.gen(function* () {
      const client = yield* MexcClient
      const info = yield* infoOf
      const { rows: before } = yield* client.balances(credentials)
      const request = yield* crossing(info, "buy", "dpConformBuy1")
      const ack = yield* client.placeOrder(credentials, request, Effect.void)
      const order = yield* client.order(credentials, symbol, request.clientOrderId).pipe(
        Effect.flatten,
        Effect.filterOrFail(({ status }) => status !== "open"),
        Effect.retry(patiently)
      )
      assert.strictEqual(order.exchangeOrderId, ack.exchangeOrderId)
      assert.strictEqual(order.clientOrderId, "dpConformBuy1")
      assert.strictEqual(order.type, "immediateOrCancel")
      assert.strictEqual(order.status, "filled")

      const { rows: fills } = yield* client.fills(credentials, { symbol, exchangeOrderId: ack.exchangeOrderId })
      assert.isTrue(Decimal.equals(Decimal.sum(fills.map(({ quantity }) => quantity)), order.executedQuantity))
      assert.isTrue(Decimal.equals(Decimal.sum(fills.map(({ quoteQuantity }) => quoteQuantity)), order.executedQuote))

      const { rows: after } = yield* client.balances(credentials)
      const free = (balances: typeof before, asset: string) =>
        balances.find((balance) => balance.asset === asset)?.free ?? Decimal.zero
      const fees = Decimal.sum(fills.map(({ fee }) => (fee.asset === "USDT" ? fee.amount : Decimal.zero)))
      const spent = Decimal.subtract(free(before, "USDT"), free(after, "USDT"))
      assert.strictEqual(Decimal.format(spent), Decimal.format(Decimal.add(order.executedQuote, fees)))

      const { rows: all } = yield* client.allOrders(credentials, symbol, order.createdAt - 60_000)
      assert.deepStrictEqual(
        all.filter(({ clientOrderId }) => clientOrderId === "dpConformBuy1").map(({ status }) => status),
        ["filled"]
      )
    })
  )

  it.effect("a market buy by amount", () =>
    Effect.gen(function* () {
      const client = yield* MexcClient
      const clientOrderId = idOf("dpConformMarket1")
      yield* client.placeOrder(
        credentials,
        { symbol, side: "buy", type: "market", quoteOrderQty: money("150"), clientOrderId },
        Effect.void
      )
      const order = yield* client.order(credentials, symbol, clientOrderId).pipe(
        Effect.flatten,
        Effect.filterOrFail(({ status }) => status !== "open" && status !== "partiallyFilled"),
        Effect.retry(patiently)
      )
      assert.strictEqual(order.quoteAmount === null ? null : Decimal.format(order.quoteAmount), "150")
      assert.isTrue(Decimal.lessOrEqual(order.executedQuote, money("150")))
    })
  )

  it.effect("an order that rests, is cancelled, and stays cancelled", () =>
    Effect.gen(function* () {
      const client = yield* MexcClient
      const info = yield* infoOf
      const { bid } = yield* bestPrices
      const price = Decimal.quantise(Decimal.multiply(bid, money("0.7")), info.priceTick, "floor")
      const quantity = Decimal.quantise(Decimal.divide(money("50"), price), info.quantityStep, "floor")
      const clientOrderId = idOf("dpConformRest1")
      yield* client.placeOrder(
        credentials,
        { symbol, side: "buy", type: "limit", price, quantity, clientOrderId },
        Effect.void
      )
      const { rows: open } = yield* client.openOrders(credentials, symbol)
      assert.include(
        open.map((order) => order.clientOrderId),
        "dpConformRest1"
      )
      yield* client.cancelOrder(credentials, symbol, clientOrderId)
      yield* client.cancelOrder(credentials, symbol, clientOrderId)
      const order = yield* Effect.flatten(client.order(credentials, symbol, clientOrderId))
      assert.strictEqual(order.status, "cancelled")
      assert.isTrue(Option.isNone(yield* client.order(credentials, symbol, idOf("dpNeverPlaced"))))
    })
  )

  it.effect("refusals", () =>
    Effect.gen(function* () {
      const client = yield* MexcClient
      const request = yield* crossing(yield* infoOf, "buy", "dpConformSmall1")
      const small = yield* Effect.flip(
        client.placeOrder(credentials, { ...request, quantity: money("0.00001") }, Effect.void)
      )
      assert.strictEqual(small._tag === "VenueRefused" && small.code, 30002)
      const poor = yield* Effect.flip(client.placeOrder(credentials, { ...request, quantity: money("5") }, Effect.void))
      assert.strictEqual(poor._tag === "VenueRefused" && poor.kind, "funds")
      const forged = yield* Effect.flip(client.balances({ ...credentials, secretKey: Redacted.make("wrong") }))
      assert.strictEqual(forged._tag === "VenueRefused" && forged.kind, "auth")
    })
  )

  it.effect("the probes of a key's permissions", () =>
    Effect.gen(function* () {
      const client = yield* MexcClient
      const found = yield* client.permissions(credentials)
      assert.deepStrictEqual(found, { read: true, trade: true, withdraw: false })
    })
  )

  it.scoped("prices and an account's own events", () =>
    Effect.gen(function* () {
      const client = yield* MexcClient
      const stream = yield* MexcStream
      const seen = yield* Ref.make<ReadonlyArray<UserEvent>>([])
      yield* Effect.forkScoped(
        Stream.runForEach(stream.user(credentials), (event) => Ref.update(seen, (all) => [...all, event]))
      )
      const hears = (wanted: (event: UserEvent) => boolean) =>
        Ref.get(seen).pipe(
          Effect.flatMap((all) => Effect.fromNullable(all.find(wanted))),
          Effect.retry(patiently)
        )
      yield* hears(({ type }) => type === "connected")
      const request = yield* crossing(yield* infoOf, "sell", "dpConformSell1")
      yield* client.placeOrder(credentials, request, Effect.void)
      yield* hears(
        (event) =>
          event.type === "order" && event.order.clientOrderId === "dpConformSell1" && event.order.status === "filled"
      )
      yield* hears((event) => event.type === "fill" && event.fill.side === "sell")
      yield* hears((event) => event.type === "balance" && event.balance.asset === "BTC")

      const market = yield* stream.market(symbol).pipe(
        Stream.filter(({ type }) => type === "subscribed" || type === "bookTicker" || type === "trades"),
        Stream.take(2),
        Stream.runCollect,
        Effect.timeout("15 seconds")
      )
      assert.strictEqual([...market][0]?.type, "subscribed")
    })
  )
})
