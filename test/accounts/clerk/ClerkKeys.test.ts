import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, LogLevel, Option, type Scope, TestClock, TestServices } from "effect"
import { generateKeyPairSync } from "node:crypto"
import { ClerkKeys } from "../../../src/accounts/clerk/ClerkKeys.ts"
import { failures, localClerk } from "../../kit/Clerk.ts"
import { jwkOf, keys, makeKeys } from "./tokens.ts"

type Clerk = Effect.Effect.Success<typeof localClerk>["state"]
type Keys = typeof ClerkKeys.Service

const published = jwkOf(keys.publicKey, "ins_1")
const successor = jwkOf(makeKeys().publicKey, "ins_2")

/** Our side of a Clerk that begins with the given failure, on a clock that only the test moves. */
const withClerk = <E>(begin: Partial<Clerk>, test: (keys: Keys, clerk: Clerk) => Effect.Effect<void, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const { state, url } = yield* localClerk
    Object.assign(state, { keys: [published], ...begin })
    yield* Effect.flatMap(ClerkKeys, (found) => test(found, state)).pipe(
      Effect.provide(Layer.provide(ClerkKeys.layer(url), NodeHttpClient.layerUndici))
    )
  }).pipe(Logger.withMinimumLogLevel(LogLevel.None))

/** By the wall clock, because the answers of the key server come over a real connection. */
const until = (done: () => boolean) =>
  TestServices.provideLive(
    Effect.sleep("5 millis").pipe(Effect.repeat({ until: done }), Effect.timeout("5 seconds"), Effect.orDie)
  )

const knows = (found: Keys, kid: string) => Effect.map(found.find(kid), Option.isSome)

describe("the keys of a Clerk instance", () => {
  it.scoped("K01: a thousand invented key ids cost one question in thirty seconds", () =>
    withClerk({}, (found, clerk) =>
      Effect.gen(function* () {
        assert.isTrue(yield* knows(found, "ins_1"))
        const junk = Effect.forEach(
          Array.from({ length: 1_000 }, (_, n) => `junk_${n}`),
          (kid) => knows(found, kid),
          { concurrency: "unbounded" }
        )
        yield* TestClock.adjust("29 seconds")
        assert.notInclude(yield* junk, true)
        assert.strictEqual(clerk.fetches, 1)
        yield* TestClock.adjust("1 second")
        assert.notInclude(yield* junk, true)
        assert.notInclude(yield* junk, true)
        assert.strictEqual(clerk.fetches, 2)
      })
    )
  )

  it.scoped("K02: fifty who ask before the first answer share it", () =>
    withClerk({}, (found, clerk) =>
      Effect.gen(function* () {
        const all = yield* Effect.forEach(Array(50), () => knows(found, "ins_1"), { concurrency: "unbounded" })
        assert.deepStrictEqual(all, Array(50).fill(true))
        assert.strictEqual(clerk.fetches, 1)
      })
    )
  )

  it.scoped("K03: a new key is accepted thirty seconds after its publication at the latest", () =>
    withClerk({}, (found, clerk) =>
      Effect.gen(function* () {
        assert.isFalse(yield* knows(found, "ins_2"))
        clerk.keys = [published, successor]
        yield* TestClock.adjust("30 seconds")
        assert.isTrue(yield* knows(found, "ins_2"))
        assert.isTrue(yield* knows(found, "ins_1"))
      })
    )
  )

  it.scoped("K04: a key that was withdrawn counts no more after the next reading, also while others are invented", () =>
    withClerk({}, (found, clerk) =>
      Effect.gen(function* () {
        assert.isTrue(yield* knows(found, "ins_1"))
        clerk.keys = [successor]
        yield* TestClock.adjust("30 seconds")
        assert.isFalse(yield* knows(found, "junk"))
        assert.isFalse(yield* knows(found, "ins_1"))
        clerk.keys = [published]
        yield* TestClock.adjust("5 minutes")
        yield* until(() => clerk.fetches === 3)
        yield* Effect.repeat(knows(found, "ins_1"), { until: (known) => known })
        assert.isFalse(yield* knows(found, "ins_2"))
      })
    )
  )

  for (const failure of failures) {
    it.scoped(`K05: once read, a key outlives ${failure}`, () =>
      withClerk({}, (found, clerk) =>
        Effect.gen(function* () {
          assert.isTrue(yield* knows(found, "ins_1"))
          clerk.failure = failure
          for (let tries = 2; tries <= 4; tries++) {
            yield* TestClock.adjust("5 minutes")
            yield* until(() => clerk.fetches >= tries)
            assert.isTrue(yield* knows(found, "ins_1"))
            yield* TestClock.adjust("3 seconds")
          }
          assert.isTrue(yield* found.isUsable)
        })
      )
    )

    it.scoped(`K06: before the first reading ${failure} lets nobody in, and later everybody`, () =>
      withClerk({ failure }, (found, clerk) =>
        Effect.gen(function* () {
          const first = yield* Effect.fork(Effect.flip(found.find("ins_1")))
          yield* until(() => clerk.fetches === 1)
          yield* TestClock.adjust("3 seconds")
          assert.strictEqual((yield* Fiber.join(first))._tag, "AUTH_UNAVAILABLE")
          const again = yield* Effect.flip(found.find("ins_1"))
          assert.deepStrictEqual([again.retryable, again.retryAfterSeconds], [true, 30])
          assert.isFalse(yield* found.isUsable)
          clerk.failure = null
          yield* Effect.repeat(
            Effect.zipRight(
              TestClock.adjust("1 second"),
              until(() => true)
            ),
            { until: () => found.isUsable }
          )
          assert.isTrue(yield* knows(found, "ins_1"))
        })
      )
    )
  }

  it.scoped(
    "K07: after a day without Clerk nobody can tell any more",
    () =>
      withClerk({}, (found, clerk) =>
        Effect.gen(function* () {
          assert.isTrue(yield* knows(found, "ins_1"))
          clerk.failure = "error 500"
          yield* TestClock.adjust("23 hours")
          assert.isTrue(yield* knows(found, "ins_1"))
          yield* TestClock.adjust("61 minutes")
          assert.strictEqual((yield* Effect.flip(found.find("ins_1")))._tag, "AUTH_UNAVAILABLE")
          assert.isFalse(yield* found.isUsable)
        })
      ),
    120_000
  )

  it.scoped("K08: what is no signing key of a safe length is left out, and of two with one id the first counts", () =>
    withClerk(
      {
        keys: [
          published,
          { ...successor, kid: "ins_1" },
          jwkOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey, "ec"),
          { ...successor, kid: "enc", use: "enc" },
          jwkOf(makeKeys(512).publicKey, "short"),
          { ...successor, kid: 7 },
          { ...successor, kid: "broken", n: "!" },
          null,
          "text"
        ]
      },
      (found) =>
        Effect.gen(function* () {
          assert.strictEqual(Option.getOrThrow(yield* found.find("ins_1")).n, published.n)
          for (const kid of ["ec", "enc", "short", "7", "broken", "__proto__", "constructor"])
            assert.isFalse(yield* knows(found, kid), kid)
        })
    )
  )
})
