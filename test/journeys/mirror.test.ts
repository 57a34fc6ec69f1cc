import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { PlaceOrder } from "../../src/domain/order/PlaceOrder.ts"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, service } from "../kit/Service.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const limitBuy = Schema.decodeUnknownSync(PlaceOrder)({
  symbol,
  side: "buy",
  type: "limit",
  quantity: "0.01",
  price: "59000",
  waitMs: 0
})

/** Somebody sells on the venue. */
const trade = (url: string, price: string) =>
  Effect.promise(() =>
    fetch(`${url}/paper/v1/price`, {
      method: "POST",
      body: JSON.stringify({ symbol: "BTCUSDT", price, quantity: "0.3", takerSide: "sell" })
    })
  )

/** Two programs: an exchange, and the service on a paper exchange that mirrors it. */
it.scopedLive(
  "the service buys on a mirrored market when the market comes to its price",
  () =>
    Effect.gen(function* () {
      const venue = yield* paperExchange
      yield* venue.price("BTCUSDT", "60000")
      const env = {
        PAPER_URL: "",
        PAPER_PORT: "0",
        PAPER_MARKET: "mirror",
        MEXC_REST_URL: venue.url,
        MEXC_WS_URL: `${venue.url.replace("http", "ws")}/ws`
      }
      const { command, url } = yield* service(yield* temporaryFolder, venue, env)
      // `keys create` beside it knows the same settings.
      const api = yield* client(url, yield* createKey(command))
      yield* api.account.getWallet()
      const ticker = api.market.getTicker({ path: { symbol } })
      yield* eventually("the ticker", ticker, ({ last, stale }) => Decimal.format(last) === "60000" && !stale)

      const placed = yield* api.trading.placeOrder({
        payload: limitBuy,
        headers: { "idempotency-key": "mirrored-market-order" }
      })
      assert.strictEqual(placed.status, "open")
      yield* trade(venue.url, "58900")
      const order = api.trading.getOrder({ path: { id: placed.id } })
      yield* eventually("the order", order, ({ status }) => status === "filled")
      yield* eventually("the ticker", ticker, ({ last }) => Decimal.format(last) === "58900")
      const journal = yield* venue.journal
      assert.isFalse(
        journal.some(({ _tag }) => _tag === "orderAccepted"),
        "no order reached the venue"
      )
    }),
  60_000
)

it.scopedLive(
  "dipper paper --market mirror follows another dipper paper, at its speed only",
  () =>
    Effect.gen(function* () {
      const venue = yield* paperExchange
      yield* venue.price("BTCUSDT", "60000")
      const env = { MEXC_REST_URL: venue.url, MEXC_WS_URL: `${venue.url.replace("http", "ws")}/ws` }
      const cwd = yield* temporaryFolder
      const mirror = yield* dipper(["paper", "--port", "0", "--market", "mirror"], { cwd, env })
      const [, url = ""] = yield* mirror.line(/paper exchange ready (\S+)/)
      const best = (base: string) =>
        Effect.promise(() =>
          fetch(`${base}/api/v3/ticker/bookTicker?symbol=BTCUSDT`).then((answer): Promise<unknown> => answer.json())
        )
      for (const price of ["60000", "61000"]) {
        yield* venue.price("BTCUSDT", price)
        const wanted = JSON.stringify(yield* best(venue.url))
        yield* eventually("the best prices", best(url), (found) => JSON.stringify(found) === wanted)
      }

      const faster = yield* run(["paper", "--port", "0", "--market", "mirror", "--speed", "60"], { cwd, env })
      assert.deepInclude(faster, { code: 2, stdout: "" })
      assert.match(faster.stderr, /--speed: .*mirror/)
      const alone = { ...env, MEXC_WS_URL: "ws://127.0.0.1:9/ws" }
      const deaf = yield* run(["paper", "--port", "0", "--market", "mirror"], { cwd, env: alone })
      assert.deepInclude(deaf, { code: 1, stdout: "" })
      assert.match(deaf.stderr, /^dipper: MEXC_WS_URL: .* Example: MEXC_WS_URL=/)
      assert.strictEqual(deaf.stderr.trimEnd().split("\n").length, 1, deaf.stderr)
    }),
  60_000
)
