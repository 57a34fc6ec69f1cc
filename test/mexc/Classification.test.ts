import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import type { OutcomeUnknown, VenueFailure } from "../../src/mexc/VenueFailure.ts"
import { credentials } from "./kit/venueServer.ts"
import { codeTable, type Row } from "./kit/codeTable.ts"
import { driftOf, type MemoryAnswer, symbolOf, withMemoryVenue } from "./kit/memoryVenue.ts"
import { order, samples } from "./fuzz/samples.ts"

const abc = symbolOf("ABCUSDT")

const refusalWith = (code: number, status = 400): MemoryAnswer => ({
  status,
  body: JSON.stringify({ code, msg: "因为", _extend: null })
})

/** How often the endpoint was asked, and how it ended. */
const asking = (answer: MemoryAnswer, what: "read" | "submit" | "cancel") =>
  withMemoryVenue(
    ({ endpoint }) => (endpoint === "GET /time" ? undefined : answer),
    ({ asked, client, drift, pauses }) =>
      Effect.gen(function* () {
        const noted: Array<number> = []
        const call: Effect.Effect<unknown, VenueFailure | OutcomeUnknown> =
          what === "read"
            ? client.fills(credentials, { symbol: abc, exchangeOrderId: "C02__1", from: Date.now() })
            : what === "cancel"
              ? client.cancelAllOrders(credentials)
              : client.placeOrder(
                  credentials,
                  order("dpClassified"),
                  Effect.sync(() => void noted.push(1))
                )
        const failure = yield* Effect.merge(Effect.as(Effect.asVoid(call), null))
        return {
          tag: failure === null ? "succeeded" : failure._tag,
          failure,
          times: asked.filter(({ endpoint }) => endpoint !== "GET /time").length,
          measured: asked.filter(({ endpoint }) => endpoint === "GET /time").length,
          notes: noted.length,
          stamps: new Set(asked.map(({ query }) => query.get("signature"))).size,
          pauses: [...pauses],
          drift: yield* driftOf(drift)
        }
      })
  )

/** What a submit answered with this class is, and how often it was sent. */
const submitted = ([, codeClass, retry]: Row): readonly [string, number] => {
  if (codeClass === "rate") return ["VenueRateLimited", 1]
  if (retry === "resync") return ["VenueRefused", 2]
  // "Check" means that only the venue can say; so does everything that is the venue's own trouble.
  return retry === "check" || codeClass === "venue" ? ["OutcomeUnknown", 1] : ["VenueRefused", 1]
}

const readAs = ([, codeClass, retry]: Row): readonly [string, number] => {
  if (codeClass === "rate") return ["VenueRateLimited", 1]
  if (retry === "resync") return ["VenueRefused", 2]
  if (codeClass === "venue") return ["VenueUnavailable", retry === "check" ? 3 : 1]
  return ["VenueRefused", 1]
}

describe("an answer with a code", () => {
  for (const row of codeTable) {
    const [code, codeClass, retry] = row
    it.live(`${code} (${codeClass}, ${retry}) is classed alike for orders, reads and cancels`, () =>
      Effect.gen(function* () {
        const sent = yield* asking(refusalWith(code), "submit")
        assert.deepStrictEqual([sent.tag, sent.times], submitted(row))
        assert.strictEqual(sent.notes, sent.times)
        // Once at the start, and once more if the clock was at fault.
        assert.strictEqual(sent.measured, retry === "resync" ? 2 : 1)
        const read = yield* asking(refusalWith(code), "read")
        assert.deepStrictEqual([read.tag, read.times], readAs(row))
        assert.strictEqual(read.measured, retry === "resync" ? 2 : 1)
        if (read.failure?._tag === "VenueRefused")
          assert.deepStrictEqual([read.failure.code, read.failure.kind], [code, codeClass])
        const cancelled = yield* asking(refusalWith(code), "cancel")
        if (code === -2011) assert.deepStrictEqual([cancelled.tag, cancelled.times], ["succeeded", 1])
        // A write is never repeated, but for the clock.
        else assert.deepStrictEqual([cancelled.tag, cancelled.times], [readAs(row)[0], retry === "resync" ? 2 : 1])
        assert.deepStrictEqual(sent.pauses.length > 0, codeClass === "rate")
        assert.deepStrictEqual({ ...sent.drift, ...read.drift, ...cancelled.drift }, {})
      })
    )

    it.live(`${code} inside an HTTP 200 means the same to an order`, () =>
      Effect.gen(function* () {
        const sent = yield* asking(refusalWith(code, 200), "submit")
        assert.deepStrictEqual([sent.tag, sent.times], submitted(row))
      })
    )

    it.live(`${code} repeated by a failing gateway proves nothing about an order`, () =>
      Effect.gen(function* () {
        const sent = yield* asking(refusalWith(code, 502), "submit")
        assert.deepStrictEqual([sent.tag, sent.times], ["OutcomeUnknown", 1])
        assert.strictEqual(sent.pauses.length, codeClass === "rate" || code === 403 ? 1 : 0)
      })
    )
  }

  it.live("that nobody has documented proves nothing, and raises the alarm", () =>
    Effect.gen(function* () {
      const sent = yield* asking(refusalWith(987_654), "submit")
      assert.deepStrictEqual([sent.tag, sent.times], ["OutcomeUnknown", 1])
      assert.deepStrictEqual(sent.drift, { errorCode: 1 })
    })
  )
})

describe("an answer without a code", () => {
  const table: ReadonlyArray<readonly [name: string, MemoryAnswer, submit: string, read: string, reads: number]> = [
    ["an empty 400", { status: 400, body: "" }, "OutcomeUnknown", "VenueUnavailable", 1],
    ["an empty 401", { status: 401, body: "" }, "VenueRefused", "VenueRefused", 1],
    ["the firewall's page", { status: 403, body: "<html>Access Denied" }, "VenueRateLimited", "VenueRateLimited", 1],
    ["a page not found", { status: 404, body: "not found" }, "OutcomeUnknown", "VenueUnavailable", 1],
    ["a ban", { status: 418, body: "" }, "VenueRateLimited", "VenueRateLimited", 1],
    ["a limit", { status: 429, body: "" }, "VenueRateLimited", "VenueRateLimited", 1],
    ["a broken server", { status: 500, body: "oops" }, "OutcomeUnknown", "VenueUnavailable", 3],
    ["a broken gateway", { status: 502, body: "<html>" }, "OutcomeUnknown", "VenueUnavailable", 3],
    ["an empty 200", { body: "" }, "OutcomeUnknown", "VenueUnavailable", 1],
    ["HTML with a 200", { body: "<html>" }, "OutcomeUnknown", "VenueUnavailable", 1],
    ["half a body", { body: '{"orderId":"C02__1"' }, "OutcomeUnknown", "VenueUnavailable", 1],
    ["a null", { body: "null" }, "OutcomeUnknown", "VenueUnavailable", 1],
    ["a success without content", { body: '{"code":200,"msg":"success"}' }, "OutcomeUnknown", "succeeded", 1],
    ["an id that is none", { body: '{"orderId":""}' }, "OutcomeUnknown", "succeeded", 1],
    ["an id of zero", { body: '{"orderId":0}' }, "OutcomeUnknown", "succeeded", 1],
    ["an id that lost digits", { body: '{"orderId":1.5e300}' }, "OutcomeUnknown", "succeeded", 1],
    ["another pair's order", { body: '{"orderId":"C1","symbol":"XYZUSDT"}' }, "OutcomeUnknown", "succeeded", 1]
  ]
  for (const [name, answer, submit, read, reads] of table) {
    it.live(`as ${name}: an order is ${submit}, a read ${read}`, () =>
      Effect.gen(function* () {
        const sent = yield* asking(answer, "submit")
        assert.deepStrictEqual([sent.tag, sent.times, sent.notes], [submit, 1, 1])
        const asked = yield* asking(answer, "read")
        assert.deepStrictEqual([asked.tag, asked.times], [read, reads])
        if (reads > 1) assert.isAtLeast(asked.stamps, 2, "every attempt is signed anew")
      })
    )
  }

  const waits: ReadonlyArray<readonly [string, number, Record<string, string>, number]> = [
    ["a limit with its seconds", 429, { "retry-after": "37" }, 37_000],
    ["a limit with no word", 429, {}, 10_000],
    ["a ban with its seconds", 418, { "retry-after": "120" }, 120_000],
    ["a ban of more than three days", 418, { "retry-after": "999999" }, 3 * 86_400_000],
    ["a ban with no word", 418, {}, 120_000],
    ["the firewall with its seconds", 403, { "retry-after": "90" }, 90_000],
    ["the firewall with no word", 403, {}, 60_000],
    ["seconds that are none", 429, { "retry-after": "soon" }, 10_000]
  ]
  for (const [name, status, headers, pause] of waits) {
    it.live(`as ${name} stops everybody for ${pause / 1_000} s`, () =>
      Effect.gen(function* () {
        const asked = yield* asking({ status, body: "", headers }, "read")
        assert.deepStrictEqual(asked.pauses, [pause])
      })
    )
  }

  it.live("as a limit until a moment written out stops everybody until then", () =>
    Effect.gen(function* () {
      const until = new Date(Date.now() + 45_000).toUTCString()
      const { pauses } = yield* asking({ status: 429, body: "", headers: { "retry-after": until } }, "read")
      assert.isAbove(pauses[0] ?? 0, 40_000)
      assert.isBelow(pauses[0] ?? 0, 46_000)
    })
  )
})

describe("many that are refused for their time at once", () => {
  for (const code of [700003, 10073]) {
    it.live(`(${code}) measure the clock once between them, and are each sent once more`, () => {
      return withMemoryVenue(
        ({ endpoint }) => (endpoint === "GET /time" ? undefined : refusalWith(code)),
        ({ asked, client }) =>
          Effect.gen(function* () {
            yield* client.serverTime
            const exits = yield* Effect.forEach(
              Array.from({ length: 8 }, () => client.balances(credentials)),
              (read) => Effect.exit(read),
              { concurrency: "unbounded" }
            )
            assert.isTrue(exits.every(Exit.isFailure))
            const count = (name: string) => asked.filter(({ endpoint }) => endpoint === name).length
            assert.strictEqual(count("GET /time"), 2)
            assert.strictEqual(count("GET /account"), 16)
          })
      )
    })
  }
})

describe("no call but placing orders", () => {
  it.live("ever sends a POST to an order endpoint", () =>
    Effect.forEach(samples, ({ body, call, endpoint }) =>
      withMemoryVenue(
        (asked) => (asked.endpoint === endpoint ? { body: JSON.stringify(body) } : undefined),
        ({ asked, client }) =>
          Effect.gen(function* () {
            yield* Effect.option(call(client))
            assert.isTrue(
              Option.isNone(Option.fromNullable(asked.find((one) => /^POST \/(order|batchOrders)$/.test(one.endpoint))))
            )
          })
      )
    )
  )
})
