import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange, type PaperExchangeOptions } from "../../../src/paper/PaperExchange.ts"
import { temporaryFolder } from "../../kit/TestDatabase.ts"
import { clients, makeClient, stillExchange, type Json } from "../kit/SignedClient.ts"

const withExchange = <A, E>(test: Effect.Effect<A, E, PaperExchange>, options: Partial<PaperExchangeOptions> = {}) =>
  Effect.provide(test, PaperExchange.layer({ ...stillExchange, ...options }))

const startsAt = 1_767_225_600_000

const price = (client: Effect.Effect.Success<typeof clients>["alice"], symbol = "BTCUSDT") =>
  Effect.map(client.raw("GET", `/api/v3/ticker/price?symbol=${symbol}`), ({ body }): string => body.price)

describe("the operator", () => {
  it.scopedLive("opens accounts with permissions and sees them all, without their secrets", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, url } = yield* clients
        const opened = yield* alice.control("POST", "/paper/v1/accounts", {
          accessKey: "mx0reader",
          secretKey: "very-secret",
          balances: { USDT: "5" },
          permissions: ["SPOT_ACCOUNT_READ"]
        })
        assert.deepInclude(opened.body, { accessKey: "mx0reader", permissions: ["SPOT_ACCOUNT_READ"] })
        const { body } = yield* alice.raw("GET", "/paper/v1/accounts")
        assert.deepStrictEqual(
          body.accounts.map((account: Json) => account.accessKey),
          ["mx0alice", "mx0bob", "mx0reader"]
        )
        assert.deepInclude(body.accounts[2].balances, { asset: "USDT", free: "5", locked: "0" })
        assert.notInclude(JSON.stringify(body), "very-secret")
        const reader = makeClient(url, "mx0reader", "very-secret")
        assert.strictEqual((yield* reader.signed("GET", "/api/v3/account")).status, 200)
        assert.strictEqual((yield* reader.signed("GET", "/api/v3/openOrders")).body.code, 700007)
      })
    )
  )

  it.scopedLive("changes what a key may do, from where, and whether it is there", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice } = yield* clients
        const change = (body: object) => alice.control("POST", "/paper/v1/keys", { accessKey: "mx0alice", ...body })
        const code = Effect.map(alice.signed("GET", "/api/v3/openOrders"), ({ body }) => body.code)
        const changed = yield* change({ permissions: ["SPOT_ACCOUNT_READ"] })
        assert.deepStrictEqual([changed.status, changed.body.permissions], [200, ["SPOT_ACCOUNT_READ"]])
        assert.strictEqual(yield* code, 700007)
        yield* change({ permissions: ["SPOT_DEAL_READ"], ips: ["203.0.113.7"] })
        assert.strictEqual(yield* code, 700006)
        yield* change({ ips: null })
        assert.isUndefined(yield* code)
        yield* change({ deleted: true })
        assert.strictEqual(yield* code, 10072)
        yield* change({ deleted: false })
        assert.isUndefined(yield* code)
        const nobody = yield* change({ accessKey: "mx0nobody" })
        assert.deepStrictEqual([nobody.status, nobody.body.code], [400, 10072])
        const misspelt = yield* change({ permision: [] })
        assert.match(misspelt.body.msg, /permision/)
      })
    )
  )

  it.scopedLive("gives an account more keys, which are known after a restart as they were changed", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporaryFolder
      yield* withExchange(
        Effect.gen(function* () {
          const { alice, url } = yield* clients
          const add = (accessKey: string, of: string) =>
            alice.control("POST", "/paper/v1/keys", { accessKey, added: { of, secretKey: "another-secret" } })
          assert.strictEqual((yield* add("mx0another", "mx0alice")).status, 200)
          assert.strictEqual((yield* add("mx0another", "mx0alice")).status, 400)
          assert.strictEqual((yield* add("mx0third", "mx0nobody")).status, 400)
          const another = makeClient(url, "mx0another", "another-secret")
          const uid = ({ body }: { readonly body: Json }) => body.uid
          assert.strictEqual(
            uid(yield* another.signed("GET", "/api/v3/uid")),
            uid(yield* alice.signed("GET", "/api/v3/uid"))
          )
          yield* alice.control("POST", "/paper/v1/keys", { accessKey: "mx0alice", deleted: true })
          yield* alice.control("POST", "/paper/v1/keys", {
            accessKey: "mx0another",
            permissions: ["SPOT_ACCOUNT_READ"]
          })
          assert.notInclude((yield* alice.raw("GET", "/paper/v1/journal")).body, "another-secret")
        }),
        { dataDir }
      )
      yield* withExchange(
        Effect.gen(function* () {
          const { alice, url } = yield* clients
          const another = makeClient(url, "mx0another", "another-secret")
          assert.strictEqual((yield* another.signed("GET", "/api/v3/account")).status, 200)
          assert.strictEqual((yield* another.signed("GET", "/api/v3/openOrders")).body.code, 700007)
          assert.strictEqual((yield* alice.signed("GET", "/api/v3/uid")).body.code, 10072)
        }),
        { dataDir, accounts: [] }
      )
    })
  )

  it.scopedLive("lets money come and go, as the wallet history tells", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice } = yield* clients
        const moved = { accessKey: "mx0alice", asset: "USDT" }
        const after = yield* alice.control("POST", "/paper/v1/deposit", { ...moved, amount: "500", txId: "0xabc" })
        assert.deepInclude(after.body.balances, { asset: "USDT", free: "10500", locked: "0" })
        yield* alice.control("POST", "/paper/v1/withdraw", { ...moved, amount: "100", fee: "1" })
        const { body: deposits } = yield* alice.signed("GET", "/api/v3/capital/deposit/hisrec")
        assert.deepInclude(deposits[0], { coin: "USDT", amount: "500", transHash: "0xabc" })
        const { body: withdrawals } = yield* alice.signed("GET", "/api/v3/capital/withdraw/history")
        assert.deepInclude(withdrawals[0], { coin: "USDT", transactionFee: "1" })
        const tooMuch = yield* alice.control("POST", "/paper/v1/withdraw", { ...moved, amount: "99999" })
        assert.deepStrictEqual([tooMuch.status, tooMuch.body.code], [400, 10101])
      })
    )
  )

  it.scopedLive("places an order for an account, which its client finds among its own", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice } = yield* clients
        yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
        const placed = yield* alice.control("POST", "/paper/v1/orders", {
          accessKey: "mx0alice",
          symbol: "BTCUSDT",
          side: "sell",
          type: "limit",
          quantity: "0.1",
          price: "51000"
        })
        assert.strictEqual(placed.status, 200, JSON.stringify(placed.body))
        const { body } = yield* alice.signed("GET", "/api/v3/openOrders")
        assert.deepStrictEqual(
          body.map((order: Json) => order.orderId),
          [placed.body.orderId]
        )
      })
    )
  )

  it.scopedLive("lays out a path of prices that market time walks along", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice } = yield* clients
        const path = [
          { symbol: "BTCUSDT", price: "52000", quantity: "0.5", afterMs: 2_000 },
          { symbol: "BTCUSDT", price: "50000", quantity: "0.5", afterMs: 0 },
          { symbol: "ETHUSDT", price: "2000", afterMs: 1_000 },
          { symbol: "BTCUSDT", price: "51000", quantity: "0.5", afterMs: 1_000 }
        ]
        const laid = yield* alice.control("POST", "/paper/v1/prices", { path })
        assert.strictEqual(laid.status, 200, JSON.stringify(laid.body))
        assert.strictEqual(laid.body.endsAt - laid.body.marketNow, 2_000)
        assert.strictEqual(yield* price(alice), "50000")
        yield* alice.control("POST", "/paper/v1/advance", { ms: 999 })
        assert.strictEqual(yield* price(alice), "50000")
        yield* alice.control("POST", "/paper/v1/advance", { ms: 1 })
        assert.deepStrictEqual([yield* price(alice), yield* price(alice, "ETHUSDT")], ["51000", "2000"])
        yield* alice.control("POST", "/paper/v1/advance", { ms: 60_000 })
        assert.strictEqual(yield* price(alice), "52000")
        const klines = yield* alice.raw(
          "GET",
          `/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=${startsAt}&endTime=${startsAt + 60_000}`
        )
        const [, , , low, close] = klines.body[0]
        assert.deepStrictEqual([low, close], ["50000", "52000"], "the minute that was walked through")
      }),
      { speed: 0, startsAt }
    )
  )

  it.scopedLive("sees every pair as it stands, and changes one", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice } = yield* clients
        const change = { symbol: "BTCUSDT", apiTrading: false, minNotional: "7.5" }
        const changed = yield* alice.control("POST", "/paper/v1/pairs", change)
        assert.deepInclude(changed.body, change)
        const { body } = yield* alice.raw("GET", "/paper/v1/pairs")
        assert.deepInclude(body.pairs, changed.body)
        const { body: info } = yield* alice.raw("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT")
        assert.deepInclude(info.symbols[0], { isSpotTradingAllowed: false, quoteAmountPrecision: "7.5" })
        yield* alice.control("POST", "/paper/v1/pairs", { symbol: "BTCUSDT", listed: false })
        assert.strictEqual((yield* alice.raw("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT")).body.code, -1121)
      })
    )
  )

  it.scopedLive("is told which field is wrong", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice } = yield* clients
        const told = (path: string, body: unknown) =>
          Effect.map(alice.control("POST", `/paper/v1/${path}`, body), (answer): string => {
            assert.strictEqual(answer.status, 400)
            return answer.body.msg
          })
        assert.match(yield* told("price", { symbol: "BTCUSDT" }), /^price: is missing/)
        assert.match(yield* told("price", { symbol: "BTCUSDT", price: "1", colour: "red" }), /^colour: /)
        assert.match(
          yield* told("prices", { path: [{ symbol: "BTCUSDT", price: "-1", afterMs: 0 }] }),
          /^path\.0\.price: /
        )
        assert.match(
          yield* told("pairs", { symbol: "BTCUSDT", status: "9" }),
          /^status: Expected "1" \| "2" \| "3", actual "9"$/
        )
        assert.match(
          yield* told("pairs", { symbol: "BTCUSDT", tradeSideType: 7 }),
          /^tradeSideType: Expected 1 \| 2 \| 3 \| 4, /
        )
        const halt = { type: "symbolHalt", symbol: "NOPE" }
        assert.match(yield* told("faults", { faults: [{ type: "missingPush" }, halt] }), /^symbolHalt: Invalid symbol/)
        assert.match(yield* told("advance", { ms: 5 }), /start with speed 0/)
        assert.match(yield* told("faults", { faults: [{ type: "dropStraem" }] }), /did you mean "dropStream"/)
        assert.match(yield* told("price", { symbol: "NOPE", price: "1" }), /Invalid symbol/)
      })
    )
  )
})

describe("limits over the wire", () => {
  it.scopedLive("answer 429 with the seconds to wait, then 418 to who does not wait", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice } = yield* clients
        const ask = alice.raw("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT")
        for (let i = 0; i < 12; i++) assert.strictEqual((yield* ask).status, 200)
        const over = yield* ask
        assert.deepStrictEqual([over.status, over.body.code], [429, 429])
        const wait = Number(over.headers.get("retry-after"))
        assert.isTrue(wait >= 1 && wait <= 10, String(wait))
        yield* Effect.repeat(ask, { until: ({ status }) => status === 418 })
        const banned = yield* alice.raw("GET", "/api/v3/ping")
        assert.deepStrictEqual([banned.status, banned.body.code], [418, 418])
        const left = Number(banned.headers.get("retry-after"))
        assert.isTrue(left > 100 && left <= 120, String(left))
        const { body } = yield* alice.raw("GET", "/paper/v1/counters")
        assert.deepInclude(body, { bans: 1, refusedByBan: 2 })
        assert.isAtLeast(body.refusedByLimit, 11)
      })
    )
  )

  it.scopedLive("hold for an account whatever it does with orders", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, bob } = yield* clients
        const cancel = alice.signed("DELETE", "/api/v3/order", { symbol: "BTCUSDT", orderId: "1" })
        const operations = [
          alice.signed("POST", "/api/v3/order", { symbol: "BTCUSDT" }),
          alice.signed("DELETE", "/api/v3/openOrders", { symbol: "BTCUSDT" }),
          alice.signed("DELETE", "/api/v3/order/all"),
          alice.signed("POST", "/api/v3/batchOrders", { batchOrders: "[]" })
        ]
        // At once, so that a slow machine does not spread them over more than a second.
        const asked = [...operations, ...Array.from({ length: 9 }, () => cancel)]
        const answers = yield* Effect.all(asked, { concurrency: "unbounded" })
        const refused = answers.filter(({ status }) => status === 429)
        assert.deepStrictEqual(
          refused.map(({ body }) => body.code),
          [429]
        )
        assert.strictEqual(
          (yield* bob.signed("DELETE", "/api/v3/order", { symbol: "BTCUSDT", orderId: "1" })).body.code,
          -2011
        )
        const { body } = yield* alice.raw("GET", "/paper/v1/counters")
        assert.strictEqual(body.maxOrdersPerSecond, 13)
      })
    )
  )

  it.scopedLive("allow two account queries a second", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, bob } = yield* clients
        const asked = Array.from({ length: 3 }, () => alice.signed("GET", "/api/v3/account"))
        const answers = yield* Effect.all(asked, { concurrency: "unbounded" })
        assert.deepStrictEqual(answers.map(({ status }) => status).sort(), [200, 200, 429])
        assert.strictEqual((yield* bob.signed("GET", "/api/v3/account")).status, 200)
      })
    )
  )

  it.scopedLive("refuse an address that is over before they look at its key", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, url } = yield* clients
        yield* alice.raw("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT")
        const stranger = makeClient(url, "mx0nobody", "x")
        assert.strictEqual((yield* stranger.signed("GET", "/api/v3/account")).body.code, 429)
      }),
      { limits: { ipWeight: 30 } }
    )
  )
})
