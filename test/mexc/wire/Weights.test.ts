import { assert, describe, it } from "@effect/vitest"
import { Effect, Struct } from "effect"
import { makePools, defaultLimits } from "../../../src/mexc/budget/Pools.ts"
import { isOrderOperation, isTwicePerSecond, weights } from "../../../src/mexc/wire/Weights.ts"
import { order, samples } from "../fuzz/samples.ts"
import { type Asked, credentials, withVenue } from "../kit/venueServer.ts"

/** Copied once from the documentation, so that a slip in the table cannot confirm itself. */
const documented: Readonly<Record<string, number>> = {
  "GET /ping": 1,
  "GET /time": 1,
  "GET /defaultSymbols": 1,
  "GET /symbol/offline": 10,
  "GET /exchangeInfo": 25,
  "GET /depth": 3,
  "GET /trades": 5,
  "GET /historicalTrades": 1,
  "GET /aggTrades": 1,
  "GET /klines": 1,
  "GET /avgPrice": 1,
  "GET /ticker/24hr": 25,
  "GET /ticker/price": 10,
  "GET /ticker/bookTicker": 10,
  "GET /account": 10,
  "POST /order": 1,
  "POST /order/test": 1,
  "POST /batchOrders": 1,
  "DELETE /order": 1,
  "DELETE /openOrders": 1,
  "DELETE /order/all": 1,
  "GET /order": 2,
  "GET /openOrders": 3,
  "GET /allOrders": 10,
  "GET /myTrades": 10,
  "GET /tradeFee": 20,
  "GET /selfSymbols": 1,
  "GET /mxDeduct/enable": 1,
  "POST /mxDeduct/enable": 1,
  "GET /kyc/status": 1,
  "GET /uid": 1,
  "GET /capital/config/getall": 10,
  "GET /capital/deposit/hisrec": 10,
  "GET /capital/withdraw/history": 1,
  "DELETE /capital/withdraw": 1,
  "GET /capital/transfer": 1,
  "POST /userDataStream": 1,
  "GET /userDataStream": 1,
  "PUT /userDataStream": 1,
  "DELETE /userDataStream": 1
}

const orderOperations = ["POST /order", "POST /batchOrders", "DELETE /order", "DELETE /openOrders", "DELETE /order/all"]

const endpointOf = ({ method, path }: Asked) => `${method} ${path}`

describe("what a request costs", () => {
  it("is what the documentation says, for every endpoint the client may name", () => {
    assert.deepStrictEqual({ ...weights }, documented)
  })

  it.live(
    "is taken from the budget by every call there is, and the client calls nothing else",
    () => {
      const called = new Set<string>()
      const bodies = new Map(samples.map(({ body, endpoint }) => [endpoint, body]))
      const calls = [
        ...samples.map(({ call }) => call),
        (client: Parameters<(typeof samples)[number]["call"]>[0]) =>
          client.placeOrder(credentials, order("dpWeigh"), Effect.void),
        (client: Parameters<(typeof samples)[number]["call"]>[0]) =>
          client.placeOrders(credentials, [order("dpWeighBatch")], Effect.void)
      ]
      return Effect.forEach(calls, (call) =>
        // A fresh client each, so that the pools hold this call and nothing else.
        withVenue(
          (asked) => ({ json: bodies.get(endpointOf(asked)) ?? {} }),
          (client, venue, budget) =>
            Effect.gen(function* () {
              yield* Effect.ignore(call(client))
              const endpoints = venue.asked.map(endpointOf)
              for (const endpoint of endpoints) called.add(endpoint)
              const { ip, user } = yield* budget.state(credentials.userId)
              const cost = endpoints.reduce((sum, endpoint) => sum + (documented[endpoint] ?? Number.NaN), 0)
              const what = endpoints.join(", ")
              assert.strictEqual(ip.weight.used, cost, what)
              assert.strictEqual(ip.requests.used, endpoints.length, what)
              const orders = endpoints.filter((endpoint) => orderOperations.includes(endpoint)).length
              assert.strictEqual(user?.orders.used ?? 0, orders, what)
            })
        )
      ).pipe(Effect.zipRight(Effect.sync(() => assert.sameMembers([...called], Object.keys(documented)))))
    },
    60_000
  )

  it("counts what places or ends orders as an order operation, and nothing else", () => {
    const counted = Struct.keys(weights).filter(isOrderOperation)
    assert.sameMembers(counted, orderOperations)
  })

  it("is two a second of an account for reading balances, and two for batches", () => {
    const pools = makePools(defaultLimits)
    for (const endpoint of ["GET /account", "POST /batchOrders"] as const) {
      assert.isTrue(isTwicePerSecond(endpoint))
      const request = { cost: 1, class: "order", user: "ann", twicePerSecond: endpoint } as const
      const charges = pools.chargesOf(request).own
      assert.strictEqual(charges.at(-1)?.cap, 2)
      charges.at(-1)?.log.add(2)
      assert.isAbove((pools.chargesOf(request).own.at(-1)?.log.used(0) ?? 0) + 1, 2)
    }
    const other = pools.chargesOf({ cost: 1, class: "order", user: "bob", twicePerSecond: "GET /account" }).own.at(-1)
    assert.strictEqual(other?.log.used(0), 0)
  })
})
