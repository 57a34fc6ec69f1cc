import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { clients, stillExchange, type Json } from "../kit/SignedClient.ts"

const order = (newClientOrderId: string) => ({
  symbol: "BTCUSDT",
  side: "BUY",
  type: "LIMIT",
  price: "49000",
  quantity: "0.01",
  newClientOrderId
})

describe("a planned fault", () => {
  it.scopedLive("drops the connection before or after the order exists, as often as asked, and counts", () =>
    Effect.gen(function* () {
      const { alice } = yield* clients
      yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
      yield* alice.control("POST", "/paper/v1/faults", {
        faults: [
          { type: "dropBeforeBooking", count: 1 },
          { type: "dropAfterBooking", count: 1 }
        ]
      })
      const place = (id: string) => Effect.exit(alice.signed("POST", "/api/v3/order", order(id)))
      assert.isTrue(Exit.isFailure(yield* place("lost")))
      assert.isTrue(Exit.isFailure(yield* place("booked")))
      assert.isTrue(Exit.isSuccess(yield* place("answered")))

      const open = yield* alice.signed("GET", "/api/v3/openOrders")
      assert.deepStrictEqual(open.body.map((each: Json) => each.clientOrderId).sort(), ["answered", "booked"])
      const { faults } = (yield* alice.raw("GET", "/paper/v1/faults")).body
      assert.deepInclude(faults, { type: "dropBeforeBooking", left: 0, fired: 1 })
      assert.deepInclude(faults, { type: "dropAfterBooking", left: 0, fired: 1 })
    }).pipe(Effect.provide(PaperExchange.layer(stillExchange)))
  )

  it.scopedLive("delays an answer until it is cleared", () =>
    Effect.gen(function* () {
      const { alice } = yield* clients
      yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
      yield* alice.control("POST", "/paper/v1/faults", { faults: [{ type: "delayAnswer", count: 5, delayMs: 300 }] })
      const timed = Effect.gen(function* () {
        const before = yield* Clock.currentTimeMillis
        yield* alice.signed("POST", "/api/v3/order", order(`at${before}`))
        return (yield* Clock.currentTimeMillis) - before
      })
      assert.isAtLeast(yield* timed, 295)
      yield* alice.control("DELETE", "/paper/v1/faults")
      assert.isBelow(yield* timed, 290)
    }).pipe(Effect.provide(PaperExchange.layer(stillExchange)))
  )

  it.scopedLive("and every other control are absent unless asked for; the clock is always told", () =>
    Effect.gen(function* () {
      const { alice } = yield* clients
      for (const path of ["faults", "journal", "counters"]) {
        assert.strictEqual((yield* alice.raw("GET", `/paper/v1/${path}`)).status, 404)
      }
      const clock = yield* alice.raw("GET", "/paper/v1/clock")
      assert.hasAllKeys(clock.body, ["marketNow", "speed", "wallNow"])
    }).pipe(Effect.provide(PaperExchange.layer({ ...stillExchange, control: false })))
  )
})
