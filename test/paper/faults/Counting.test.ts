import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, TestClock } from "effect"
import { WebSocket } from "ws"
import { Faults } from "../../../src/paper/faults/Faults.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { RequestFaults } from "../../../src/paper/rest/serving/RequestFaults.ts"
import { Connection } from "../../../src/paper/stream/Connection.ts"
import { makeDelivery } from "../../../src/paper/stream/Delivery.ts"
import { alice as aliceKeys, clients, type Json, sign, stillExchange } from "../kit/SignedClient.ts"

const market = (quantity: string) => ({ symbol: "BTCUSDT", side: "BUY", type: "MARKET", quoteOrderQty: quantity })
const tooMuch = market("900000000")

/** A clock that has gone on by so much whenever somebody wakes. */
const sleeping = (ms: number): Clock.Clock => {
  let now = Date.now()
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    unsafeCurrentTimeMillis: () => now,
    currentTimeMillis: Effect.sync(() => now),
    sleep: () => Effect.sync(() => void (now += ms))
  }
}

const exchange = Effect.gen(function* () {
  const { alice } = yield* clients
  yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
  const plan = (...faults: ReadonlyArray<object>) => alice.control("POST", "/paper/v1/faults", { faults })
  const fired = (type: string) =>
    Effect.map(
      alice.raw("GET", "/paper/v1/faults"),
      ({ body }): number => body.faults.find((fault: Json) => fault.type === type).fired
    )
  const place = (order: Record<string, string>, wish: string | null = null) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const query = new URLSearchParams({ ...order, timestamp: String(now) }).toString()
      return alice.raw("POST", `/api/v3/order?${query}&signature=${sign(aliceKeys.secretKey, query)}`, {
        headers: { "X-MEXC-APIKEY": aliceKeys.accessKey, ...(wish === null ? {} : { "X-Paper-Fault": wish }) }
      })
    })
  return { alice, plan, fired, place }
})

const withExchange = <A, E>(test: Effect.Effect<A, E, PaperExchange>) =>
  Effect.provide(test, PaperExchange.layer(stillExchange))

describe("a fault without an effect is not counted:", () => {
  it.scopedLive("a wrong clock, at a public request that tells no time", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, plan } = yield* exchange
        yield* plan({ type: "clockOffset", ms: 60_000 })
        yield* alice.raw("GET", "/api/v3/ping")
        yield* alice.raw("GET", "/api/v3/depth?symbol=BTCUSDT")
        assert.strictEqual(yield* fired("clockOffset"), 0)
        yield* alice.raw("GET", "/api/v3/time")
        assert.strictEqual(yield* fired("clockOffset"), 1)
      })
    )
  )

  it.scoped("a clock that has not run away by a millisecond yet", () =>
    Effect.gen(function* () {
      const faults = yield* Faults
      const fired = () => faults.describe().find(({ type }) => type === "clockDrift")?.fired
      faults.plan([{ type: "clockDrift", ppm: 1_000 }], 0)
      assert.deepStrictEqual([faults.clockShift(499), fired()], [0, 0])
      assert.deepStrictEqual([faults.clockShift(1_000), fired()], [1, 1])
    }).pipe(Effect.provide(Faults.layer({ seed: 1 })))
  )

  it.effect("what was held up while the machines slept never arrives", () =>
    Effect.gen(function* () {
      const faults = yield* Faults
      const requests = new RequestFaults(faults)
      const arrival = Effect.suspend(() => requests.arrival({ method: "GET", path: "/api/v3/account" }))
      const stall = () => faults.plan([{ type: "stall", path: "/api/v3/account", seconds: 8 }], 0)
      stall()
      assert.isNull(yield* requests.arrival({ method: "GET", path: "/api/v3/time" }))
      assert.isNull(yield* Effect.withClock(arrival, sleeping(8_050)))
      stall()
      assert.deepStrictEqual(yield* Effect.withClock(arrival, sleeping(60_000)), { kind: "dropped" })
      assert.strictEqual(faults.describe().find(({ type }) => type === "stall")?.fired, 2)
    }).pipe(Effect.provide(Faults.layer({ seed: 1 })))
  )

  it.scopedLive("a partial fill of an order that is refused", () =>
    withExchange(
      Effect.gen(function* () {
        const { fired, place, plan } = yield* exchange
        yield* plan({ type: "partialFill", fraction: "0.4", count: 2 })
        assert.strictEqual((yield* place(tooMuch)).status, 400)
        assert.strictEqual(yield* fired("partialFill"), 0)
        assert.strictEqual((yield* place(market("100"))).status, 200)
        assert.strictEqual(yield* fired("partialFill"), 1)
        assert.strictEqual((yield* place(tooMuch, "partial:0.4")).status, 400)
        assert.strictEqual(yield* fired("partialFill"), 1)
        assert.strictEqual((yield* place(market("100"), "partial:0.4")).status, 200)
        assert.strictEqual(yield* fired("partialFill"), 2)
      })
    )
  )

  it.scopedLive("invisibility, when a batch placed nothing to hide", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, plan } = yield* exchange
        const batch = (order: object) =>
          alice.signed("POST", "/api/v3/batchOrders", { batchOrders: JSON.stringify([order]) })
        yield* plan({ type: "orderInvisible", count: 2 })
        assert.strictEqual((yield* batch(tooMuch)).status, 200)
        assert.strictEqual(yield* fired("orderInvisible"), 0)
        assert.strictEqual((yield* batch(market("100"))).status, 200)
        assert.strictEqual(yield* fired("orderInvisible"), 1)
      })
    )
  )

  it.scoped("whatever happens to a push that its client is not there for any more", () =>
    Effect.gen(function* () {
      const faults = yield* Faults
      const { answer, push } = yield* makeDelivery(faults)
      const sent: Array<unknown> = []
      const socket = {
        readyState: WebSocket.CLOSING,
        bufferedAmount: 0,
        send: (data: unknown) => void sent.push(data),
        close: () => undefined,
        terminate: () => undefined
      }
      const connection = new Connection(socket, { listenKey: null, account: null, now: 0 })
      const types = ["missingPush", "duplicatePush", "latePush", "reorderPush", "silentStream", "dropStream"] as const
      const fired = () => faults.describe().flatMap(({ fired, type }) => (fired > 0 ? [type] : []))
      const one = { bytes: new Uint8Array([1]), channel: "c", symbol: null, order: "c" }

      for (const type of types) {
        faults.plan(
          [type === "latePush" ? { type, delayMs: 0 } : type === "silentStream" ? { type, seconds: 1 } : { type }],
          0
        )
        push(connection, one, 0)
        push(connection, one, 0)
        answer(connection, "text", 0)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual([fired(), sent], [[], []], type)
        faults.clear()
      }
    }).pipe(Effect.provide(Faults.layer({ seed: 1 })))
  )
})
