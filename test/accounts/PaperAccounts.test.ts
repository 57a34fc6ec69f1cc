import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Redacted, TestClock } from "effect"
import { inspect } from "node:util"
import { PaperAccounts } from "../../src/accounts/PaperAccounts.ts"
import { unsafe } from "../../src/domain/Decimal.ts"

const pair = { accessKey: "pp1", secretKey: Redacted.make("canary-secret") }
const balances = { USDT: unsafe("10000"), BTC: unsafe("0.5") }

/** Answers each request with the next of `answers`; null is a refused connection. */
const exchange = (answers: ReadonlyArray<number | null>, seen: Array<HttpClientRequest.HttpClientRequest>) =>
  Layer.provide(
    PaperAccounts.layerHttp("http://127.0.0.1:3001/"),
    Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request) => {
        const status = answers[Math.min(seen.push(request), answers.length) - 1]
        return status === null || status === undefined
          ? Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", description: "refused" }))
          : Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status })))
      })
    )
  )

const open = Effect.flatMap(PaperAccounts, (accounts) => accounts.open(pair, balances))

describe("PaperAccounts over HTTP", () => {
  it.effect("an account is asked for with its key and its opening balances", () => {
    const seen: Array<HttpClientRequest.HttpClientRequest> = []
    return Effect.gen(function* () {
      yield* open
      const [request] = seen
      assert.deepStrictEqual([request?.method, request?.url], ["POST", "http://127.0.0.1:3001/paper/v1/accounts"])
      const body = request?.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      assert.deepStrictEqual(JSON.parse(body), {
        accessKey: "pp1",
        secretKey: "canary-secret",
        balances: { USDT: "10000", BTC: "0.5" }
      })
    }).pipe(Effect.provide(exchange([201], seen)))
  })

  it.effect("an exchange that is still starting is asked again", () => {
    const seen: Array<HttpClientRequest.HttpClientRequest> = []
    return Effect.gen(function* () {
      const opening = yield* Effect.fork(open)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(opening)
      assert.strictEqual(seen.length, 3)
    }).pipe(Effect.provide(exchange([null, 503, 200], seen)))
  })

  it.effect("an exchange that stays away is EXCHANGE_UNAVAILABLE, and the secret is in no log", () => {
    const seen: Array<HttpClientRequest.HttpClientRequest> = []
    const logged: Array<string> = []
    const log = Logger.replace(
      Logger.defaultLogger,
      Logger.make((entry) => void logged.push(inspect(entry, { depth: 12 })))
    )
    return Effect.gen(function* () {
      const opening = yield* Effect.fork(Effect.flip(open))
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(opening)
      assert.strictEqual(error._tag, "EXCHANGE_UNAVAILABLE")
      assert.strictEqual(seen.length, 4)
      assert.isNotEmpty(logged)
      for (const text of [...logged, inspect(error, { depth: 12 }), JSON.stringify(error)])
        assert.notInclude(text, "canary-secret")
    }).pipe(Effect.provide(Layer.merge(exchange([null], seen), log)))
  })
})
