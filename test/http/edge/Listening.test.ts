import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { Listening } from "../../../src/http/edge/Listening.ts"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { ask, serveOn } from "../kit/server.ts"

/** Serves until its scope is closed. */
const turn = (exit: Exit.Exit<unknown> = Exit.void) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const server = Context.get(yield* Layer.buildWithScope(serveOn(), scope), HttpServer)
    return { url: `${server.url}/api/v1/status/live`, port: server.port, end: Scope.close(scope, exit) }
  })

describe("A port that is kept", () => {
  it.live("is the same for who serves next, and says in between that the instance is not ready", () =>
    Effect.gen(function* () {
      const first = yield* turn()
      assert.strictEqual((yield* ask(first.url)).status, 200)
      yield* first.end
      const between = yield* ask(first.url)
      assert.deepStrictEqual([between.status, between.code], [503, "NOT_READY"])
      assert.strictEqual(between.headers.get("retry-after"), "1")
      const second = yield* turn()
      assert.strictEqual(second.port, first.port)
      assert.strictEqual((yield* ask(first.url)).status, 200)
      yield* second.end
    }).pipe(Effect.provide(Listening.layerKept))
  )

  it.live("says that the service stops when that is why nobody serves", () =>
    Effect.gen(function* () {
      const only = yield* Effect.flatMap(Effect.fiberId, (id) => turn(Exit.interrupt(id)))
      yield* only.end
      assert.strictEqual((yield* ask(only.url)).code, "SHUTTING_DOWN")
    }).pipe(Effect.provide(Listening.layerKept))
  )

  it.live("is given back at the end of all", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.tap(turn(), ({ end }) => end).pipe(Effect.provide(Listening.layerKept))
      const answered = yield* Effect.promise(() =>
        fetch(url).then(
          () => true,
          () => false
        )
      )
      assert.isFalse(answered)
    })
  )
})
