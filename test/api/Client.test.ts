import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { InsufficientBalance, NotFound, SymbolNotFound } from "../../src/api/Errors.ts"
import { unsafe } from "../../src/domain/Decimal.ts"
import { OrderId } from "../../src/domain/Ids.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import type { PlaceOrder } from "../../src/domain/order/PlaceOrder.ts"
import { client, serve, type Stubs } from "../http/kit/server.ts"
import { anOrder, aTicker } from "../http/kit/values.ts"

const symbol = SymbolName.make("BTCUSDT")
const id = Schema.decodeSync(OrderId)("ord_01hzy3v7k2m4n6p8q0r2s4t6w8")
const headers = { "idempotency-key": "0123456789abcdef" }
const payload: PlaceOrder = { symbol, side: "buy", type: "market", quoteAmount: unsafe("50"), waitMs: 0 }

const withClient = <A, E>(
  stubs: Stubs,
  test: (api: Effect.Effect.Success<ReturnType<typeof client>>) => Effect.Effect<A, E>
) => Effect.flatMap(client("ann:read+trade+manage"), test).pipe(Effect.provide(serve(stubs)))

describe("The typed client", () => {
  it.live("gives values of the contract's types: decimals, instants, symbols", () =>
    withClient({ market: { ticker: () => Effect.succeed(aTicker) } }, (api) =>
      Effect.map(api.market.getTicker({ path: { symbol } }), (ticker) => assert.deepStrictEqual(ticker, aTicker))
    )
  )

  it.live("fails with an instance of the class that the code names", () =>
    withClient(
      {
        market: { ticker: () => new SymbolNotFound({ message: "The venue does not list it." }) },
        orders: {
          place: () =>
            new InsufficientBalance({ message: "Too little.", venue: { code: 30004, message: "x" }, retryable: false }),
          get: () => new NotFound({ message: "No such order." })
        }
      },
      (api) =>
        Effect.gen(function* () {
          assert.instanceOf(yield* Effect.flip(api.market.getTicker({ path: { symbol } })), SymbolNotFound)
          const refused = yield* Effect.flip(api.trading.placeOrder({ payload, headers }))
          assert.instanceOf(refused, InsufficientBalance)
          assert.deepStrictEqual(refused.venue, { code: 30004, message: "x" })
          const caught = yield* api.trading
            .getOrder({ path: { id } })
            .pipe(Effect.catchTag("NOT_FOUND", (error) => Effect.succeed(error.message)))
          assert.strictEqual(caught, "No such order.")
        })
    )
  )

  it.live("sends what the service is given: body, key and query", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      yield* withClient(
        {
          orders: {
            place: (userId, { keyId, ...order }, { idempotencyKey }) => {
              seen.push(userId, order, idempotencyKey)
              assert.isString(keyId)
              return Effect.succeed({ order: anOrder, replayed: false })
            },
            list: (_, query) => {
              seen.push(query)
              return Effect.succeed({ items: [anOrder], nextCursor: "next" })
            }
          }
        },
        (api) =>
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* api.trading.placeOrder({ payload, headers }), anOrder)
            const page = yield* api.trading.listOrders({ urlParams: { symbol, limit: 2, cursor: "b3Jk" } })
            assert.deepStrictEqual(page, { items: [anOrder], nextCursor: "next" })
          })
      )
      assert.deepStrictEqual(seen, ["local_ann", payload, "0123456789abcdef", { symbol, limit: 2, cursor: "b3Jk" }])
    })
  )
})
