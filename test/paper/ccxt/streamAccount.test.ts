import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { ask, freshCcxt, roomyExchange } from "../kit/ccxtClient.ts"
import { freshStreams, privatelySubscribed, subscribed } from "../kit/ccxtStreams.ts"
import type { Json } from "../kit/SignedClient.ts"

const symbol = "BTC/USDT"

type Streams = Effect.Effect.Success<ReturnType<typeof freshStreams>>["client"]

/** Watches from now on; the client keeps what it hears. */
const watching = (client: Streams, call: () => Promise<unknown>) =>
  Effect.zipRight(Effect.forkScoped(Effect.exit(Effect.forever(ask(call)))), privatelySubscribed(client))

const until = (seen: () => boolean) =>
  Effect.repeat(Effect.sleep("20 millis"), { until: seen }).pipe(Effect.timeout("10 seconds"))

layer(PaperExchange.layer(roomyExchange), { excludeTestServices: true })(
  "an independent client streams an account",
  (it) => {
    it.scoped("an order from its placement over a part to its end, as REST answers it", () =>
      Effect.gen(function* () {
        const { client, rest } = yield* freshStreams()
        const { client: other } = yield* freshCcxt()
        yield* watching(client, () => client.watchOrders(symbol))
        const told = (id: string): Json => client.orders?.find((order: Json) => order.id === id)
        const fields = [
          "id",
          "clientOrderId",
          "symbol",
          "side",
          "type",
          "price",
          "amount",
          "filled",
          "average",
          "status"
        ]
        const agrees = Effect.fnUntraced(function* (id: string) {
          const asked = yield* ask(() => rest.fetchOrder(id, symbol))
          for (const field of fields) assert.deepStrictEqual(told(id)[field], asked[field], field)
          return [asked.status, asked.filled]
        })

        const params = { clientOrderId: "streamed1" }
        const { id } = yield* ask(() => rest.createOrder(symbol, "limit", "buy", 0.01, 49_999, params))
        yield* until(() => told(id) !== undefined)
        assert.deepStrictEqual(yield* agrees(id), ["open", 0])
        assert.strictEqual(told(id).clientOrderId, "streamed1")
        yield* ask(() => other.createOrder(symbol, "market", "sell", 0.004))
        yield* until(() => told(id).filled > 0)
        assert.deepStrictEqual(yield* agrees(id), ["open", 0.004])
        yield* ask(() => other.createOrder(symbol, "market", "sell", 0.5))
        yield* until(() => told(id).status === "closed")
        assert.deepStrictEqual(yield* agrees(id), ["closed", 0.01])

        const sale = yield* ask(() => rest.createOrder(symbol, "limit", "sell", 0.02, 55_000))
        yield* ask(() => rest.cancelOrder(sale.id, symbol))
        yield* until(() => told(sale.id)?.status === "canceled")
        yield* agrees(sale.id)
      })
    )

    it.scoped("its own trades with their fees", () =>
      Effect.gen(function* () {
        const { client, rest } = yield* freshStreams()
        const first = yield* Effect.fork(ask(() => client.watchMyTrades(symbol)))
        yield* privatelySubscribed(client)
        const order = yield* ask(() => rest.createMarketBuyOrderWithCost(symbol, 100))
        yield* Fiber.join(first)
        yield* subscribed
        const asked = yield* ask(() => rest.fetchMyTrades(symbol))
        const own = (client.myTrades ?? []).filter((each: Json) => each.order === order.id)
        assert.isNotEmpty(own)
        assert.lengthOf(own, asked.length)
        for (const told of own) {
          const twin = asked.find((each: Json) => each.id === told.id)
          for (const field of ["id", "order", "timestamp", "symbol", "side", "price", "amount", "cost", "takerOrMaker"])
            assert.deepStrictEqual(told[field], twin[field], field)
          assert.deepStrictEqual([told.fee.currency, told.fee.cost], [twin.fee.currency, twin.fee.cost])
        }
      })
    )

    it.scoped("its balances through an order, its cancellation, a deal and a deposit", () =>
      Effect.gen(function* () {
        const { client, hand, rest } = yield* freshStreams()
        yield* watching(client, () => client.watchBalance())
        const agrees = (asset: string) =>
          Effect.gen(function* () {
            // The venue answers two of these a second.
            yield* Effect.sleep("600 millis")
            const asked = yield* ask(() => rest.fetchBalance())
            const { free, total, used } = client.balance["spot"][asset]
            assert.deepStrictEqual(
              [free, used, total],
              [asked[asset].free, asked[asset].used, asked[asset].total],
              asset
            )
            return used
          })
        const order = yield* ask(() => rest.createOrder(symbol, "limit", "buy", 0.01, 40_500))
        assert.isAbove(yield* agrees("USDT"), 400)
        yield* ask(() => rest.cancelOrder(order.id, symbol))
        assert.strictEqual(yield* agrees("USDT"), 0)
        yield* ask(() => rest.createOrder(symbol, "market", "sell", 0.1))
        yield* agrees("USDT")
        yield* agrees("BTC")
        yield* hand.control("POST", "/paper/v1/deposit", { accessKey: rest.apiKey, asset: "SOL", amount: "12.5" })
        yield* agrees("SOL")
        assert.strictEqual(client.balance["spot"]["SOL"].free, 12.5)
      })
    )
  }
)
