import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import { privateOrders } from "../../../src/mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../../src/mexc/wire/Stream.ts"
import { driftOf } from "../kit/memoryVenue.ts"
import { accountPulse } from "../../../src/mexc/stream/Pulse.ts"
import { eventually, settle } from "../kit/streamServer.ts"
import { type Answer, type Asked, credentials } from "../kit/venueServer.ts"
import { keys, listen, withStream } from "../kit/withStream.ts"

const pushed = (order: NonNullable<PushFrameInput["privateOrders"]>): PushFrameInput => ({
  channel: privateOrders,
  symbol: "ABCUSDT",
  sendTime: 1_000,
  privateOrders: {
    price: "10",
    quantity: "2",
    amount: "0",
    orderType: 3,
    tradeType: 1,
    cumulativeQuantity: "2",
    cumulativeAmount: "19.5",
    status: 2,
    createTime: 900,
    ...order
  }
})

const row = {
  symbol: "ABCUSDT",
  orderId: "C02__77",
  clientOrderId: "dp1",
  price: "10",
  origQty: "2",
  executedQty: "2",
  cummulativeQuoteQty: "19.5",
  status: "FILLED",
  type: "IMMEDIATE_OR_CANCEL",
  side: "BUY",
  time: 900
}

/** What an account's stream makes of the pushes, and what it counts as unknown. */
const told = (pushes: ReadonlyArray<PushFrameInput>, rest: (asked: Asked) => Answer = keys()) =>
  withStream(
    (stream, server, venue) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.user(credentials))
        yield* eventually(() => heard.types() === "connected", "connected")
        for (const push of pushes) server.peers[0]?.push(push)
        yield* eventually(() => heard.events.length === pushes.length + 1, "every push as an event")
        const orders = heard.events.flatMap((event) => (event.type === "order" ? [event.order] : []))
        const asked = venue.calls("/order").map(({ query }) => query.get("origClientOrderId"))
        return { orders, asked, drift: yield* driftOf(yield* ContractDrift) }
      }),
    rest
  )

describe("an order that the stream tells of", () => {
  it.effect("by the client id alone, is asked for by that name", () => {
    const answer = keys()
    return Effect.gen(function* () {
      const { asked, drift, orders } = yield* told([pushed({ clientId: "dp1" })], (asked) =>
        asked.path === "/order" ? { json: row } : answer(asked)
      )
      assert.deepStrictEqual(
        orders.map(({ clientOrderId, exchangeOrderId, status }) => [exchangeOrderId, clientOrderId, status]),
        [["C02__77", "dp1", "filled"]]
      )
      assert.deepStrictEqual(asked, ["dp1"])
      assert.deepStrictEqual(drift, {})
    })
  })

  it.effect("with the venue's own id in place of the client's, is known by that id", () =>
    Effect.gen(function* () {
      const { asked, drift, orders } = yield* told([pushed({ clientId: "C02__77" })])
      assert.deepStrictEqual(
        orders.map(({ clientOrderId, exchangeOrderId, status }) => [exchangeOrderId, clientOrderId, status]),
        [["C02__77", null, "filled"]]
      )
      assert.deepStrictEqual([asked, drift], [[], {}])
    })
  )

  it.effect("of a kind that only the web can place, keeps its state without an alarm", () =>
    Effect.gen(function* () {
      const { drift, orders } = yield* told([100, 101, 102].map((orderType) => pushed({ id: "77", orderType })))
      assert.deepStrictEqual(
        orders.map(({ status, type }) => [type, status]),
        Array.from({ length: 3 }, () => ["unrecognised", "filled"])
      )
      assert.deepStrictEqual(drift, {})
    })
  )

  it.effect("in a state or of a kind that nobody knows, is kept, and the alarm raised", () =>
    Effect.gen(function* () {
      const { drift, orders } = yield* told([
        pushed({ id: "77", status: 6 }),
        pushed({ id: "78", orderType: 7 }),
        pushed({ id: "79", cumulativeQuantity: "0", cumulativeAmount: "0" })
      ])
      assert.deepStrictEqual(
        orders.map(({ exchangeOrderId, status, type }) => [exchangeOrderId, type, status]),
        [
          ["77", "immediateOrCancel", "unrecognised"],
          ["78", "unrecognised", "filled"],
          ["79", "immediateOrCancel", "unrecognised"]
        ]
      )
      assert.deepStrictEqual(drift, { orderStatus: 2, orderType: 1 })
    })
  )
})

describe("an account's connection", () => {
  it.effect("that died without a word is noticed within fifteen seconds", () =>
    withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.user(credentials))
          yield* eventually(() => heard.types() === "connected", "connected")
          const second = Effect.zipRight(TestClock.adjust("1 second"), settle)
          yield* Effect.repeatN(second, 59)
          assert.strictEqual(heard.types(), "connected")
          assert.strictEqual(server.peers[0]?.pings, 7)
          server.behaviour.talks = false
          yield* Effect.repeatN(second, 14)
          assert.strictEqual(heard.types(), "connected interrupted")
        }),
      keys(),
      { accountPulse }
    )
  )
})
