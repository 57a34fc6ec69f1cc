import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, Ref } from "effect"
import { request } from "node:http"
import { StaleMarketData, SymbolNotFound } from "../../../src/api/Errors.ts"
import { unsafe } from "../../../src/domain/Decimal.ts"
import type { OrderBook, Ticker } from "../../../src/domain/Market.ts"
import { Routes } from "../../../src/http/gate/Routes.ts"
import { tableOf } from "../../../src/http/hot/HotListener.ts"
import { HttpServer, type ServerOptions } from "../../../src/http/HttpServer.ts"
import { ask, bearer, client, serve, type Stubs } from "../kit/server.ts"
import { aTicker } from "../kit/values.ts"

const aBook: OrderBook = {
  symbol: aTicker.symbol,
  bids: [[unsafe("97112.39"), unsafe("1.204")]],
  asks: [[unsafe("97112.41"), unsafe("0.5")]],
  version: "56217769552",
  asOf: aTicker.asOf,
  source: "ws",
  stale: false
}

const noSuch = new SymbolNotFound({ message: "The venue does not list it." })

/** Whoever asks is known already: others are left to the API builder. */
const stubs: Stubs = {
  remembers: true,
  market: {
    live: Effect.succeed({
      ticker: (symbol) => (symbol === aTicker.symbol ? aTicker : null),
      orderBook: (symbol) => (symbol === aTicker.symbol ? aBook : null)
    }),
    ticker: (symbol) => (symbol === aTicker.symbol ? Effect.succeed(aTicker) : Effect.fail(noSuch)),
    tickers: () => Effect.succeed([aTicker]),
    orderBook: (symbol) =>
      symbol === aTicker.symbol
        ? Effect.succeed(aBook)
        : Effect.fail(new StaleMarketData({ message: "Crossed; try again.", retryable: true })),
    candles: ({ interval, limit = 50, symbol }) =>
      Effect.succeed({
        symbol,
        interval,
        items: Array.from({ length: limit }, () => ({
          openTime: aTicker.asOf,
          open: unsafe("1"),
          high: unsafe("1"),
          low: unsafe("1"),
          close: unsafe("1"),
          volume: unsafe("1"),
          quoteVolume: unsafe("1"),
          closed: true,
          synthetic: false
        })),
        nextCursor: null,
        asOf: aTicker.asOf,
        source: "rest" as const,
        stale: false
      })
  },
  wallets: {
    changes: Effect.succeed(() => 0),
    get: () =>
      Effect.succeed({
        venue: "paper",
        assets: [],
        totalValue: unsafe("0"),
        quoteAsset: "USDT",
        asOf: aTicker.asOf,
        source: "ws" as const,
        stale: false
      })
  },
  events: { seq: () => Effect.succeed(7), appendedHere: Effect.succeed(() => 7) },
  readiness: {
    status: Effect.succeed({
      status: "up" as const,
      role: "owner" as const,
      marketTime: aTicker.asOf,
      time: aTicker.asOf,
      version: "0.0.0",
      venue: "paper",
      exchangeHost: "localhost",
      authMode: "local" as const
    })
  }
}

const running = <A, E>(
  test: (url: string) => Effect.Effect<A, E>,
  options: Partial<ServerOptions> = {},
  given: Stubs = stubs
) => Effect.flatMap(HttpServer, ({ url }) => test(url)).pipe(Effect.provide(serve(given, options)))

const market = "/api/v1/market"
const ticker = `${market}/tickers/BTCUSDT`
const ann = bearer("ann:read")

/** A page's request goes the whole way through the API builder; a program's does not. */
const aPage = { origin: "https://page.test" }

/** What two answers to one question may differ in. */
const own = ["x-request-id", "ratelimit", "date"]

/** As node sends and receives it: `fetch` would set headers of its own. */
const get = (url: string, headers: Readonly<Record<string, string>>, method = "GET") =>
  Effect.async<{ readonly status: number; readonly head: Readonly<Record<string, string>>; readonly body: string }>(
    (resume) => {
      request(url, { method, headers, agent: false }, (response) => {
        let body = ""
        response
          .setEncoding("utf8")
          .on("data", (text: string) => (body += text))
          .on("end", () => {
            const head = Object.entries(response.headersDistinct)
              .filter(([name]) => !own.includes(name))
              .map(([name, values]) => [name, values?.join("|") ?? ""] as const)
            resume(Effect.succeed({ status: response.statusCode ?? 0, head: Object.fromEntries(head.sort()), body }))
          })
      }).end()
    }
  )

const questions: ReadonlyArray<readonly [what: string, path: string, headers?: Readonly<Record<string, string>>]> = [
  ["the status, open to everybody", "/api/v1/status", {}],
  ["a ticker", ticker],
  ["all tickers", `${market}/tickers`],
  ["some tickers, a page of them", `${market}/tickers?symbols=BTCUSDT&limit=1`],
  ["candles", `${market}/candles/BTCUSDT?interval=1m&limit=3`],
  ["an order book", `${market}/order-book/BTCUSDT?depth=5`],
  ["a wallet, with the event it is of", "/api/v1/account/wallet"],
  ["an unknown symbol", `${market}/tickers/NOPEUSDT`],
  ["a failing read", `${market}/order-book/ETHUSDT`],
  ["no symbol at all", `${market}/tickers/%00`],
  ["a symbol written with escapes", `${market}/tickers/BTC%55SDT`],
  ["an unknown parameter", `${market}/order-book/BTCUSDT?dept=5`],
  ["a parameter out of bounds", `${market}/order-book/BTCUSDT?depth=0`],
  ["a parameter twice", `${market}/order-book/BTCUSDT?depth=5&depth=6`],
  ["a missing parameter", `${market}/candles/BTCUSDT`],
  ["a query where there is none", `${ticker}?a=1`],
  ["no credential", ticker, {}],
  ["a wrong one", ticker, bearer("nobody")],
  ["one without the scope", ticker, bearer("ann:trade")],
  ["one that is bound to another address", ticker, bearer("ann:read:203.0.113.7")]
]

describe("A hot read", () => {
  it.live("is answered as the API builder answers it, headers and errors included", () =>
    running((url) =>
      Effect.forEach(questions, ([what, path, headers = ann]) =>
        Effect.gen(function* () {
          const named = { ...headers, "x-request-id": "the-same" }
          const hot = yield* get(url + path, named)
          const built = yield* get(url + path, { ...named, ...aPage })
          assert.deepStrictEqual(hot, built, what)
          assert.notStrictEqual(hot.status, 500, what)
        })
      )
    )
  )

  it.live("says the same by HEAD, and to a page that may ask", () =>
    running(
      (url) =>
        Effect.gen(function* () {
          const hot = yield* get(url + ticker, ann)
          const head = yield* get(url + ticker, ann, "HEAD")
          const page = yield* get(url + ticker, { ...ann, ...aPage })
          assert.deepStrictEqual([head.status, head.head["content-length"]], [200, hot.head["content-length"]])
          assert.deepStrictEqual([hot.head["vary"], page.head["vary"]], ["Origin", "Origin"])
          assert.strictEqual(hot.head["access-control-allow-origin"], undefined)
          assert.strictEqual(page.head["access-control-allow-origin"], aPage.origin)
          assert.strictEqual(page.body, hot.body)
        }),
      { corsOrigins: [aPage.origin] }
    )
  )

  it.live("counts on the caller's quota, whichever way it is served", () =>
    running(
      (url) =>
        Effect.gen(function* () {
          const left = (headers: Readonly<Record<string, string>>) =>
            Effect.map(ask(url + ticker, { headers }), ({ code, headers, status }) => [
              status,
              headers.get("ratelimit")?.replace(/;t=.*/, ""),
              code
            ])
          assert.deepStrictEqual(yield* left(ann), [200, `"default";r=2`, undefined])
          assert.deepStrictEqual(yield* left({ ...ann, ...aPage }), [200, `"default";r=1`, undefined])
          assert.deepStrictEqual(yield* left(ann), [200, `"default";r=0`, undefined])
          assert.deepStrictEqual(yield* left(ann), [429, `"default";r=0`, "RATE_LIMITED"])
          assert.deepStrictEqual((yield* left(bearer("bob:read")))[0], 200)
        }),
      { ratePerMinute: 3 }
    )
  )

  it.live("is a value of the contract for the typed client", () =>
    Effect.gen(function* () {
      const api = yield* client("ann:read")
      assert.deepStrictEqual(yield* api.market.getTicker({ path: { symbol: aTicker.symbol } }), aTicker)
      assert.deepStrictEqual(yield* api.market.getOrderBook({ path: { symbol: aTicker.symbol }, urlParams: {} }), aBook)
    }).pipe(Effect.provide(serve(stubs)))
  )

  it.live("is answered from what is live, and asks only where nothing is", () => {
    let known: Ticker | null = { ...aTicker, last: unsafe("97111") }
    const live = Effect.succeed({ ticker: () => known, orderBook: () => ({ ...aBook, version: "live" }) })
    const asked = Effect.succeed({ ...aTicker, last: unsafe("97113") })
    return running(
      (url) =>
        Effect.gen(function* () {
          const text = (path: string) => Effect.map(get(url + path, ann), ({ body }) => body)
          assert.include(yield* text(ticker), `"last":"97111"`)
          known = null
          assert.include(yield* text(ticker), `"last":"97113"`)
          assert.include(yield* text(`${market}/order-book/BTCUSDT`), `"version":"live"`)
        }),
      {},
      { ...stubs, market: { live, ticker: () => asked } }
    )
  })

  it.live("sends what is new, and no field that is not in the contract", () =>
    Effect.gen(function* () {
      const now = yield* Ref.make({ ...aTicker, secret: "inner" })
      const given: Stubs = { ...stubs, market: { ticker: () => Ref.get(now) } }
      yield* running(
        (url) =>
          Effect.gen(function* () {
            const text = Effect.map(get(url + ticker, ann), ({ body }) => body)
            const first = yield* text
            assert.strictEqual(yield* text, first)
            assert.notInclude(first, "inner")
            yield* Ref.update(now, (before) => ({ ...before, last: unsafe("97113") }))
            assert.include(yield* text, `"last":"97113"`)
          }),
        {},
        given
      )
    })
  )

  it.live("does not run on for a client that went away, and leaves the gate", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const gone = yield* Deferred.make<void>()
      const slow = Deferred.succeed(asked, undefined).pipe(
        Effect.zipRight(Effect.never),
        Effect.onInterrupt(() => Deferred.succeed(gone, undefined))
      )
      yield* running(
        (url) =>
          Effect.gen(function* () {
            const asking = yield* Effect.fork(
              Effect.async<never>(() => {
                const sent = request(url + ticker, { headers: ann, agent: false }).on("error", () => {})
                sent.end()
                return Effect.sync(() => sent.destroy())
              })
            )
            yield* Deferred.await(asked)
            yield* Fiber.interrupt(asking)
            yield* Deferred.await(gone)
            const metrics = yield* ask(`${url}/metrics`, { headers: ann })
            // The one that asks for the metrics.
            assert.match(String(metrics.body), /^dipper_http_active 1$/m)
          }),
        {},
        { ...stubs, market: { ticker: () => slow } }
      )
    })
  )

  it.live("that meets a fault of ours is 500 in the envelope, and its log has the cause", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const log = Logger.make(({ cause, message }) => void logged.push(`${String(message)} ${cause.toString()}`))
      yield* running(
        (url) =>
          Effect.gen(function* () {
            const answer = yield* ask(url + ticker, { headers: ann })
            assert.deepStrictEqual([answer.status, answer.code], [500, "INTERNAL"])
            assert.notInclude(JSON.stringify(answer.body), "broken inside")
          }),
        {},
        {
          ...stubs,
          market: {
            live: Effect.succeed({
              ticker: () => {
                throw new Error("broken as well")
              },
              orderBook: () => null
            }),
            ticker: () => Effect.dieMessage("broken inside")
          }
        }
      ).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, log)))
      assert.match(logged.join("\n"), /broken inside/)
    })
  )
})

describe("The table of hot reads", () => {
  const { all } = new Routes()
  const read = (operation: string) => ({ operation, prepare: () => null })
  const hot = all.filter((route) => route.hot).map(({ operation }) => operation)

  it("has one for each route that the contract says is hot", () => {
    assert.deepStrictEqual([...hot].sort(), [
      "getOrderBook",
      "getStatus",
      "getTicker",
      "getWallet",
      "listCandles",
      "listTickers"
    ])
    assert.strictEqual(tableOf(all, hot.map(read)).size, 6)
  })

  it("cannot be made when one is missing, or is read that is not hot", () => {
    assert.throws(() => tableOf(all, hot.slice(1).map(read)), /must be a HotRead/)
    assert.throws(() => tableOf(all, [...hot, "getAccount"].map(read)), /getAccount must be a HotRead/)
  })
})
