import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Unauthenticated } from "../../src/api/Errors.ts"
import { examples } from "../../src/api/openapi/examples.ts"
import { ExecutionId } from "../../src/domain/Ids.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { ask, bearer, serve, type Stubs } from "./kit/server.ts"
import { aRule } from "./kit/values.ts"

const executionId = Schema.decodeSync(ExecutionId)("exe_01hzy3v7k2m4n6p8q0r2s4t6w8")
const signal = examples["receiveSignal"]?.request
const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body)
})

const running = <A, E>(given: Stubs, test: (api: string) => Effect.Effect<A, E>) =>
  Effect.flatMap(HttpServer, ({ url }) => test(`${url}/api/v1/trading`)).pipe(Effect.provide(serve(given)))

const taking: Stubs = {
  signals: {
    receive: (ruleId, { id, token }) =>
      token.startsWith("sig_the")
        ? Effect.succeed({ receipt: { signalId: id, ruleId, executionId }, replayed: id === "again" })
        : Effect.fail(new Unauthenticated({ message: "The rule's signal token is missing or wrong." })),
    rotate: (_, ruleId) => Effect.succeed({ ruleId, token: "sig_new", createdAt: 0 })
  }
}

describe("POST /trading/signals/{ruleId}", () => {
  it.live("needs no key, takes a signal, and says when it came before", () =>
    running(taking, (api) =>
      Effect.gen(function* () {
        const url = `${api}/signals/${aRule.id}`
        const answer = yield* ask(url, post(signal))
        assert.strictEqual(answer.status, 201, JSON.stringify(answer.body))
        assert.nestedPropertyVal(answer.body, "data.executionId", executionId)
        const again = yield* ask(url, post({ ...Object(signal), id: "again" }))
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        assert.strictEqual((yield* ask(url, post({ ...Object(signal), price: "1" }))).code, "VALIDATION_FAILED")
      })
    )
  )

  it.live("answers 401 for a wrong token, and 429 to an address that keeps guessing", () =>
    running(taking, (api) =>
      Effect.gen(function* () {
        const guess = ask(`${api}/signals/${aRule.id}`, post({ ...Object(signal), token: "sig_guess" }))
        assert.strictEqual((yield* guess).code, "UNAUTHENTICATED")
        const codes = yield* Effect.all(Array.from({ length: 30 }, () => guess))
        assert.strictEqual(codes.at(-1)?.code, "RATE_LIMITED")
        assert.isNotNull(codes.at(-1)?.headers.get("retry-after"))
      })
    )
  )

  it.live("its token is made with a key that may trade, and with no other", () =>
    running(taking, (api) =>
      Effect.gen(function* () {
        const url = `${api}/rules/${aRule.id}/signal-token`
        assert.strictEqual((yield* ask(url, { method: "POST" })).status, 401)
        assert.strictEqual((yield* ask(url, { method: "POST", headers: bearer("ann:read") })).status, 403)
        const made = yield* ask(url, { method: "POST", headers: bearer("ann:read+trade") })
        assert.deepStrictEqual(
          [made.status, Reflect.get(Object(Reflect.get(Object(made.body), "data")), "token")],
          [201, "sig_new"]
        )
      })
    )
  )
})
