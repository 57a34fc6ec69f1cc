import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { ask, refusal, roomyExchange } from "../kit/ccxtClient.ts"
import { freshStreams, subscribed } from "../kit/ccxtStreams.ts"
import type { Json } from "../kit/SignedClient.ts"

const symbol = "BTC/USDT"

/** What a watcher hears next; the call is made at once. */
const heard = (call: () => Promise<unknown>) =>
  Effect.zipLeft(Effect.fork(ask(call)), subscribed).pipe(Effect.map(Fiber.join))

layer(PaperExchange.layer(roomyExchange), { excludeTestServices: true })(
  "an independent client streams the market",
  (it) => {
    it.scoped("the best prices of a quiet pair, until it unsubscribes", () =>
      Effect.gen(function* () {
        const { client, rest, trade } = yield* freshStreams()
        const ticker = yield* ask(() => client.watchTicker(symbol))
        const book = yield* ask(() => rest.fetchOrderBook(symbol, 5))
        assert.deepInclude(ticker, {
          symbol,
          bid: book.bids[0][0],
          bidVolume: book.bids[0][1],
          ask: book.asks[0][0],
          askVolume: book.asks[0][1]
        })
        assert.isAbove(ticker.timestamp, 0)
        const next = yield* heard(() => client.watchTicker(symbol))
        yield* trade("51000", "0.1")
        const moved = yield* next
        const after = yield* ask(() => rest.fetchOrderBook(symbol, 5))
        assert.deepStrictEqual([moved.bid, moved.ask], [after.bids[0][0], after.asks[0][0]])
        assert.isAbove(moved.bid, ticker.bid)
        yield* ask(() => client.unWatchTicker(symbol))
        yield* subscribed
        assert.isUndefined(client.tickers[symbol])
        yield* trade("50000", "0.1")
        yield* subscribed
        assert.isUndefined(client.tickers[symbol])
      })
    )

    it.scoped("the best prices of several pairs over one request", () =>
      Effect.gen(function* () {
        const { client, rest } = yield* freshStreams()
        // This version hands watchBidsAsks nothing from binary frames, which carry no `d`; it keeps them as tickers.
        yield* Effect.forkScoped(Effect.exit(ask(() => client.watchBidsAsks([symbol, "ETH/USDT"]))))
        yield* Effect.repeat(Effect.sleep("50 millis"), {
          until: () => symbol in client.tickers && "ETH/USDT" in client.tickers
        }).pipe(Effect.timeout("10 seconds"))
        for (const each of [symbol, "ETH/USDT"]) {
          const book = yield* ask(() => rest.fetchOrderBook(each, 5))
          const { ask: best, bid } = client.tickers[each] ?? {}
          assert.deepStrictEqual([bid, best], [book.bids[0][0], book.asks[0][0]])
        }
        // Which it refuses by itself on every spot venue of its kind.
        assert.include(String(yield* refusal(() => client.watchTickers([symbol]))), "does not support spot")
      })
    )

    it.scoped("candles, a quiet one too, of every interval it knows", () =>
      Effect.gen(function* () {
        const { client, rest, trade } = yield* freshStreams()
        yield* trade("50200", "0.5")
        for (const timeframe of ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M"]) {
          const [pushed] = (yield* ask(() => client.watchOHLCV(symbol, timeframe))).slice(-1)
          const [asked] = (yield* ask(() => rest.fetchOHLCV(symbol, timeframe, undefined, 1))).slice(-1)
          assert.deepStrictEqual(pushed[4], 50200, timeframe)
          // The minute may have ended since: then the stream tells a flat one.
          if (pushed[0] === asked[0]) assert.deepStrictEqual(pushed, asked, timeframe)
        }
        const [eight] = yield* ask(() => client.watchOHLCV(symbol, "8h"))
        assert.deepStrictEqual([eight[0] % (8 * 3_600_000), eight[4]], [0, 50200])
        const next = yield* heard(() => client.watchOHLCV(symbol, "1m"))
        yield* trade("50300", "0.25")
        const candles = yield* next
        assert.isAtLeast(candles.at(-1)[2], candles.at(-1)[4])
        for (const timeframe of ["1m", "8h"]) yield* ask(() => client.unWatchOHLCV(symbol, timeframe))
      })
    )

    it.scoped("a whole book of a quiet pair, and what changes in it", () =>
      Effect.gen(function* () {
        const { client, rest } = yield* freshStreams()
        const first = yield* ask(() => client.watchOrderBook(symbol))
        const asked = yield* ask(() => rest.fetchOrderBook(symbol))
        assert.deepStrictEqual([[...first.bids], [...first.asks]], [asked.bids, asked.asks])
        assert.isAbove(first.nonce, 10_000_000_000)
        yield* ask(() => rest.createOrder(symbol, "limit", "buy", 0.0123, 48_888.88))
        const shows = (book: Json): boolean => book.bids.some(([price]: Json) => price === 48_888.88)
        let seen = first
        while (!shows(seen)) seen = yield* ask(() => client.watchOrderBook(symbol))
        const now = yield* ask(() => rest.fetchOrderBook(symbol))
        assert.deepStrictEqual([[...seen.bids], [...seen.asks]], [now.bids, now.asks])
        yield* ask(() => client.unWatchOrderBook(symbol))
        assert.isUndefined(client.orderbooks[symbol])
      })
    )

    it.scoped("every public trade once", () =>
      Effect.gen(function* () {
        const { client, rest, trade } = yield* freshStreams()
        const next = yield* heard(() => client.watchTrades(symbol))
        yield* trade("50123.45", "0.3", "sell")
        const [told] = yield* next
        assert.deepInclude(told, { symbol, price: 50123.45, amount: 0.3, side: "sell" })
        const [newest] = (yield* ask(() => rest.fetchTrades(symbol))).slice(-1)
        assert.deepStrictEqual([told.price, told.amount, told.side], [newest.price, newest.amount, newest.side])
        // REST tells whole seconds.
        assert.strictEqual(Math.floor(told.timestamp / 1_000), Math.floor(newest.timestamp / 1_000))
        yield* ask(() => client.unWatchTrades(symbol))
        yield* subscribed
        yield* trade("50124", "0.1")
        yield* subscribed
        assert.isUndefined(client.trades[symbol])
      })
    )
  }
)
