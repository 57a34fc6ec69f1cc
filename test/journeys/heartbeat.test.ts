import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Runtime } from "effect"
import { receiver } from "../notify/kit/hooks.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { paperExchange, service } from "../kit/Service.ts"

describe("HEARTBEAT_URL", () => {
  it.scopedLive(
    "is pinged by a service that works, and no log tells the address",
    () =>
      Effect.gen(function* () {
        const arrived = yield* Deferred.make<string>()
        const run = Runtime.runFork(yield* Effect.runtime())
        const { port } = yield* receiver((request, response) => {
          // An answer that is told in the log, with the reason and without the address.
          response.writeHead(404).end()
          run(Deferred.succeed(arrived, `${request.method} ${request.url}`))
        }, false)
        const { process } = yield* service(yield* temporaryFolder, yield* paperExchange, {
          HEARTBEAT_URL: `http://127.0.0.1:${port}/ping/canary-7f3a?k=canary-91bd`,
          LOG_LEVEL: "trace"
        })
        assert.strictEqual(yield* Deferred.await(arrived), "GET /ping/canary-7f3a?k=canary-91bd")
        assert.strictEqual(yield* process.stop("SIGTERM"), 0)
        assert.include(process.stderr(), "A heartbeat did not arrive")
        assert.notMatch(process.stdout() + process.stderr(), /canary/)
      }),
    60_000
  )
})
