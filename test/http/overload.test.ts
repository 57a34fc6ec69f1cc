import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Queue, TestClock } from "effect"
import { HttpServer, type ServerOptions } from "../../src/http/HttpServer.ts"
import { ask, bearer, serve, type Stubs } from "./kit/server.ts"

const api = "/api/v1/trading"

/** Handlers that begin and wait until they are let go. */
const makeStuck = Effect.gen(function* () {
  const begun = yield* Queue.unbounded<void>()
  const release = yield* Deferred.make<void>()
  const stuck = Effect.zipRight(Queue.offer(begun, undefined), Deferred.await(release))
  const stubs: Stubs = {
    orders: { list: () => Effect.as(stuck, { items: [], nextCursor: null }) },
    halting: { change: () => Effect.succeed({ halted: true, scope: "all", since: 0, by: "user", reason: null }) }
  }
  return { begun, release, stubs }
})

/** So many requests under way, begun for certain. */
const busy = (url: string, user: string, count: number, begun: Queue.Queue<void>) =>
  Effect.gen(function* () {
    const answers = yield* Effect.fork(
      Effect.all(
        Array.from({ length: count }, () => ask(`${url}${api}/orders`, { headers: bearer(`${user}:read`) })),
        { concurrency: "unbounded" }
      )
    )
    for (let i = 0; i < count; i++) yield* Queue.take(begun)
    return answers
  })

const halt = (url: string, user: string) =>
  ask(`${url}${api}/halt`, {
    method: "PUT",
    headers: { ...bearer(`${user}:trade`), "content-type": "application/json" },
    body: `{"halted":true}`
  })

describe.each([
  ["is looked up", false],
  ["was let in a moment ago", true]
])("While too much is asked, of somebody who %s,", (_, remembers) => {
  const running = <A, E>(
    test: (at: { url: string; begun: Queue.Queue<void>; release: Deferred.Deferred<void> }) => Effect.Effect<A, E>,
    options: Partial<ServerOptions>
  ) =>
    Effect.flatMap(makeStuck, ({ begun, release, stubs }) =>
      Effect.flatMap(HttpServer, ({ url }) => test({ url, begun, release })).pipe(
        Effect.provide(serve({ ...stubs, remembers }, { timeouts: { drainMs: 50 }, ...options }))
      )
    )

  it.live("one user cannot take the places of the others, and is served again when an answer has left", () =>
    running(
      ({ begun, release, url }) =>
        Effect.gen(function* () {
          const answers = yield* busy(url, "ann", 20, begun)
          const more = yield* ask(`${url}${api}/orders`, { headers: bearer("ann:read") })
          assert.deepStrictEqual([more.status, more.code], [503, "OVERLOADED"])
          assert.match(JSON.stringify(more.body), /Too many of your requests/)
          assert.strictEqual(more.headers.get("retry-after"), "1")
          assert.strictEqual((yield* halt(url, "ann")).status, 200)
          const others = yield* busy(url, "bob", 1, begun)
          yield* Deferred.succeed(release, undefined)
          for (const { status } of [...(yield* Fiber.join(answers)), ...(yield* Fiber.join(others))]) {
            assert.strictEqual(status, 200)
          }
          assert.strictEqual((yield* ask(`${url}${api}/orders`, { headers: bearer("ann:read") })).status, 200)
        }),
      {}
    )
  )

  it.live("lists wait first, and nobody is too late to halt", () =>
    running(
      ({ begun, url }) =>
        Effect.gen(function* () {
          for (const user of ["ann", "bob", "eve"]) yield* busy(url, user, 10, begun)
          const list = yield* ask(`${url}${api}/orders`, { headers: bearer("dan:read") })
          assert.deepStrictEqual([list.status, list.code], [503, "OVERLOADED"])
          assert.match(JSON.stringify(list.body), /what reads waits for what trades/)
          assert.strictEqual((yield* halt(url, "dan")).status, 200)
          assert.strictEqual((yield* ask(`${url}/api/v1/status/live`)).status, 200)
        }),
      { maxActive: 60 }
    )
  )

  it.live("a class of requests is refused by its name, and what stops something is not", () =>
    running(
      ({ url }) =>
        Effect.gen(function* () {
          const make = ask(`${url}/api/v1/account/keys`, {
            method: "POST",
            headers: { ...bearer("ann:manage+trade"), "content-type": "application/json" },
            body: "{}"
          })
          // One comes back every two seconds: a slow machine needs a few more.
          let refused = yield* make
          let before = 0
          while (refused.status === 400 && before++ < 100) refused = yield* make
          assert.isAtLeast(before, 10)
          assert.deepStrictEqual([refused.status, refused.code], [429, "RATE_LIMITED"])
          assert.match(JSON.stringify(refused.body), /quota \\"secrets\\" of this user is used up: 10 requests at once/)
          assert.match(refused.headers.get("ratelimit") ?? "", /^"default";r=\d+;t=\d+, "secrets";r=0;t=\d+$/)
          assert.strictEqual(refused.headers.get("ratelimit-policy"), `"default";q=600;w=60, "secrets";q=10;w=20`)
          assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/)
          const stopped = yield* halt(url, "ann")
          assert.strictEqual(stopped.status, 200)
          assert.strictEqual(stopped.headers.get("ratelimit-policy"), `"stops";q=600;w=60`)
        }),
      { ratePerMinute: 600 }
    )
  )
})

describe("Who is not known", () => {
  it.live("may be wrong as often as a user may be right", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      const wrong = ["/nothing", "/api/v1/status?x=1", "/api/v1/trading/orders/x?y=1"]
      const codes = yield* Effect.forEach([...wrong, ...wrong], (path) =>
        Effect.map(ask(url + path), ({ code }) => code)
      )
      assert.deepStrictEqual(codes, [
        "ROUTE_NOT_FOUND",
        "VALIDATION_FAILED",
        "VALIDATION_FAILED",
        "ROUTE_NOT_FOUND",
        "RATE_LIMITED",
        "RATE_LIMITED"
      ])
    }).pipe(Effect.provide(serve({}, { ratePerMinute: 4 })))
  )
})

/** Something that computes for so long that nothing else gets its turn, and then the turn in which that is noticed. */
const compute = (ms: number) =>
  Effect.promise(async () => {
    const until = performance.now() + ms
    while (performance.now() < until);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  })

describe("A process that is late", () => {
  it.scoped("for two seconds in a row refuses lists, and halts", () =>
    Effect.gen(function* () {
      const { release, stubs } = yield* makeStuck
      yield* Deferred.succeed(release, undefined)
      yield* Effect.gen(function* () {
        const { url } = yield* HttpServer
        // The first second has the start in it.
        for (let second = 0; second < 3; second++) {
          yield* compute(1_200)
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual((yield* ask(`${url}${api}/orders`, { headers: bearer("ann:read") })).code, "OVERLOADED")
        assert.strictEqual((yield* halt(url, "ann")).status, 200)
      }).pipe(Effect.provide(serve(stubs, { timeouts: { announceMs: 0 } })))
    })
  )
})
