import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, FiberSet, Layer, Scope } from "effect"
import { Agent, request, type RequestOptions } from "node:http"
import { Socket } from "node:net"
import { makeHoldBack } from "../../../src/http/edge/holdBack.ts"
import { Listening } from "../../../src/http/edge/Listening.ts"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { bearer, serve, serveOn } from "../kit/server.ts"

/** Somebody with a single connection that stays open. */
const caller = Effect.acquireRelease(
  Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 1 })),
  (agent) => Effect.sync(() => agent.destroy())
)

const ask = (agent: Agent, url: string, how: RequestOptions): Effect.Effect<number> =>
  Effect.async((resume) => {
    request(url, { ...how, agent }, (answer) => {
      answer.resume().on("end", () => resume(Effect.succeed(answer.statusCode ?? 0)))
    })
      .on("error", (fault) => resume(Effect.die(fault)))
      .end()
  })

const untilRefused = Effect.fnUntraced(function* (agent: Agent, url: string, how: RequestOptions) {
  let status = 0
  while (status !== 429) status = yield* ask(agent, url, how)
})

const app = "https://app.example"
const preflight = { method: "OPTIONS", headers: { origin: app, "access-control-request-method": "GET" } }

/** Serves until it is told to leave its port to the next. */
const leaving = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const layer = serveOn({}, { ratePerMinute: 4, corsOrigins: [app] })
  const { url } = Context.get(yield* Layer.buildWithScope(layer, scope), HttpServer)
  return { url: `${url}/nothing`, leave: Scope.close(scope, Exit.void) }
})

/** Two are refused for coming too often; one of them asks again at once, and somebody else right after. Who is heard first? */
const heardFirst = Effect.fnUntraced(function* (how: RequestOptions = {}, path = "/nothing") {
  const url = (yield* HttpServer).url + path
  const [hasty, other] = [yield* caller, yield* caller]
  yield* untilRefused(hasty, url, how)
  const order: Array<string> = []
  const note = (name: string) => Effect.sync(() => void order.push(name))
  yield* Effect.all(
    [
      Effect.zipRight(ask(hasty, url, how), note("the hasty one")),
      Effect.zipRight(ask(other, url, how), note("the other"))
    ],
    { concurrency: 2 }
  )
  return order
})

describe("Who was refused for coming too often", () => {
  it.scopedLive("is not read again for a moment, while others are", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* heardFirst(), ["the other", "the hasty one"])
    }).pipe(Effect.provide(serve({}, { ratePerMinute: 4 })))
  )

  it.scopedLive("is not read again either when it was a browser that asked before it sends", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* heardFirst(preflight), ["the other", "the hasty one"])
    }).pipe(Effect.provide(serve({}, { ratePerMinute: 4, corsOrigins: [app] })))
  )

  it.scopedLive("is not read again either when it was the key that nobody knows", () =>
    Effect.gen(function* () {
      const order = yield* heardFirst({ headers: bearer("bad") }, "/api/v1/trading/orders")
      assert.deepStrictEqual(order, ["the other", "the hasty one"])
    }).pipe(Effect.provide(serve()))
  )

  it.scopedLive("is read on again with no more than nine others in one turn of the event loop", () =>
    Effect.gen(function* () {
      const sockets = Array.from({ length: 35 }, () => new Socket().pause())
      const holdBack = makeHoldBack(yield* FiberSet.makeRuntime<never>())
      for (const socket of sockets) holdBack(socket.resume())
      const readOn = yield* Effect.async<ReadonlyArray<number>>((resume) => {
        const counts: Array<number> = []
        let before = 0
        let held = false
        const look = () => {
          const reading = sockets.filter((socket) => !socket.isPaused()).length
          held ||= reading === 0
          if (held && reading > before) {
            counts.push(reading - before)
            before = reading
          }
          if (held && reading === sockets.length) resume(Effect.succeed(counts))
          else setImmediate(look)
        }
        look()
      })
      assert.isAtMost(Math.max(...readOn), 10)
    })
  )

  // The clock stands still: nobody is read on because the moment is over.
  it.scoped("is read on when who served leaves the port to the next", () =>
    Effect.gen(function* () {
      const [{ leave, url }, hasty] = [yield* leaving, yield* caller]
      yield* untilRefused(hasty, url, {})
      yield* leave
      assert.strictEqual(yield* ask(hasty, url, {}), 503)
    }).pipe(Effect.provide(Listening.layerKept))
  )

  it.scoped("is not held back while nobody serves", () =>
    Effect.gen(function* () {
      const [{ leave, url }, hasty] = [yield* leaving, yield* caller]
      yield* leave
      yield* untilRefused(hasty, url, preflight)
      assert.strictEqual(yield* ask(hasty, url, preflight), 429)
    }).pipe(Effect.provide(Listening.layerKept))
  )

  it.scopedLive("is read on behind a proxy, whose connections belong to many", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* heardFirst(), ["the hasty one", "the other"])
    }).pipe(Effect.provide(serve({}, { ratePerMinute: 4, trustProxy: 1 })))
  )
})
