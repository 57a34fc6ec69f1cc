import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { alice as aliceKeys, clients, sign, stillExchange, type Answer, type Json } from "../kit/SignedClient.ts"

const order = (newClientOrderId: string) => ({
  symbol: "BTCUSDT",
  side: "BUY",
  type: "LIMIT",
  price: "49000",
  quantity: "0.01",
  newClientOrderId
})

/** An exchange whose BTCUSDT stands at 50,000, and what these tests do with it. */
const misbehaving = Effect.gen(function* () {
  const { alice, bob, port, url } = yield* clients
  yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
  const plan = (...faults: ReadonlyArray<object>) =>
    Effect.map(alice.control("POST", "/paper/v1/faults", { faults }), (answer) =>
      assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    )
  const state = (type: string) =>
    Effect.map(alice.raw("GET", "/paper/v1/faults"), ({ body }): Json =>
      body.faults.find((fault: Json) => fault.type === type)
    )
  const fired = (type: string) => Effect.map(state(type), (fault): number => fault.fired)
  const place = (id: string) => alice.signed("POST", "/api/v3/order", order(id))
  const openIds = Effect.map(alice.signed("GET", "/api/v3/openOrders"), ({ body }): ReadonlyArray<string> =>
    body.map((each: Json) => each.clientOrderId).sort()
  )
  /** What comes back when nobody waits longer than this; null: nothing came. */
  const within = (ms: number, method: string, path: string, parameters: Record<string, string> = {}) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const query = new URLSearchParams({ ...parameters, timestamp: String(now) }).toString()
      return Effect.promise(async (): Promise<number | null> => {
        try {
          const response = await fetch(`${url}${path}?${query}&signature=${sign(aliceKeys.secretKey, query)}`, {
            method,
            headers: { "X-MEXC-APIKEY": aliceKeys.accessKey },
            signal: AbortSignal.timeout(ms)
          })
          return response.status
        } catch {
          return null
        }
      })
    })
  return { alice, bob, fired, openIds, place, plan, port, state, within }
})

const withExchange = <A, E>(test: Effect.Effect<A, E, PaperExchange>) =>
  Effect.provide(test, PaperExchange.layer(stillExchange))

describe("a planned fault", () => {
  it.scopedLive("drops the connection before or after the order exists, as often as asked, and counts", () =>
    withExchange(
      Effect.gen(function* () {
        const { openIds, place, plan, state } = yield* misbehaving
        yield* plan({ type: "dropBeforeBooking", count: 1 }, { type: "dropAfterBooking", count: 1 })
        assert.isTrue(Exit.isFailure(yield* Effect.exit(place("lost"))))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(place("booked"))))
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(place("answered"))))
        assert.deepStrictEqual(yield* openIds, ["answered", "booked"])
        assert.deepInclude(yield* state("dropBeforeBooking"), { left: 0, fired: 1 })
        assert.deepInclude(yield* state("dropAfterBooking"), { left: 0, fired: 1 })
      })
    )
  )

  it.scopedLive("happens to any endpoint, named by path and method", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, place, plan } = yield* misbehaving
        yield* plan(
          { type: "dropBeforeBooking", path: "/api/v3/ticker/*" },
          { type: "serverError", status: 503, method: "DELETE", path: "/api/v3/order" }
        )
        assert.strictEqual((yield* place("kept")).status, 200, "orders are not meant")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(alice.raw("GET", "/api/v3/ticker/price?symbol=BTCUSDT"))))
        const cancelled = yield* alice.signed("DELETE", "/api/v3/order", {
          symbol: "BTCUSDT",
          origClientOrderId: "kept"
        })
        assert.strictEqual(cancelled.status, 503)
        const { body } = yield* alice.signed("GET", "/api/v3/order", { symbol: "BTCUSDT", origClientOrderId: "kept" })
        assert.strictEqual(body.status, "CANCELED", "the answer was lost, the cancel was not")
        assert.deepStrictEqual([yield* fired("dropBeforeBooking"), yield* fired("serverError")], [1, 1])
      })
    )
  )

  it.scopedLive("keeps to the account and the symbol it names", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, bob, fired, plan } = yield* misbehaving
        yield* plan(
          { type: "serverError", account: "mx0bob", count: 9 },
          { type: "htmlBody", symbol: "ETHUSDT", count: 9 }
        )
        assert.strictEqual((yield* alice.signed("GET", "/api/v3/account")).status, 200)
        assert.strictEqual((yield* bob.signed("GET", "/api/v3/account")).status, 500)
        assert.strictEqual((yield* alice.raw("GET", "/api/v3/depth?symbol=BTCUSDT")).headers.get("content-type"), json)
        const page = yield* alice.raw("GET", "/api/v3/depth?symbol=ETHUSDT")
        assert.strictEqual(page.headers.get("content-type"), "text/html")
        assert.deepStrictEqual([yield* fired("serverError"), yield* fired("htmlBody")], [1, 1])
      })
    )
  )

  it.scopedLive("delays an answer until it is cleared", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, place, plan } = yield* misbehaving
        yield* plan({ type: "delayAnswer", count: 5, delayMs: 1_500 })
        const timed = Effect.gen(function* () {
          const before = yield* Clock.currentTimeMillis
          yield* place(`at${before}`)
          return (yield* Clock.currentTimeMillis) - before
        })
        assert.isAtLeast(yield* timed, 1_495)
        yield* alice.control("DELETE", "/paper/v1/faults")
        assert.isBelow(yield* timed, 1_400)
        assert.strictEqual(yield* fired("delayAnswer"), 1)
      })
    )
  )

  it.scopedLive("holds up whatever is sent meanwhile, and counts it when it arrives, wanted or not", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, openIds, plan, within } = yield* misbehaving
        const counted = Effect.map(alice.raw("GET", "/paper/v1/counters"), ({ body }): number => body.requests)
        yield* plan({ type: "stall", seconds: 2 })
        const before = yield* counted
        const given = yield* Effect.all(
          [
            within(600, "POST", "/api/v3/order", order("late")),
            within(600, "GET", "/api/v3/account"),
            within(600, "GET", "/api/v3/account"),
            Effect.delay(within(5_000, "GET", "/api/v3/account"), 700),
            Effect.delay(counted, 900)
          ],
          { concurrency: "unbounded" }
        )
        // Two of an account in one second are allowed: those that nobody waits for any more count as well.
        assert.deepStrictEqual(given, [null, null, null, 429, before])
        assert.strictEqual(yield* counted, before + 4)
        assert.deepStrictEqual(yield* openIds, ["late"])
        assert.strictEqual(yield* fired("stall"), 4)
        assert.strictEqual((yield* alice.raw("GET", "/api/v3/ping")).status, 200)
        assert.strictEqual(yield* fired("stall"), 4, "the way is free again")
      })
    )
  )

  it.scopedLive("delays the booking too when it says before", () =>
    withExchange(
      Effect.gen(function* () {
        const { openIds, plan, within } = yield* misbehaving
        yield* plan({ type: "delayAnswer", delayMs: 1_500, when: "before" })
        assert.isNull(yield* within(100, "POST", "/api/v3/order", order("slow")))
        assert.deepStrictEqual(yield* openIds, [])
        yield* Effect.sleep(1_800)
        assert.deepStrictEqual(yield* openIds, ["slow"])
      })
    )
  )

  describe("answers an order that was booked", () => {
    const damages: ReadonlyArray<readonly [name: string, fault: Json, check: (answer: Answer) => void]> = [
      ["with 502", { type: "serverError", status: 502 }, ({ status }) => assert.strictEqual(status, 502)],
      [
        "with a page",
        { type: "htmlBody", status: 200 },
        ({ body, headers }) => {
          assert.strictEqual(headers.get("content-type"), "text/html")
          assert.match(body, /^<html>/)
        }
      ],
      ["with 10 MB of JSON", { type: "hugeBody" }, ({ body }) => assert.strictEqual(body.length, 10_485_758)]
    ]
    for (const [name, fault, check] of damages) {
      it.scopedLive(name, () =>
        withExchange(
          Effect.gen(function* () {
            const { fired, openIds, place, plan } = yield* misbehaving
            yield* plan(fault)
            check(yield* place("booked"))
            assert.deepStrictEqual(yield* openIds, ["booked"])
            assert.strictEqual(yield* fired(fault.type), 1)
          })
        )
      )
      it.scopedLive(`${name}, or one that was not`, () =>
        withExchange(
          Effect.gen(function* () {
            const { openIds, place, plan } = yield* misbehaving
            yield* plan({ ...fault, when: "before" })
            check(yield* place("lost"))
            assert.deepStrictEqual(yield* openIds, [])
          })
        )
      )
    }

    it.scopedLive("with half of the text, and with a connection that ends in the middle", () =>
      withExchange(
        Effect.gen(function* () {
          const { fired, openIds, place, plan, port } = yield* misbehaving
          yield* plan({ type: "truncatedBody" })
          // The hand-written client parses what says it is JSON.
          assert.isTrue(Exit.isFailure(yield* Effect.exit(place("half"))))
          yield* plan({ type: "truncatedBody", closed: true, path: "/api/v3/ping" })
          const bytes = yield* rawExchange(port, "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
          assert.match(bytes, /content-length: 2\r\n[^]*\r\n\r\n\{$/i)
          assert.strictEqual(yield* fired("truncatedBody"), 2)
          assert.deepStrictEqual(yield* openIds, ["half"])
        })
      )
    )

    it.scopedLive("never, and takes it or not", () =>
      withExchange(
        Effect.gen(function* () {
          const { fired, openIds, plan, within } = yield* misbehaving
          yield* plan({ type: "halfOpen", path: "/api/v3/order", method: "POST" })
          assert.isNull(yield* within(300, "POST", "/api/v3/order", order("lost")))
          yield* plan({ type: "halfOpen", path: "/api/v3/order", method: "POST", when: "after" })
          assert.isNull(yield* within(300, "POST", "/api/v3/order", order("booked")))
          assert.deepStrictEqual(yield* openIds, ["booked"])
          assert.strictEqual(yield* fired("halfOpen"), 2)
        })
      )
    )
  })

  describe("stands before the exchange", () => {
    const json = (body: Json) => typeof body === "object"
    const walls: ReadonlyArray<readonly [Json, number, string | null, (body: Json) => boolean]> = [
      [{ type: "rateLimited", seconds: 7 }, 429, "7", (body) => body.code === 429],
      [{ type: "banned", seconds: 90 }, 418, "90", (body) => body.code === 418],
      [{ type: "firewall" }, 403, null, (body) => /^<html>/.test(body)],
      [
        { type: "maintenance" },
        500,
        null,
        (body) => json(body) && body.code === 500 && /maintenance/.test(body.message) && "announcement" in body
      ]
    ]
    for (const [fault, status, retryAfter, isBody] of walls) {
      it.scopedLive(`as ${fault.type}`, () =>
        withExchange(
          Effect.gen(function* () {
            const { alice, fired, openIds, place, plan } = yield* misbehaving
            yield* plan({ ...fault, count: 2 })
            const answer = yield* place("lost")
            assert.strictEqual(answer.status, status)
            assert.strictEqual(answer.headers.get("retry-after"), retryAfter)
            assert.isTrue(isBody(answer.body), JSON.stringify(answer.body))
            assert.strictEqual((yield* alice.raw("GET", "/api/v3/ping")).status, status)
            assert.strictEqual((yield* alice.raw("GET", "/api/v3/ping")).status, 200)
            assert.deepStrictEqual(yield* openIds, [])
            assert.strictEqual(yield* fired(fault.type), 2)
          })
        )
      )
    }
  })

  it.scopedLive("hides an order and its fills from every query for a while", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, openIds, place, plan } = yield* misbehaving
        yield* plan({ type: "orderInvisible", seconds: 3, count: 2 })
        yield* place("hidden")
        const bought = { symbol: "BTCUSDT", side: "BUY", type: "MARKET", quoteOrderQty: "100" }
        yield* alice.signed("POST", "/api/v3/order", { ...bought, newClientOrderId: "filled" })
        yield* place("seen")
        const bySymbol = { symbol: "BTCUSDT" }
        const queried = Effect.gen(function* () {
          const one = yield* alice.signed("GET", "/api/v3/order", { ...bySymbol, origClientOrderId: "hidden" })
          const all = yield* alice.signed("GET", "/api/v3/allOrders", bySymbol)
          const trades = yield* alice.signed("GET", "/api/v3/myTrades", bySymbol)
          return {
            one: one.body.code ?? one.body.status,
            open: yield* openIds,
            all: all.body.length,
            trades: trades.body.length
          }
        })
        assert.deepStrictEqual(yield* queried, { one: -2013, open: ["seen"], all: 1, trades: 0 })
        yield* Effect.sleep(3_100)
        const later = yield* queried
        assert.deepInclude(later, { one: "NEW", open: ["hidden", "seen"], all: 3 })
        assert.isAbove(later.trades, 0)
        yield* plan({ type: "orderInvisible", seconds: 60 })
        yield* place("forgiven")
        assert.notInclude(yield* openIds, "forgiven")
        yield* alice.control("DELETE", "/paper/v1/faults")
        assert.include(yield* openIds, "forgiven")
        assert.strictEqual(yield* fired("orderInvisible"), 3)
      })
    )
  )

  it.scopedLive("refuses an order with the code it names, and fills only a part of another", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, openIds, place, plan } = yield* misbehaving
        yield* plan({ type: "rejectOrder", code: 30005 }, { type: "partialFill", fraction: "0.4" })
        const refused = yield* place("refused")
        assert.deepStrictEqual([refused.status, refused.body], [400, { code: 30005, msg: "Oversold" }])
        const wanted = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", price: "50500", quantity: "0.01" }
        const { body } = yield* alice.signed("POST", "/api/v3/order", { ...wanted, newClientOrderId: "partly" })
        const now = (yield* alice.signed("GET", "/api/v3/order", { symbol: "BTCUSDT", orderId: body.orderId })).body
        assert.deepStrictEqual([now.status, Number(now.executedQty)], ["PARTIALLY_FILLED", 0.004])
        assert.deepStrictEqual(yield* openIds, ["partly"])
        assert.deepStrictEqual([yield* fired("rejectOrder"), yield* fired("partialFill")], [1, 1])
      })
    )
  )

  it.scopedLive("sets the venue's clock wrong, in what it tells and in what it accepts, until it is cleared", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, plan } = yield* misbehaving
        const ahead = Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          return (yield* alice.raw("GET", "/api/v3/time")).body.serverTime - now
        })
        yield* plan({ type: "clockOffset", ms: 60_000 })
        assert.approximately(yield* ahead, 60_000, 500)
        const late = yield* alice.signed("GET", "/api/v3/account")
        assert.deepStrictEqual([late.status, late.body.code], [400, 700003])
        assert.strictEqual(yield* fired("clockOffset"), 2)
        yield* alice.control("DELETE", "/paper/v1/faults")
        assert.approximately(yield* ahead, 0, 500)
        assert.strictEqual((yield* alice.signed("GET", "/api/v3/account")).status, 200)
      })
    )
  )

  it.scopedLive("lets the venue's clock run away", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, fired, plan } = yield* misbehaving
        const serverTime = Effect.map(alice.raw("GET", "/api/v3/time"), ({ body }): number => body.serverTime)
        yield* plan({ type: "clockDrift", ppm: -100_000 })
        yield* Effect.sleep(1_000)
        const told = yield* serverTime
        const behind = (yield* Clock.currentTimeMillis) - told
        assert.isAtLeast(behind, 95)
        assert.isBelow(behind, 2_000)
        assert.strictEqual(yield* fired("clockDrift"), 1)
      })
    )
  )

  it.scopedLive("happens to one order alone when its sender asks for it in a header", () =>
    withExchange(
      Effect.gen(function* () {
        const { alice, bob, fired, openIds, place } = yield* misbehaving
        const asking = (wish: string, id: string, ms = 5_000) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            const query = new URLSearchParams({ ...order(id), timestamp: String(now) }).toString()
            const target = `/api/v3/order?${query}&signature=${sign(aliceKeys.secretKey, query)}`
            const headers = { "X-MEXC-APIKEY": aliceKeys.accessKey, "X-Paper-Fault": wish }
            return Effect.timeoutOption(alice.raw("POST", target, { headers }), ms)
          })
        const unreadable = yield* Effect.flatten(asking("timeout", "unreadable"))
        assert.deepStrictEqual([unreadable.status, unreadable.body.code], [400, 400])
        assert.match(unreadable.body.msg, /^X-Paper-Fault: expected timeoutAfterAccept/)
        const refused = yield* Effect.flatten(asking("reject:10007", "refused"))
        assert.deepStrictEqual(refused.body, { code: 10007, msg: "symbol not support api" })
        assert.strictEqual((yield* asking("timeoutAfterAccept", "unanswered", 500))._tag, "None")
        assert.strictEqual((yield* place("answered")).status, 200)
        assert.strictEqual((yield* bob.signed("POST", "/api/v3/order", order("others"))).status, 200)
        assert.deepStrictEqual(yield* openIds, ["answered", "unanswered"])
        assert.deepStrictEqual([yield* fired("rejectOrder"), yield* fired("halfOpen")], [1, 1])
      })
    )
  )

  it.scopedLive("happens as often as its probability says, the same way for the same seed", () => {
    const pattern = withExchange(
      Effect.gen(function* () {
        const { alice, fired, plan } = yield* misbehaving
        yield* plan({ type: "maintenance", probability: 0.5 })
        const answers = yield* Effect.forEach(Array.from({ length: 60 }), () =>
          Effect.map(alice.raw("GET", "/api/v3/ping"), ({ status }) => status)
        )
        const count = answers.filter((status) => status === 500).length
        assert.strictEqual(yield* fired("maintenance"), count)
        assert.isAtLeast(count, 15)
        assert.isAtMost(count, 45)
        return answers.join()
      })
    )
    return Effect.gen(function* () {
      assert.strictEqual(yield* pattern, yield* pattern)
    })
  })

  it.scopedLive("and every other control are absent unless asked for; the clock is always told", () =>
    Effect.gen(function* () {
      const { alice } = yield* clients
      for (const path of ["faults", "journal", "counters", "accounts", "pairs"]) {
        assert.strictEqual((yield* alice.raw("GET", `/paper/v1/${path}`)).status, 404)
      }
      const clock = yield* alice.raw("GET", "/paper/v1/clock")
      assert.hasAllKeys(clock.body, ["marketNow", "speed", "wallNow"])
    }).pipe(Effect.provide(PaperExchange.layer({ ...stillExchange, control: false })))
  )
})

const json = "application/json;charset=utf-8"

/** Bytes of a connection until it ends. */
const rawExchange = (port: number, text: string) =>
  Effect.async<string>((resume) => {
    const chunks: Array<Buffer> = []
    const socket = connect(port, "127.0.0.1", () => socket.write(text))
    socket.on("data", (chunk) => chunks.push(chunk))
    socket.on("error", () => socket.destroy())
    socket.on("close", () => resume(Effect.succeed(Buffer.concat(chunks).toString())))
  })
