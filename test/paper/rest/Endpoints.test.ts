import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { MarketClock } from "../../../src/MarketClock.ts"
import { Exchange } from "../../../src/paper/Exchange.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { Permission } from "../../../src/paper/Requests.ts"
import { accountRoutes } from "../../../src/paper/rest/AccountRoutes.ts"
import { marketRoutes } from "../../../src/paper/rest/MarketRoutes.ts"
import { orderRoutes } from "../../../src/paper/rest/OrderRoutes.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { makeClient } from "../kit/SignedClient.ts"

const publicWeights: Record<string, number> = {
  "GET ping": 1,
  "GET time": 1,
  "GET defaultSymbols": 1,
  "GET symbol/offline": 10,
  "GET exchangeInfo": 25,
  "GET depth": 3,
  "GET trades": 5,
  "GET historicalTrades": 1,
  "GET aggTrades": 1,
  "GET klines": 1,
  "GET avgPrice": 1,
  "GET ticker/24hr": 25,
  "GET ticker/price": 10,
  "GET ticker/bookTicker": 10,
  "GET etf/info": 1,
  "GET announcements": 0
}

const [account, deal, withdraw, transfer] = ["SPOT_ACCOUNT", "SPOT_DEAL", "SPOT_WITHDRAW", "SPOT_TRANSFER"]
const signedEndpoints: Record<string, readonly [weight: number, permission: string]> = {
  "GET account": [10, `${account}_READ`],
  "POST order": [1, `${deal}_WRITE`],
  "POST order/test": [1, `${deal}_WRITE`],
  "POST batchOrders": [1, `${deal}_WRITE`],
  "DELETE order": [1, `${deal}_WRITE`],
  "DELETE openOrders": [1, `${deal}_WRITE`],
  "DELETE order/all": [1, `${deal}_WRITE`],
  "GET order": [2, `${deal}_READ`],
  "GET openOrders": [3, `${deal}_READ`],
  "GET allOrders": [10, `${deal}_READ`],
  "GET myTrades": [10, `${account}_READ`],
  "GET tradeFee": [20, `${account}_READ`],
  "GET selfSymbols": [1, `${account}_READ`],
  "GET mxDeduct/enable": [1, `${deal}_READ`],
  "POST mxDeduct/enable": [1, `${deal}_WRITE`],
  "GET kyc/status": [1, `${account}_READ`],
  "GET uid": [1, `${account}_READ`],
  "GET strategy/group": [20, `${account}_READ`],
  "POST strategy/group": [20, `${account}_WRITE`],
  "DELETE strategy/group": [20, `${account}_WRITE`],
  "GET strategy/group/uid": [20, `${account}_READ`],
  "POST strategy/group/uid": [20, `${account}_WRITE`],
  "DELETE strategy/group/uid": [20, `${account}_WRITE`],
  "GET capital/config/getall": [10, `${withdraw}_READ`],
  "GET capital/deposit/hisrec": [10, `${withdraw}_READ`],
  "GET capital/withdraw/history": [1, `${withdraw}_READ`],
  "GET capital/deposit/address": [10, `${withdraw}_READ`],
  "POST capital/deposit/address": [1, `${withdraw}_WRITE`],
  "POST capital/withdraw": [1, `${withdraw}_WRITE`],
  "DELETE capital/withdraw": [1, `${withdraw}_WRITE`],
  "GET capital/withdraw/address": [10, `${withdraw}_READ`],
  "POST capital/transfer": [50, `${transfer}_WRITE`],
  "GET capital/transfer": [1, `${transfer}_READ`],
  "POST userDataStream": [1, `${account}_READ`],
  "GET userDataStream": [1, `${account}_READ`],
  "PUT userDataStream": [1, `${account}_READ`],
  "DELETE userDataStream": [1, `${account}_READ`]
}

const fullName = (endpoint: string) => endpoint.replace(" ", " /api/v3/")

describe("the endpoints of the paper exchange", () => {
  const routes = Effect.all([marketRoutes, accountRoutes, orderRoutes({ orderAccepted: () => undefined })]).pipe(
    Effect.map((groups) => new Map(groups.flatMap((group) => Object.entries(group)))),
    Effect.provide(
      Layer.merge(
        Layer.mock(Exchange, { pairs: Effect.succeed([]) }),
        Layer.mock(MarketClock, { now: Effect.succeed(0) })
      )
    )
  )

  it.effect("cost what the venue's cost, and count where the venue's count", () =>
    Effect.gen(function* () {
      const all = yield* routes
      for (const [endpoint, weight] of Object.entries(publicWeights)) {
        assert.deepInclude({ ...all.get(fullName(endpoint)) }, { access: "public", weight }, endpoint)
      }
      for (const [endpoint, [weight, permission]] of Object.entries(signedEndpoints)) {
        assert.deepInclude({ ...all.get(fullName(endpoint)) }, { access: "signed", weight, permission }, endpoint)
      }
      const operations = [...all].filter(([, route]) => route.access === "signed" && route.orderOperation)
      assert.sameMembers(
        operations.map(([name]) => name),
        ["POST order", "POST batchOrders", "DELETE order", "DELETE openOrders", "DELETE order/all"].map(fullName)
      )
      assert.deepInclude({ ...all.get("POST /api/v3/order") }, { uidWeight: 1 })
      const twice = { requests: 2, perMillis: 1_000 }
      assert.deepInclude({ ...all.get("GET /api/v3/account") }, { limit: twice })
      assert.deepInclude({ ...all.get("POST /api/v3/batchOrders") }, { limit: twice })
      assert.deepInclude({ ...all.get("GET /api/v3/announcements") }, { limit: { requests: 5, perMillis: 2_000 } })
    })
  )

  layer(PaperExchange.layer(roomyExchange), { excludeTestServices: true })((it) => {
    it.effect("need their permission, and no other", () =>
      Effect.gen(function* () {
        const { url } = yield* PaperExchange
        const open = Effect.fnUntraced(function* (accessKey: string, permissions: ReadonlyArray<string>) {
          const client = makeClient(url, accessKey, "secret")
          yield* client.control("POST", "/paper/v1/accounts", { accessKey, secretKey: "secret", permissions })
          return client
        })
        for (const permission of Permission.literals) {
          const without = yield* open(
            `mx0without${permission}`,
            Permission.literals.filter((each) => each !== permission)
          )
          const only = yield* open(`mx0only${permission}`, [permission])
          for (const [endpoint, [, needed]] of Object.entries(signedEndpoints)) {
            const [method = "", path = ""] = endpoint.split(" ")
            if (needed !== permission) continue
            const refused = yield* without.signed(method, `/api/v3/${path}`)
            assert.strictEqual(refused.body.code, 700007, endpoint)
            const heard = yield* only.signed(method, `/api/v3/${path}`)
            assert.notStrictEqual(heard.body.code, 700007, endpoint)
            if (heard.status !== 200) assert.isNumber(heard.body.code, endpoint)
          }
        }
      })
    )

    it.effect("take their parameters from the query or from a form, and the query wins", () =>
      Effect.gen(function* () {
        const { url } = yield* PaperExchange
        const accessKey = "mx0forms"
        const client = makeClient(url, accessKey, "secret")
        yield* client.control("POST", "/paper/v1/accounts", {
          accessKey,
          secretKey: "secret",
          balances: { USDT: "100" },
          permissions: Permission.literals
        })
        const wallets = { fromAccountType: "SPOT", toAccountType: "FUTURES" }
        const inQuery = yield* client.signed("POST", "/api/v3/capital/transfer", {
          ...wallets,
          asset: "USDT",
          amount: "1"
        })
        const inForm = yield* client.form("POST", "/api/v3/capital/transfer", {
          ...wallets,
          asset: "USDT",
          amount: "2"
        })
        const both = yield* client.form(
          "POST",
          "/api/v3/capital/transfer",
          { ...wallets, asset: "USDT", amount: "50" },
          { amount: "3" }
        )
        for (const { body, status } of [inQuery, inForm, both]) assert.strictEqual(status, 200, JSON.stringify(body))
        const { body } = yield* client.signed("GET", "/api/v3/account")
        assert.deepInclude(body.balances[0], { asset: "USDT", free: "94" })
      })
    )

    it.effect("read a plus sign as a plus sign", () =>
      Effect.gen(function* () {
        const { url } = yield* PaperExchange
        const client = makeClient(url, "mx0forms", "secret")
        const symbolAnd = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", price: "1", quantity: "1" }
        const answer = yield* client.signed("POST", "/api/v3/order", { ...symbolAnd, newClientOrderId: "a b" })
        assert.deepInclude(answer.body, { code: 700008 }, "the signature of a+b is right as it was sent")
      })
    )
  })
})
