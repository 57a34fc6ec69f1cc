import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Ref, Schema, Stream, TestClock } from "effect"
import { inspect } from "node:util"
import * as Decimal from "../../src/domain/Decimal.ts"
import { ClientOrderId } from "../../src/domain/Ids.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { clientLayer } from "./kit/venueServer.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import type { OrderRequest } from "../../src/mexc/OrderRequest.ts"
import { sign } from "../../src/mexc/signing/Signature.ts"
import { accessKey, type Answer, credentials, secretKey, withVenue } from "./kit/venueServer.ts"

const symbol = Schema.decodeSync(SymbolName)("ABCUSDT")
const clientOrderId = Schema.decodeSync(ClientOrderId)("dpTestOrder1")
const order: OrderRequest = {
  symbol,
  side: "buy",
  type: "immediateOrCancel",
  quantity: Decimal.unsafe("0.00000012"),
  price: Decimal.unsafe("1234.5"),
  clientOrderId
}
const ack = { symbol: "ABCUSDT", orderId: "C02__77", orderListId: -1, transactTime: 1_700_000_000_123 }
const error = (code: number, msg = "no", status = 400): Answer => ({ status, json: { code, msg } })
const place = (client: typeof MexcClient.Service, beforeSend: Effect.Effect<void> = Effect.void) =>
  client.placeOrder(credentials, order, beforeSend)

describe("placing an order", () => {
  it.live("sends it signed, in the query, in plain decimals, after the caller has noted it", () =>
    withVenue(
      () => ({ json: ack }),
      (client, venue) =>
        Effect.gen(function* () {
          const noted = yield* Ref.make(-1)
          const result = yield* place(
            client,
            Effect.suspend(() => Ref.set(noted, venue.calls("/order").length))
          )
          assert.deepStrictEqual(result, { exchangeOrderId: "C02__77", transactTime: 1_700_000_000_123 })
          assert.strictEqual(yield* Ref.get(noted), 0)
          const [sent] = venue.calls("/order")
          assert.isDefined(sent)
          assert.strictEqual(sent?.method, "POST")
          assert.strictEqual(sent?.query.get("quantity"), "0.00000012")
          assert.strictEqual(sent?.query.get("type"), "IMMEDIATE_OR_CANCEL")
          assert.strictEqual(sent?.query.get("newClientOrderId"), "dpTestOrder1")
          assert.strictEqual(sent?.headers["x-mexc-apikey"], accessKey)
          assert.strictEqual(sent?.headers["content-type"], "application/json")
          const [query, signature] = (sent?.rawQuery ?? "").split("&signature=")
          assert.strictEqual(signature, sign(credentials.secretKey, query ?? ""))
          assert.isBelow(Math.abs(Number(sent?.query.get("timestamp")) - Date.now()), 2_000)
        })
    )
  )

  it.live("carries a paper order's fault in a header, and no other order has one", () =>
    withVenue(
      () => ({ json: ack }),
      (client, venue) =>
        Effect.gen(function* () {
          yield* client.placeOrder(credentials, { ...order, paperFault: "partial:0.4" }, Effect.void)
          yield* place(client)
          assert.deepStrictEqual(
            venue.calls("/order").map(({ headers }) => headers["x-paper-fault"]),
            ["partial:0.4", undefined]
          )
        })
    )
  )

  const refusals: ReadonlyArray<readonly [Answer, string, string]> = [
    [error(30002), "VenueRefused", "input"],
    [error(10101), "VenueRefused", "funds"],
    [error(30087), "VenueRefused", "market"],
    [error(10007), "VenueRefused", "permission"],
    [error(700002), "VenueRefused", "auth"],
    [{ status: 401, text: "" }, "VenueRefused", "auth"],
    [error(429, "slow down", 429), "VenueRateLimited", ""],
    [error(510), "VenueRateLimited", ""],
    [{ status: 403, text: "<html>Access Denied</html>" }, "VenueRateLimited", ""],
    [{ status: 200, json: { code: 30004, msg: "in a 200" } }, "VenueRefused", "funds"]
  ]
  for (const [answer, tag, kind] of refusals) {
    it.live(`answered ${JSON.stringify(answer)} leaves no order: ${tag} ${kind}`, () =>
      withVenue(
        () => answer,
        (client, venue) =>
          Effect.gen(function* () {
            const failure = yield* Effect.flip(place(client))
            assert.strictEqual(failure._tag, tag)
            if (failure._tag === "VenueRefused") assert.strictEqual(failure.kind, kind)
            assert.lengthOf(venue.calls("/order"), 1)
          })
      )
    )
  }

  const unproven: ReadonlyArray<readonly [string, Answer]> = [
    ["a server error", { status: 500, text: "" }],
    ["a gateway timeout in HTML", { status: 504, text: "<html>504</html>" }],
    ["maintenance", { status: 500, json: { code: 500, message: "Under maintenance", announcement: "x" } }],
    ["a refusal repeated by a failing gateway", error(30002, "no", 502)],
    ["a code nobody has documented", error(987654)],
    ["a repeated request, whose first may be booked", error(603)],
    ["an acknowledgement without an order id", { json: { symbol: "ABCUSDT" } }],
    ["HTML with status 200", { text: "<html>welcome</html>" }],
    ["a redirect", { status: 302, text: "", headers: { location: "http://127.0.0.1:9/" } }],
    ["a reset", { raw: (response) => response.destroy() }],
    [
      "an answer that breaks off",
      {
        raw: (response) => {
          response.writeHead(200, { "content-length": "1000" })
          response.write('{"orderId":"1"', () => response.destroy())
        }
      }
    ],
    ["an endless answer", { text: " ".repeat(9 * 1024 * 1024) }]
  ]
  for (const [name, answer] of unproven) {
    it.live(`answered with ${name} has an unknown outcome and is not sent again`, () =>
      withVenue(
        () => answer,
        (client, venue) =>
          Effect.gen(function* () {
            const failure = yield* Effect.flip(place(client))
            assert.strictEqual(failure._tag, "OutcomeUnknown")
            assert.lengthOf(venue.calls("/order"), 1)
          })
      )
    )
  }

  it.effect("without an answer has an unknown outcome when the time is up, not before", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      yield* withVenue(
        () => {
          Deferred.unsafeDone(arrived, Exit.void)
          return { raw: () => undefined }
        },
        (client) =>
          Effect.gen(function* () {
            const placing = yield* Effect.fork(Effect.flip(place(client)))
            yield* Deferred.await(arrived)
            yield* TestClock.adjust("9 seconds")
            assert.isNull(placing.unsafePoll())
            yield* TestClock.adjust("2 seconds")
            const failure = yield* Fiber.join(placing)
            assert.strictEqual(failure._tag, "OutcomeUnknown")
          })
      )
    })
  )

  it.live("to a venue nobody can connect to is known not to have been sent", () =>
    withVenue(
      () => ({ json: ack }),
      (client, venue) =>
        Effect.gen(function* () {
          yield* client.serverTime
          const failure = yield* Effect.flip(
            Effect.flatMap(MexcClient, place).pipe(Effect.provide(clientLayer("http://127.0.0.1:1")))
          )
          assert.strictEqual(failure._tag, "VenueUnavailable")
          assert.lengthOf(venue.calls("/order"), 0)
        })
    )
  )

  it.live("refused for its time is sent once more, by the venue's clock, under the same client id", () => {
    let refused = 0
    return withVenue(
      (asked) => (asked.path === "/order" && refused++ === 0 ? error(700003) : { json: ack }),
      (client, venue) =>
        Effect.gen(function* () {
          const noted = yield* Ref.make(0)
          yield* place(
            client,
            Ref.update(noted, (n) => n + 1)
          )
          assert.deepStrictEqual(
            venue.asked.map(({ path }) => path),
            ["/time", "/order", "/time", "/order"]
          )
          assert.deepStrictEqual(
            venue.calls("/order").map(({ query }) => query.get("newClientOrderId")),
            ["dpTestOrder1", "dpTestOrder1"]
          )
          // Trading may have been halted since, or be another's: the sender is asked each time.
          assert.strictEqual(yield* Ref.get(noted), 2)
        })
    )
  })

  it.live(
    "is signed as of before its sender noted it, so that a process that stood still in between sends nothing of use",
    () =>
      withVenue(
        () => ({ json: ack }),
        (client, venue) =>
          Effect.gen(function* () {
            const noted = yield* Ref.make(0)
            const standStill = Effect.sleep("60 millis")
            const note = Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(noted, now))
            yield* place(client, Effect.zipRight(standStill, note))
            const offset = yield* client.clockOffset
            const signedAt = Number(venue.calls("/order")[0]?.query.get("timestamp")) - offset
            assert.isAtMost(signedAt, (yield* Ref.get(noted)) - 50)
          })
      )
  )

  it.live("refused for its time twice is refused", () =>
    withVenue(
      () => error(700003),
      (client, venue) =>
        Effect.gen(function* () {
          const failure = yield* Effect.flip(place(client))
          assert.strictEqual(failure._tag === "VenueRefused" && failure.kind, "time")
          assert.lengthOf(venue.calls("/order"), 2)
        })
    )
  )

  it.live("goes on to its answer when the caller is interrupted after noting it", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      const answerNow = yield* Deferred.make<() => void>()
      yield* withVenue(
        () => ({
          raw: (response) => {
            Deferred.unsafeDone(
              answerNow,
              Exit.succeed(() => response.writeHead(200).end(JSON.stringify(ack)))
            )
            Deferred.unsafeDone(arrived, Exit.void)
          }
        }),
        (client) =>
          Effect.gen(function* () {
            const placed = yield* Deferred.make<string>()
            const placing = yield* place(client).pipe(
              Effect.flatMap(({ exchangeOrderId }) => Deferred.succeed(placed, exchangeOrderId)),
              Effect.uninterruptible,
              Effect.fork
            )
            yield* Deferred.await(arrived)
            yield* Fiber.interruptFork(placing)
            yield* Effect.yieldNow()
            const answer = yield* Deferred.await(answerNow)
            answer()
            assert.strictEqual(yield* Deferred.await(placed), "C02__77")
          })
      )
    })
  )

  it.live("is not begun by a caller interrupted while it waits for the budget, even one that waits for answers", () =>
    withVenue(
      () => ({ json: ack }),
      (client, venue, budget) =>
        Effect.gen(function* () {
          const noted = yield* Ref.make(0)
          yield* client.serverTime
          yield* budget.pause(10_000)
          const placing = yield* Effect.fork(
            Effect.uninterruptible(
              place(
                client,
                Ref.update(noted, (n) => n + 1)
              )
            )
          )
          yield* Effect.yieldNow()
          yield* Fiber.interrupt(placing)
          assert.strictEqual(yield* Ref.get(noted), 0)
          assert.lengthOf(venue.calls("/order"), 0)
          assert.strictEqual((yield* budget.state()).waiting.order, 0)
        })
    )
  )
})

describe("limits the venue reports", () => {
  it.live("stop everything for as long as Retry-After says", () =>
    withVenue(
      () => ({ status: 429, json: { code: 429, msg: "x" }, headers: { "retry-after": "37" } }),
      (client, _, budget) =>
        Effect.gen(function* () {
          const failure = yield* Effect.flip(client.ticker(symbol))
          assert.strictEqual(failure._tag === "VenueRateLimited" && failure.retryAfterMs, 37_000)
          const { pausedUntil } = yield* budget.state()
          assert.isAbove(pausedUntil ?? 0, Date.now() + 35_000)
          assert.strictEqual((yield* Effect.flip(place(client)))._tag, "BudgetUnavailable")
        })
    )
  )

  it.live("by the second have what reads wait and ask once more, and refuse an order at once", () => {
    const at: Array<number> = []
    return withVenue(
      ({ path }) => {
        at.push(Date.now())
        return at.length === 2 && path.endsWith("/account")
          ? { json: { balances: [] } }
          : { status: 429, json: { code: 429, msg: "x" }, headers: { "retry-after": "1" } }
      },
      (client) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* client.balances(credentials), { rows: [], complete: true })
          assert.isAtLeast((at[1] ?? 0) - (at[0] ?? 0), 990)
          assert.strictEqual((yield* Effect.flip(place(client)))._tag, "VenueRateLimited")
          assert.lengthOf(at, 3)
          assert.strictEqual((yield* Effect.flip(client.balances(credentials)))._tag, "VenueRateLimited")
          assert.lengthOf(at, 5)
        })
    )
  })

  it.live("with a ban and no word of its length stop everything for two minutes", () =>
    withVenue(
      () => ({ status: 418, text: "banned" }),
      (client) =>
        Effect.map(Effect.flip(client.ticker(symbol)), (failure) =>
          assert.strictEqual(failure._tag === "VenueRateLimited" && failure.retryAfterMs, 120_000)
        )
    )
  )
})

describe("reading", () => {
  it.live("is tried again after a failure of the venue, with a fresh signature", () => {
    let failures = 0
    return withVenue(
      () => (failures++ < 2 ? { status: 502, text: "<html>" } : { json: { balances: [] } }),
      (client, venue) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* client.balances(credentials), { rows: [], complete: true })
          const signatures = venue.calls("/account").map(({ query }) => query.get("signature"))
          assert.lengthOf(new Set(signatures), 3)
        })
    )
  })

  it.live("is not tried again when the venue refuses", () =>
    withVenue(
      () => error(700007),
      (client, venue) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* Effect.flip(client.balances(credentials)))._tag, "VenueRefused")
          assert.lengthOf(venue.calls("/account"), 1)
        })
    )
  )

  it.live("an order the venue does not know finds none", () =>
    withVenue(
      () => error(-2013),
      (client) =>
        Effect.map(client.order(credentials, symbol, clientOrderId), (found) => assert.strictEqual(found._tag, "None"))
    )
  )

  it.live("cancelling an order that is finished already succeeds", () =>
    withVenue(
      () => error(-2011),
      (client) => client.cancelOrder(credentials, symbol, clientOrderId)
    )
  )

  it.live("measures the venue's clock and signs by it", () =>
    Effect.gen(function* () {
      yield* withVenue(
        (asked) =>
          asked.path === "/account" && Math.abs(Number(asked.query.get("timestamp")) - Date.now()) < 1_000
            ? { json: { balances: [] } }
            : error(700003),
        (client) =>
          Effect.gen(function* () {
            yield* client.balances(credentials)
            assert.isBelow(Math.abs(yield* client.clockOffset), 500)
          })
      )
    })
  )

  it.live("pages of fills are joined, each fill once, oldest first, whichever end the venue cuts off", () => {
    const all = Array.from({ length: 450 }, (_, i) => ({
      symbol: "ABCUSDT",
      id: `t${i}`,
      orderId: "o",
      price: "1",
      qty: "1",
      quoteQty: "1",
      commission: "0",
      commissionAsset: "USDT",
      time: Date.now() - 20 * 86_400_000 + Math.floor(i / 3) * 60_000,
      isBuyer: true,
      isMaker: false,
      clientOrderId: null
    }))
    const page = (query: URLSearchParams, newestFirst: boolean): Answer => {
      const rows = all.filter(
        ({ time }) => time >= Number(query.get("startTime")) && time <= Number(query.get("endTime"))
      )
      return { json: newestFirst ? rows.reverse().slice(0, 100) : rows.slice(0, 100) }
    }
    return Effect.forEach([true, false], (newestFirst) =>
      withVenue(
        ({ query }) => page(query, newestFirst),
        (client) =>
          Effect.map(client.fills(credentials, { symbol }), (fills) =>
            assert.deepStrictEqual(
              fills.rows.map(({ tradeId }) => Number(tradeId.slice(1))).sort((a, b) => a - b),
              all.map((_, i) => i)
            )
          )
      )
    )
  })

  it.live("candles keeps only rows inside the range and marks the running one", () => {
    const minute = 60_000
    const start = Math.floor(Date.now() / minute) * minute - 2 * minute
    const row = (at: number) => [at, "1", "2", "0.5", "1.5", "10", at + minute, "15"]
    return withVenue(
      () => ({ json: [-300, 0, 1, 2].map((i) => row(start + i * minute)) }),
      (client) =>
        Effect.map(client.candles({ symbol, interval: "1m", from: start, to: start + 3 * minute }), (candles) =>
          assert.deepStrictEqual(
            candles.map(({ closed, openTime }) => [openTime - start, closed]),
            [
              [0, true],
              [minute, true],
              [2 * minute, false]
            ]
          )
        )
    )
  })
})

describe("a key's permissions", () => {
  const venue =
    (answers: Record<string, Answer>) =>
    ({ path }: { readonly path: string }): Answer =>
      answers[path] ?? error(500)

  it.live("are read and trade for a good key", () =>
    withVenue(
      venue({
        "/account": { json: { balances: [] } },
        "/order/test": { json: {} },
        "/capital/withdraw": error(700007)
      }),
      (client) =>
        Effect.map(client.permissions(credentials), (found) =>
          assert.deepStrictEqual(found, { read: true, trade: true, withdraw: false })
        )
    )
  )

  it.live("include withdrawing when the venue looks for the withdrawal instead of refusing", () =>
    withVenue(
      venue({
        "/account": error(700007),
        "/order/test": error(30002),
        "/capital/withdraw": error(912345, "no such withdrawal")
      }),
      (client) =>
        Effect.map(client.permissions(credentials), (found) =>
          assert.deepStrictEqual(found, { read: false, trade: true, withdraw: true })
        )
    )
  )

  it.live("are not guessed when the key is wrong or the venue fails", () =>
    Effect.forEach([error(10072), { status: 503, text: "" } as const], (answer) =>
      withVenue(
        () => answer,
        (client) => Effect.asVoid(Effect.flip(client.permissions(credentials)))
      )
    )
  )
})

describe("a key that is refused", () => {
  it.live("may have expired when it is old: the venue calls it a wrong signature", () =>
    withVenue(
      () => error(700002, "Signature for this request is not valid."),
      (client) =>
        Effect.gen(function* () {
          const messageAt = (ageDays?: number) =>
            Effect.map(
              Effect.flip(client.balances(ageDays === undefined ? credentials : { ...credentials, ageDays })),
              ({ message }) => message
            )
          assert.strictEqual(yield* messageAt(), "Signature for this request is not valid.")
          assert.strictEqual(yield* messageAt(74), "Signature for this request is not valid.")
          assert.match(yield* messageAt(75), /^Signature .* \(expired\? The key is 75 days old/)
          const probed = yield* Effect.flip(client.permissions({ ...credentials, ageDays: 90 }))
          assert.match(probed.message, /expired\?/)
        })
    )
  )

  it.live("for its address or its permissions is told to whoever looks after keys, unless that was the question", () =>
    withVenue(
      ({ path }) => (path === "/account" ? error(700006) : path === "/order" ? error(700007) : error(10072)),
      (client) =>
        Effect.gen(function* () {
          const heard = yield* Effect.fork(Stream.runCollect(Stream.take(client.refusedKeys, 2)))
          yield* Effect.yieldNow()
          yield* Effect.flip(client.permissions(credentials))
          yield* Effect.flip(client.uid(credentials))
          yield* Effect.flip(client.cancelOrder(credentials, SymbolName.make("BTCUSDT"), ClientOrderId.make("dp1")))
          yield* Effect.flip(client.balances(credentials))
          const { userId } = credentials
          assert.deepStrictEqual(
            [...(yield* Fiber.join(heard))],
            [
              { userId, code: 700007 },
              { userId, code: 700006 }
            ]
          )
        })
    )
  )
})

describe("the secret, the key and the signature", () => {
  const echo = ({ rawQuery }: { readonly rawQuery: string }): Answer => ({
    status: 400,
    json: { code: 30002, msg: `bad request ${accessKey} /order?${rawQuery}` }
  })
  const failures: ReadonlyArray<readonly [string, (asked: { readonly rawQuery: string }) => Answer]> = [
    ["a refusal that repeats the request", echo],
    ["a reset", () => ({ raw: (response) => response.destroy() })],
    [
      "a body that breaks off",
      () => ({ raw: (response) => void response.writeHead(200).write("{", () => response.destroy()) })
    ],
    ["an answer of an unknown form", () => ({ json: [] })]
  ]
  for (const [name, answer] of failures) {
    it.live(`are in no part of the error after ${name}`, () =>
      withVenue(answer, (client, venue) =>
        Effect.gen(function* () {
          const cause = yield* Effect.flip(Effect.sandbox(place(client)))
          const signature = venue.calls("/order")[0]?.query.get("signature") ?? "none was sent"
          const shown = [
            JSON.stringify(cause),
            inspect(cause, { depth: 20, showHidden: true }),
            Cause.pretty(cause),
            ...Array.from(Cause.failures(cause), (failure) => inspect(failure, { depth: 20 }) + String(failure))
          ].join("\n")
          for (const hidden of [secretKey, accessKey, signature]) assert.notInclude(shown, hidden)
        })
      )
    )
  }
})
