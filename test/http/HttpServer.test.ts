import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { ask, bearer, raw, serve, type Stubs } from "./kit/server.ts"

const stubs: Stubs = {
  orders: { list: () => Effect.succeed({ items: [], nextCursor: null }) }
}
const running = <A, E>(test: (url: string, port: number) => Effect.Effect<A, E, HttpServer>, given: Stubs = stubs) =>
  Effect.flatMap(HttpServer, ({ url, port }) => test(url, port)).pipe(Effect.provide(serve(given)))

const orders = "/api/v1/trading/orders"
const ann = bearer("ann:read+trade")

describe("Every answer is the envelope", () => {
  it.scopedLive("for a success", () =>
    running((url) =>
      Effect.gen(function* () {
        const answer = yield* ask(url + orders, { headers: ann })
        assert.strictEqual(answer.status, 200)
        assert.deepStrictEqual(answer.body, { success: true, data: { items: [], nextCursor: null } })
      })
    )
  )
})
