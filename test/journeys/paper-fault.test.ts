import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { PlaceOrder } from "../../src/domain/order/PlaceOrder.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, service } from "../kit/Service.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const limitBuy = Schema.decodeUnknownSync(PlaceOrder)({
  symbol,
  side: "buy",
  type: "limit",
  quantity: "0.01",
  price: "60100",
  waitMs: 500
})

const silence = (paperUrl: string) =>
  Effect.promise(() =>
    fetch(`${paperUrl}/paper/v1/faults`, {
      method: "POST",
      body: JSON.stringify({ faults: [{ type: "missingPush", channel: "spot@private", probability: 1 }] })
    })
  )

it.scopedLive(
  "an order whose answer never comes is unknown, is found at the exchange, and was placed once",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, url } = yield* service(yield* temporaryFolder, paper)
      const api = yield* client(url, yield* createKey(command))
      yield* api.account.getWallet()
      const place = (fault: string, key: string, waitMs = 500) =>
        api.trading.placeOrder({
          payload: { ...limitBuy, waitMs },
          headers: { "idempotency-key": `paper-fault-${key}`, "x-paper-fault": fault }
        })

      const refused = yield* Effect.flip(place("reject:30005", "rejected"))
      assert.strictEqual(refused._tag, "INSUFFICIENT_BALANCE")
      assert.strictEqual(yield* paper.faultsFired("rejectOrder"), 1)

      const partly = yield* place("partial:0.4", "in-part")
      assert.strictEqual(partly.status, "partiallyFilled")
      assert.strictEqual(Decimal.format(partly.executedQuantity), "0.004")
      assert.strictEqual(yield* paper.faultsFired("partialFill"), 1)

      // It comes to rest behind the rest of the one before. Nor does the private stream tell anything.
      yield* silence(paper.url)
      const lost = yield* place("timeoutAfterAccept", "lost-answer", 0)
      // A look at the open orders can be quicker than the end of the wait for the answer.
      assert.strictEqual(lost.status, lost.exchangeOrderId === null ? "unknown" : "open")
      assert.strictEqual(yield* paper.faultsFired("halfOpen"), 1)
      // The same request again, as a client does that does not know either.
      assert.strictEqual((yield* place("timeoutAfterAccept", "lost-answer", 0)).id, lost.id)
      const found = yield* eventually(
        "the order",
        api.trading.getOrder({ path: { id: lost.id } }),
        (order) => order.status === "open"
      )
      assert.isNotNull(found.exchangeOrderId)

      const accepted = (yield* paper.journal).filter((fact) => fact["_tag"] === "orderAccepted")
      assert.deepStrictEqual(
        accepted.map((fact) => fact["clientOrderId"]),
        [partly.clientOrderId, lost.clientOrderId]
      )
    }),
  90_000
)

it.scopedLive(
  "a fault that cannot be read is refused before anything is sent",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, url } = yield* service(yield* temporaryFolder, paper)
      const token = yield* createKey(command)
      const answer = yield* Effect.promise(() =>
        fetch(`${url}/api/v1/trading/orders`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${Redacted.value(token)}`,
            "content-type": "application/json",
            "idempotency-key": "paper-fault-malformed",
            "x-paper-fault": "partial:40%"
          },
          body: JSON.stringify({ symbol, side: "buy", type: "market", quoteAmount: "50" })
        }).then(async (response) => ({ status: response.status, text: await response.text() }))
      )
      assert.strictEqual(answer.status, 400)
      assert.match(answer.text, /VALIDATION_FAILED/)
      assert.lengthOf(
        (yield* paper.journal).filter((fact) => fact["_tag"] === "orderAccepted"),
        0
      )
    }),
  60_000
)
