import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Ref, TestClock } from "effect"
import { type BudgetClass, defaultLimits } from "../../src/mexc/budget/Pools.ts"
import { RateBudget } from "../../src/mexc/RateBudget.ts"
import { longTimeout } from "../../src/mexc/Transport.ts"

const withBudget = <A, E>(
  test: (budget: typeof RateBudget.Service) => Effect.Effect<A, E>,
  limits = { ...defaultLimits, requestsPerSecond: 1_000, maxWaitMs: 60_000 }
) => Effect.flatMap(RateBudget, test).pipe(Effect.provide(RateBudget.layer(limits)))

const isDone = (fiber: Fiber.RuntimeFiber<unknown, unknown>) => fiber.unsafePoll() !== null

describe("the rate budget", () => {
  it("keeps a failed request as long as the longest of them may be under way", () => {
    assert.isAtLeast(defaultLimits.graceMs, Duration.toMillis(longTimeout))
  })

  it.effect("lets an order through at once when market refreshes have filled their share", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        const refresh = budget.withPermits({ cost: 30, class: "market" })(Effect.void)
        const refreshes = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.fork(refresh))
        yield* TestClock.adjust(1)
        assert.strictEqual(refreshes.filter(isDone).length, 6)
        assert.strictEqual((yield* budget.state()).ip.weight.used, 180)
        const order = yield* Effect.fork(budget.withPermits({ cost: 100, class: "order", user: "u" })(Effect.void))
        yield* TestClock.adjust(1)
        assert.isTrue(isDone(order))
        assert.strictEqual((yield* budget.state()).waiting.market, 2)
        yield* TestClock.adjust("11 seconds")
        assert.isTrue(refreshes.every(isDone))
      })
    )
  )

  it.effect("lets nobody overtake a waiting higher class", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        yield* budget.withPermits({ cost: 290, class: "order", user: "a" })(Effect.void)
        const order = yield* Effect.fork(budget.withPermits({ cost: 20, class: "order", user: "b" })(Effect.void))
        yield* TestClock.adjust(1)
        const cheap = yield* Effect.fork(budget.withPermits({ cost: 1, class: "order", user: "c" })(Effect.void))
        const market = yield* Effect.fork(budget.withPermits({ cost: 1, class: "market" })(Effect.void))
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual([order, cheap, market].map(isDone), [false, false, false])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([order, cheap, market].map(isDone), [true, true, true])
      })
    )
  )

  for (const [busy, other] of [
    ["account", "market"],
    ["market", "account"]
  ] as const)
    it.effect(`keeps room for the ${other} however much is asked of the ${busy}`, () =>
      withBudget((budget) =>
        Effect.gen(function* () {
          const ask = (name: BudgetClass) =>
            Effect.fork(budget.withPermits({ cost: 10, class: name, user: "a" })(Effect.void))
          const burst = yield* Effect.forEach(Array.from({ length: 40 }), () => ask(busy))
          yield* TestClock.adjust(1)
          assert.strictEqual(burst.filter(isDone).length, 18)
          const others = yield* Effect.forEach(Array.from({ length: 7 }), () => ask(other))
          yield* TestClock.adjust(1)
          assert.strictEqual(others.filter(isDone).length, 6)
          assert.strictEqual((yield* budget.state()).ip.weight.used, 240)
        })
      )
    )

  it.effect("serves users of a class in turn", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        const served = yield* Ref.make<ReadonlyArray<string>>([])
        yield* budget.withPermits({ cost: 180, class: "account", user: "z" })(Effect.void)
        const ask = (user: string) =>
          Effect.fork(
            budget.withPermits({ cost: 60, class: "account", user })(Ref.update(served, (list) => [...list, user]))
          )
        for (let i = 0; i < 6; i++) yield* ask("busy")
        yield* TestClock.adjust(1)
        yield* ask("quiet")
        yield* TestClock.adjust("11 seconds")
        assert.deepStrictEqual((yield* Ref.get(served)).slice(0, 2), ["busy", "quiet"])
      })
    )
  )

  it.effect("keeps a user who used up its own orders from holding up the others", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        const order = (user: string) =>
          Effect.fork(budget.withPermits({ cost: 1, class: "order", user, orderOperation: true })(Effect.void))
        const first = yield* Effect.forEach(Array.from({ length: 13 }), () => order("busy"))
        yield* TestClock.adjust(1)
        assert.strictEqual(first.filter(isDone).length, 12)
        const other = yield* order("other")
        const market = yield* Effect.fork(budget.withPermits({ cost: 1, class: "market" })(Effect.void))
        yield* TestClock.adjust(1)
        assert.deepStrictEqual([other, market].map(isDone), [true, true])
        yield* TestClock.adjust("1 second")
        assert.isTrue(first.every(isDone))
      })
    )
  )

  it.effect("holds a request's weight until ten seconds after its reply", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        const reply = yield* Deferred.make<void>()
        yield* Effect.fork(budget.withPermits({ cost: 300, class: "order", user: "a" })(Deferred.await(reply)))
        const next = yield* Effect.fork(budget.withPermits({ cost: 1, class: "order", user: "a" })(Effect.void))
        yield* TestClock.adjust("8 seconds")
        yield* Deferred.succeed(reply, undefined)
        yield* TestClock.adjust("9999 millis")
        assert.isFalse(isDone(next))
        yield* TestClock.adjust("10 millis")
        assert.isTrue(isDone(next))
      })
    )
  )

  it.effect("grants nothing during a pause, and takes the longest of overlapping pauses", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        yield* budget.pause(7_000)
        yield* budget.pause(2_000)
        const classes: ReadonlyArray<BudgetClass> = ["order", "account", "market"]
        const fibers = yield* Effect.forEach(classes, (name) =>
          Effect.fork(budget.withPermits({ cost: 1, class: name, user: "a" })(Effect.void))
        )
        yield* TestClock.adjust("6999 millis")
        assert.deepStrictEqual(fibers.map(isDone), [false, false, false])
        assert.deepStrictEqual((yield* budget.state()).waiting, { order: 1, account: 1, market: 1 })
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(fibers.map(isDone), [true, true, true])
        assert.isNull((yield* budget.state()).pausedUntil)
      })
    )
  )

  it.effect("refuses at once what costs more than its class may ever use", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(budget.withPermits({ cost: 181, class: "market" })(Effect.void))
        assert.isTrue(Exit.isFailure(exit))
        assert.strictEqual((yield* budget.state()).waiting.market, 0)
      })
    )
  )

  it.effect("tells a caller to come back instead of letting it wait through a long ban", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        yield* budget.pause(120_000)
        const error = yield* Effect.flip(budget.withPermits({ cost: 1, class: "order", user: "a" })(Effect.void))
        assert.strictEqual(error._tag, "BudgetUnavailable")
        assert.strictEqual(error.retryAfterMs, 120_000)
      })
    )
  )

  it.effect("gives up waiting after its limit, with nothing sent", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        const sent = yield* Ref.make(0)
        yield* Effect.fork(budget.withPermits({ cost: 300, class: "order", user: "a" })(Effect.never))
        const late = yield* Effect.fork(
          Effect.flip(budget.withPermits({ cost: 1, class: "order", user: "a" })(Ref.update(sent, (n) => n + 1)))
        )
        yield* TestClock.adjust("60 seconds")
        assert.strictEqual((yield* Fiber.join(late))._tag, "BudgetUnavailable")
        assert.strictEqual(yield* Ref.get(sent), 0)
        assert.strictEqual((yield* budget.state()).waiting.order, 0)
      })
    )
  )

  it.effect("forgets cancelled waiters, so the next caller does not pay for them", () =>
    withBudget((budget) =>
      Effect.gen(function* () {
        yield* budget.withPermits({ cost: 300, class: "order", user: "a" })(Effect.void)
        const waiters = yield* Effect.forEach(Array.from({ length: 50 }), () =>
          Effect.fork(budget.withPermits({ cost: 40, class: "order", user: "a" })(Effect.void))
        )
        yield* TestClock.adjust(1)
        yield* Fiber.interruptAll(waiters)
        const next = yield* Effect.fork(budget.withPermits({ cost: 40, class: "order", user: "a" })(Effect.void))
        yield* TestClock.adjust("10001 millis")
        assert.isTrue(isDone(next))
      })
    )
  )
})
