import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Ref, TestClock } from "effect"
import { Cache } from "../../src/store/Cache.ts"

/** Counts its loads; the outcome of the n-th is `outcome(n)`. */
const counted = Effect.fn(function* <A, E>(outcome: (load: number) => Effect.Effect<A, E>) {
  const loads = yield* Ref.make(0)
  return {
    loads,
    load: () =>
      Effect.flatMap(
        Ref.updateAndGet(loads, (n) => n + 1),
        outcome
      )
  }
})

describe("Cache", () => {
  it.effect("loads once within the kind's lifetime and again after it", () =>
    Effect.gen(function* () {
      const { loads, load } = yield* counted(Effect.succeed)
      const prices = yield* (yield* Cache).open({
        kind: "prices",
        capacity: 10,
        nameOf: String,
        lifetime: "2 seconds",
        load
      })
      assert.deepStrictEqual(yield* prices.get("BTCUSDT"), { value: 1, cached: false })
      yield* TestClock.adjust("1999 millis")
      assert.deepStrictEqual(yield* prices.get("BTCUSDT"), { value: 1, cached: true })
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* prices.get("BTCUSDT"), { value: 2, cached: false })
      assert.strictEqual(yield* loads, 2)
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.effect("gives each kind, and each value, its own lifetime", () =>
    Effect.gen(function* () {
      const cache = yield* Cache
      const long = yield* cache.open({
        kind: "long",
        capacity: 10,
        nameOf: String,
        lifetime: "1 hour",
        load: () => Effect.succeed("x")
      })
      const byValue = yield* cache.open({
        kind: "by value",
        capacity: 10,
        nameOf: (key: string) => key,
        lifetime: (closed: boolean) => (closed ? "1 hour" : "1 second"),
        load: (key: string) => Effect.succeed(key === "closed")
      })
      yield* Effect.all([long.get(1), byValue.get("closed"), byValue.get("running")])
      yield* TestClock.adjust("10 seconds")
      assert.isTrue((yield* long.get(1)).cached)
      assert.isTrue((yield* byValue.get("closed")).cached)
      assert.isFalse((yield* byValue.get("running")).cached)
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.effect("asks once for all who ask at the same time", () =>
    Effect.gen(function* () {
      const { loads, load } = yield* counted((n) => Effect.delay(Effect.succeed(n), "1 second"))
      const books = yield* (yield* Cache).open({
        kind: "books",
        capacity: 10,
        nameOf: String,
        lifetime: "1 minute",
        load
      })
      const readers = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 50 }, () => books.get("BTCUSDT")),
          { concurrency: 50 }
        )
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(new Set((yield* Fiber.join(readers)).map(({ value }) => value)), new Set([1]))
      assert.strictEqual(yield* loads, 1)
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.effect("goes on loading for the others when the first who asked goes away", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<string>()
      const { loads, load } = yield* counted(() => Deferred.await(answer))
      const books = yield* (yield* Cache).open({
        kind: "books",
        capacity: 10,
        nameOf: String,
        lifetime: "1 minute",
        load
      })
      const first = yield* Effect.fork(books.get("BTCUSDT"))
      yield* Effect.yieldNow()
      const second = yield* Effect.fork(books.get("BTCUSDT"))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(answer, "book")
      assert.strictEqual((yield* Fiber.join(second)).value, "book")
      assert.strictEqual(yield* loads, 1)
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.effect("does not remember a failure, but shares it with those who waited", () =>
    Effect.gen(function* () {
      const { loads, load } = yield* counted((n) =>
        n === 1 ? Effect.delay(Effect.fail("venue down"), "1 second") : Effect.succeed(n)
      )
      const books = yield* (yield* Cache).open({
        kind: "books",
        capacity: 10,
        nameOf: String,
        lifetime: "1 minute",
        load
      })
      const waiting = yield* Effect.fork(
        Effect.all([Effect.flip(books.get(1)), Effect.flip(books.get(1))], { concurrency: 2 })
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["venue down", "venue down"])
      assert.deepStrictEqual(yield* books.get(1), { value: 2, cached: false })
      assert.strictEqual(yield* loads, 2)
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.effect("keeps no more than the kind's capacity and drops what was read longest ago", () =>
    Effect.gen(function* () {
      const cache = yield* Cache
      const { load } = yield* counted(Effect.succeed)
      const books = yield* cache.open({ kind: "books", capacity: 2, nameOf: String, lifetime: "1 hour", load })
      yield* books.get("a")
      yield* books.get("b")
      yield* books.get("a")
      yield* books.get("c")
      assert.isTrue((yield* books.get("a")).cached)
      assert.isFalse((yield* books.get("b")).cached)
      assert.deepStrictEqual(yield* cache.use, [{ kind: "books", entries: 2, hits: 2, misses: 4 }])
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.effect("takes keys of one name for the same, and forgets one when told", () =>
    Effect.gen(function* () {
      const { load } = yield* counted(Effect.succeed)
      const books = yield* (yield* Cache).open({
        kind: "books",
        capacity: 5,
        lifetime: "1 hour",
        nameOf: ({ symbol, depth }: { readonly symbol: string; readonly depth: number }) => `${symbol} ${depth}`,
        load
      })
      yield* books.get({ symbol: "BTCUSDT", depth: 20 })
      assert.isTrue((yield* books.get({ symbol: "BTCUSDT", depth: 20 })).cached)
      assert.isFalse((yield* books.get({ symbol: "BTCUSDT", depth: 5 })).cached)
      yield* books.invalidate({ symbol: "BTCUSDT", depth: 20 })
      assert.isFalse((yield* books.get({ symbol: "BTCUSDT", depth: 20 })).cached)
    }).pipe(Effect.provide(Cache.layerMemory))
  )
})
