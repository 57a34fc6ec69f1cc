import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, TestClock } from "effect"
import { ListenKeys } from "../../../src/paper/engine/ListenKeys.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { clients, stillExchange } from "../kit/SignedClient.ts"
import { connect } from "../kit/streamKit.ts"

const orders = "spot@private.orders.v3.api.pb"
const minute = 60_000

describe("a listen key", () => {
  it("is one of sixty at most, and makes room when it is removed or ends", () => {
    const keys = new ListenKeys()
    for (let i = 0; i < 60; i++) assert.isTrue(Either.isRight(keys.create("a", `a${i}`, i)))
    assert.isTrue(Either.isLeft(keys.create("a", "one too many", 100)))
    assert.isTrue(Either.isRight(keys.create("b", "of another account", 100)))
    assert.isTrue(Either.isRight(keys.remove("a", "a7")))
    assert.isTrue(Either.isRight(keys.create("a", "in its place", 100)))
    assert.isTrue(Either.isLeft(keys.create("a", "one too many", 60 * minute - 1)))
    assert.isTrue(Either.isRight(keys.create("a", "after the first ended", 60 * minute)))
  })

  it("lives sixty minutes from its creation or its last extension, by its owner only", () => {
    const keys = new ListenKeys()
    keys.create("a", "key", 0)
    assert.strictEqual(keys.accountOf("key", 60 * minute - 1), "a")
    assert.isNull(keys.accountOf("key", 60 * minute))
    assert.isTrue(Either.isLeft(keys.extend("b", "key", 30 * minute)))
    assert.isTrue(Either.isRight(keys.extend("a", "key", 30 * minute)))
    assert.strictEqual(keys.accountOf("key", 90 * minute - 1), "a")
    assert.isTrue(Either.isLeft(keys.extend("a", "key", 90 * minute)))
    assert.isNull(keys.accountOf("key", 90 * minute))
  })

  it.scoped("that ends says nothing on the stream it opened, and opens no other", () =>
    Effect.gen(function* () {
      const { alice, port } = yield* clients
      yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
      const { listenKey } = (yield* alice.signed("POST", "/api/v3/userDataStream")).body
      const place = (newClientOrderId: string) => {
        const order = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", price: "45000", quantity: "0.001" }
        return alice.signed("POST", "/api/v3/order", { ...order, newClientOrderId })
      }
      yield* TestClock.adjust("59 minutes")
      yield* alice.signed("PUT", "/api/v3/userDataStream", { listenKey })
      yield* TestClock.adjust("3580 seconds")
      const stream = yield* connect(port, `?listenKey=${listenKey}`)
      yield* stream.subscribe(orders)
      yield* place("seen")
      assert.strictEqual((yield* stream.frame).privateOrders?.clientId, "seen")
      yield* TestClock.adjust("20 seconds")
      yield* place("unseen")
      yield* stream.say({ method: "PING" })
      assert.include(yield* stream.answer, "PONG")
      const late = yield* connect(port, `?listenKey=${listenKey}`)
      assert.strictEqual(yield* late.answer, "Invalid listen key")
    }).pipe(Effect.provide(PaperExchange.layer(stillExchange)))
  )
})
