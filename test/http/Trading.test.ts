import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Conflict } from "../../src/api/Errors.ts"
import type { OrderStatus } from "../../src/domain/order/Order.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import type { RequestKey } from "../../src/orders/Orders.ts"
import { ask, bearer, serve, type Stubs } from "./kit/server.ts"
import { anOrder } from "./kit/values.ts"

const running = <A, E>(given: Stubs, test: (base: string) => Effect.Effect<A, E>) =>
  Effect.flatMap(HttpServer, ({ url }) => test(`${url}/api/v1/trading`)).pipe(Effect.provide(serve(given)))

const post = (body: string, key = "0123456789abcdef") => ({
  method: "POST",
  headers: { ...bearer("ann:trade"), "content-type": "application/json", "idempotency-key": key },
  body
})
const order = `{"symbol":"BTCUSDT","side":"buy","type":"market","quoteAmount":"50"}`

const placing = (status: OrderStatus, replayed = false): Stubs => ({
  orders: { place: () => Effect.succeed({ order: { ...anOrder, status }, replayed }) }
})

describe("Placing an order", () => {
  it.live("is answered 201, but 202 while nobody can say what became of it", () =>
    Effect.gen(function* () {
      const statuses: ReadonlyArray<readonly [OrderStatus, number]> = [
        ["filled", 201],
        ["open", 201],
        ["partiallyFilled", 201],
        ["cancelled", 201],
        ["pending", 202],
        ["unknown", 202]
      ]
      for (const [status, expected] of statuses) {
        const answer = yield* running(placing(status), (base) => ask(`${base}/orders`, post(order)))
        assert.strictEqual(answer.status, expected, status)
        assert.nestedPropertyVal(answer.body, "data.status", status)
        assert.strictEqual(answer.headers.get("idempotency-replayed"), null)
      }
    })
  )

  it.live("says so when the answer is a repetition", () =>
    Effect.gen(function* () {
      const answer = yield* running(placing("filled", true), (base) => ask(`${base}/orders`, post(order)))
      assert.strictEqual(answer.headers.get("idempotency-replayed"), "true")
      assert.strictEqual(answer.headers.get("content-type"), "application/json; charset=utf-8")
      assert.strictEqual(answer.headers.get("x-dipper-venue"), "paper")
    })
  )

  it.live("takes two bodies for the same one when only blanks and order of their fields differ", () =>
    Effect.gen(function* () {
      const keys: Array<RequestKey> = []
      const stubs: Stubs = {
        orders: {
          place: (_, __, key) => {
            keys.push(key)
            return Effect.succeed({ order: anOrder, replayed: false })
          }
        }
      }
      yield* running(stubs, (base) =>
        Effect.forEach(
          [order, ` {"quoteAmount": "50", "type":"market","side":"buy","symbol":"BTCUSDT"}`, order.replace("50", "51")],
          (body) => ask(`${base}/orders`, post(body))
        )
      )
      assert.deepStrictEqual(
        keys.map(({ idempotencyKey }) => idempotencyKey),
        Array<string>(3).fill("0123456789abcdef")
      )
      assert.strictEqual(keys[0]?.bodyHash, keys[1]?.bodyHash)
      assert.notStrictEqual(keys[0]?.bodyHash, keys[2]?.bodyHash)
    })
  )

  it.live("takes the fault a header names to the order, and refuses one it cannot read", () =>
    Effect.gen(function* () {
      const faults: Array<string | undefined> = []
      const stubs: Stubs = {
        orders: {
          place: (_, { paperFault }) => {
            faults.push(paperFault)
            return Effect.succeed({ order: anOrder, replayed: false })
          }
        }
      }
      const asked = (fault: string) => {
        const init = post(order)
        return running(stubs, (base) =>
          ask(`${base}/orders`, { ...init, headers: { ...init.headers, "x-paper-fault": fault } })
        )
      }
      const good = ["timeoutAfterAccept", "reject:30005", "reject:-2011", "partial:0.4"]
      for (const fault of good) assert.strictEqual((yield* asked(fault)).status, 201, fault)
      for (const fault of [
        "",
        "timeout",
        "reject:",
        "reject:x",
        "partial:1",
        "partial:0",
        "partial:0.0",
        "partial:4"
      ]) {
        const { body, status } = yield* asked(fault)
        assert.strictEqual(status, 400, fault)
        assert.nestedPropertyVal(body, "error.code", "VALIDATION_FAILED")
        assert.nestedPropertyVal(body, "error.details[0].path", "x-paper-fault")
        assert.match(JSON.stringify(body), /expected timeoutAfterAccept, reject:<code>/)
      }
      assert.deepStrictEqual(faults, good)
    })
  )

  it.live("needs a key of 16 to 64 printable ASCII characters", () =>
    running(placing("filled"), (base) =>
      Effect.gen(function* () {
        for (const good of ["x".repeat(16), "x".repeat(64), "order of 2026 #1!"]) {
          assert.strictEqual((yield* ask(`${base}/orders`, post(order, good))).status, 201, good)
        }
        for (const bad of ["x".repeat(15), "x".repeat(65), "schlüssel-der-bestellung"]) {
          const answer = yield* ask(`${base}/orders`, post(order, bad))
          assert.strictEqual(answer.status, 400, bad)
          assert.include(JSON.stringify(answer.body), `"path":"idempotency-key"`)
        }
      })
    )
  )
})

describe("Closing a position", () => {
  const body = `{"book":"manual"}`
  const url = (base: string, symbol = "BTCUSDT") => `${base}/positions/${symbol}/close`

  it.live("sells with the usual slippage unless another is given, and is answered like an order", () => {
    const asked: Array<object> = []
    const stubs: Stubs = {
      closing: {
        close: (_, symbol, { book, maxSlippageBps, waitMs }, key) => {
          asked.push({ symbol, book, maxSlippageBps, waitMs, key: key.idempotencyKey })
          const status = book === "manual" ? "filled" : "unknown"
          return Effect.succeed({ order: { ...anOrder, status }, replayed: book === "manual" })
        }
      }
    }
    return running(stubs, (base) =>
      Effect.gen(function* () {
        const first = yield* ask(url(base), post(body))
        assert.strictEqual(first.status, 201)
        assert.strictEqual(first.headers.get("idempotency-replayed"), "true")
        const second = yield* ask(url(base), post(`{"book":"rule:x","maxSlippageBps":10,"waitMs":0}`))
        assert.strictEqual(second.status, 202)
        const key = "0123456789abcdef"
        assert.deepStrictEqual(asked, [
          { symbol: "BTCUSDT", book: "manual", maxSlippageBps: 50, waitMs: 2_000, key },
          { symbol: "BTCUSDT", book: "rule:x", maxSlippageBps: 10, waitMs: 0, key }
        ])
      })
    )
  })

  it.live("needs a key and the name of a book", () =>
    running({}, (base) =>
      Effect.gen(function* () {
        const { headers } = post(body)
        const { "idempotency-key": _, ...keyless } = headers
        assert.strictEqual((yield* ask(url(base), { method: "POST", headers: keyless, body })).status, 428)
        for (const wrong of ["{}", `{"book":"mine"}`, `{"book":"manual","quantity":"1"}`])
          assert.strictEqual((yield* ask(url(base), post(wrong))).status, 400, wrong)
        assert.strictEqual((yield* ask(url(base, "btcusdt"), post(body))).code, "SYMBOL_NOT_FOUND")
      })
    )
  )

  it.live("says why it was refused", () =>
    running({ closing: { close: () => new Conflict({ message: "A cycle is open." }) } }, (base) =>
      Effect.gen(function* () {
        const { body: answer, status } = yield* ask(url(base), post(body))
        assert.strictEqual(status, 409)
        assert.nestedPropertyVal(answer, "error.message", "A cycle is open.")
      })
    )
  )
})
