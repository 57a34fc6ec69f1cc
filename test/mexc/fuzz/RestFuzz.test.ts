import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Either, Exit, Option, Schema } from "effect"
import { Ticker } from "../../../src/domain/Market.ts"
import type { BatchResult } from "../../../src/mexc/calls/batchResults.ts"
import { type MemoryAnswer, withMemoryVenue } from "../kit/memoryVenue.ts"
import { credentials } from "../kit/venueServer.ts"
import { makeRandom } from "../kit/virtualClock.ts"
import { mangle, mutate, type Random } from "./mutate.ts"
import { acknowledgement, order, samples } from "./samples.ts"
import { assertSound } from "./sound.ts"

/** Of every sample; with the orders below more than five thousand in all. */
const perSample = 110
const perSubmit = 500
const seed = 20_261
/** Some seconds in all, on a machine with nothing else to do. */
const patience = 120_000

const statuses = [200, 200, 200, 200, 200, 200, 400, 500]

const fuzzed = (random: Random, body: unknown): MemoryAnswer => {
  const text = JSON.stringify(mutate(random, random.next() < 0.3 ? mutate(random, body) : body)) ?? ""
  return {
    status: statuses[random.int(0, statuses.length - 1)] ?? 200,
    body: random.next() < 0.25 ? mangle(random, text) : text
  }
}

const isSound = <A, E>(exit: Exit.Exit<A, E>, what: string) => {
  const defects = Exit.match(exit, { onFailure: (cause) => [...Cause.defects(cause)], onSuccess: () => [] })
  assert.deepStrictEqual(defects, [], what)
  if (Exit.isSuccess(exit)) assertSound(exit.value, what)
}

const isTicker = Schema.is(Schema.typeSchema(Ticker))

describe("whatever the venue answers", () => {
  for (const [number, sample] of samples.entries()) {
    it.live(
      `to ${sample.endpoint} (${number}) is a value or a typed failure, ${perSample} times`,
      () => {
        const random = makeRandom(seed + number)
        let current: MemoryAnswer = { body: JSON.stringify(sample.body) }
        let counted = 0
        return withMemoryVenue(
          ({ endpoint }) => {
            if (endpoint === sample.endpoint) {
              counted++
              return current
            }
            // What the call needs besides; the clock answers by itself.
            if (endpoint === "GET /defaultSymbols") return { body: '{"code":0,"data":["ABCUSDT"]}' }
            if (endpoint === "GET /account") return { body: '{"balances":[]}' }
            return endpoint === "GET /time" ? undefined : { body: "{}" }
          },
          ({ client, asked }) =>
            Effect.gen(function* () {
              const whole = yield* Effect.exit(sample.call(client))
              assert.isTrue(Exit.isSuccess(whole), `the sample of ${sample.endpoint} is valid: ${String(whole)}`)
              for (let i = 0; i < perSample; i++) {
                current = fuzzed(random, sample.body)
                const exit = yield* Effect.exit(sample.call(client))
                isSound(exit, `${sample.endpoint} ${current.status} ${current.body.slice(0, 400)}`)
                if (Exit.isSuccess(exit) && sample.endpoint === "GET /ticker/24hr")
                  for (const one of [exit.value].flat()) assert.isTrue(isTicker(one))
              }
              assert.isAbove(counted, perSample)
              assert.lengthOf(
                asked.filter(({ endpoint }) => endpoint === "POST /order" || endpoint === "POST /batchOrders"),
                0
              )
            })
        )
      },
      patience
    )
  }

  /** Written a second time, without the client's schemas: an id, under the right symbol, and no error. */
  const acknowledges = ({ body, status }: MemoryAnswer): boolean => {
    const parsed = Option.liftThrowable((): unknown => JSON.parse(body))()
    const candidates = Option.match(parsed, { onNone: () => [], onSome: (top) => [top, Object(top).data] })
    const code = Number(Object(Option.getOrNull(parsed)).code ?? 0)
    return (
      (status ?? 200) < 300 &&
      (code === 0 || code === 200 || Number.isNaN(code) || !Number.isInteger(code)) &&
      candidates.some((one) => {
        const { orderId, symbol } = Object(one)
        return (
          (typeof orderId === "string" || typeof orderId === "number") &&
          /^[A-Za-z0-9]/.test(String(orderId)) &&
          (symbol === undefined || symbol === null || symbol === "" || symbol === "ABCUSDT")
        )
      })
    )
  }

  it.live(
    `to an order is one POST, and an order only if it says so, ${perSubmit} times`,
    () => {
      const random = makeRandom(seed)
      let current: MemoryAnswer = { body: "" }
      const outcomes = { accepted: 0, unknown: 0, refused: 0 }
      return withMemoryVenue(
        ({ endpoint }) => (endpoint === "POST /order" ? current : undefined),
        ({ asked, client }) =>
          Effect.gen(function* () {
            for (let i = 0; i < perSubmit; i++) {
              current = fuzzed(random, acknowledgement)
              asked.length = 0
              const exit = yield* Effect.exit(client.placeOrder(credentials, order("dpFuzz"), Effect.void))
              const what = `${current.status} ${current.body.slice(0, 400)}`
              isSound(exit, what)
              assert.lengthOf(
                asked.filter(({ endpoint }) => endpoint === "POST /order"),
                1,
                what
              )
              if (Exit.isSuccess(exit)) {
                outcomes.accepted++
                assert.isTrue(acknowledges(current), what)
                continue
              }
              const failure = Option.getOrThrow(Cause.failureOption(exit.cause))
              // A refusal needs a code that the table knows; everything else proves nothing.
              if (failure._tag === "OutcomeUnknown") outcomes.unknown++
              else {
                outcomes.refused++
                assert.isTrue(failure._tag === "VenueRefused" && failure.code === 30002, what)
              }
            }
            for (const [outcome, times] of Object.entries(outcomes))
              if (outcome !== "refused") assert.isAbove(times, 20, outcome)
          })
      )
    },
    patience
  )

  it.live(
    `to a batch leaves no order without an outcome, ${perSubmit} times`,
    () => {
      const random = makeRandom(seed + 1)
      const orders = [order("dpOne"), order("dpTwo"), order("dpThree")]
      const valid = [
        { ...acknowledgement, newClientOrderId: "dpOne" },
        { newClientOrderId: "dpTwo", code: 30002, msg: "below" },
        { symbol: "ABCUSDT", orderId: "C02__3", orderListId: -1 }
      ]
      let current: MemoryAnswer = { body: JSON.stringify(valid) }
      return withMemoryVenue(
        ({ endpoint }) => (endpoint === "POST /batchOrders" ? current : undefined),
        ({ asked, client }) =>
          Effect.gen(function* () {
            const send = Effect.either(client.placeOrders(credentials, orders, Effect.void))
            const typesOf = (results: ReadonlyArray<BatchResult>) => results.map(({ type }) => type)
            const whole = Either.getOrThrow(yield* send)
            assert.deepStrictEqual(typesOf(whole), ["accepted", "refused", "accepted"])
            for (let i = 0; i < perSubmit; i++) {
              current = fuzzed(random, valid)
              asked.length = 0
              const sent = yield* send
              const what = `${current.status} ${current.body.slice(0, 400)}`
              assert.lengthOf(
                asked.filter(({ endpoint }) => endpoint === "POST /batchOrders"),
                1,
                what
              )
              if (Either.isLeft(sent)) {
                assert.isTrue(sent.left._tag === "VenueRefused" && sent.left.code === 30002, what)
                continue
              }
              assert.deepStrictEqual(
                sent.right.map(({ clientOrderId }) => clientOrderId),
                ["dpOne", "dpTwo", "dpThree"]
              )
              for (const result of sent.right)
                if (result.type === "accepted") assert.include(current.body, result.exchangeOrderId, what)
            }
          })
      )
    },
    patience
  )
})
