import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope, TestClock } from "effect"
import * as Context from "effect/Context"
import { appendFileSync, chmodSync, closeSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { BudgetMemory } from "../../../src/mexc/budget/BudgetMemory.ts"
import { type BudgetLimits, defaultLimits } from "../../../src/mexc/budget/Pools.ts"
import { RateBudget } from "../../../src/mexc/RateBudget.ts"
import { temporaryFolder } from "../../kit/Process.ts"
import { type Arrival, countedByPaper, worstWindow } from "../kit/arrivals.ts"
import { makeRandom, makeVirtualClock } from "../kit/virtualClock.ts"

const limits: BudgetLimits = { ...defaultLimits, requestsPerSecond: 1_000, maxWaitMs: 60_000 }

/** A run of the service on a folder. It ends as one that is killed does: what it would still have noted is lost. */
const runOn = Effect.fnUntraced(function* (folder: string, settings = limits) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (made) => Scope.close(made, Exit.void))
  const kept = Context.get(yield* Layer.buildWithScope(BudgetMemory.layerFile(folder), scope), BudgetMemory)
  let alive = true
  const whileAlive = (note: Effect.Effect<void>) => Effect.suspend(() => (alive ? note : Effect.void))
  const memory = Layer.succeed(BudgetMemory, {
    earlier: kept.earlier,
    granted: (...grant) => whileAlive(kept.granted(...grant)),
    replied: (...reply) => whileAlive(kept.replied(...reply)),
    paused: (at, until) => whileAlive(kept.paused(at, until))
  })
  const layer = Layer.provide(RateBudget.layer(settings), memory)
  const budget = Context.get(yield* Layer.buildWithScope(layer, scope), RateBudget)
  return { budget, kill: Effect.sync(() => (alive = false)) }
})

const market = { cost: 150, class: "market" } as const
const order = { cost: 200, class: "order", user: "a", orderOperation: true } as const

describe("what a run has spent", () => {
  it.scoped("counts for the next run, until its window is over", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* runOn(folder)
      yield* first.budget.withPermits(market)(Effect.void)
      yield* TestClock.adjust("3 seconds")
      yield* first.kill
      const { budget } = yield* runOn(folder)
      assert.strictEqual((yield* budget.state()).ip.weight.used, 150)
      const next = yield* Effect.fork(budget.withPermits(order)(Effect.void))
      yield* TestClock.adjust("7 seconds")
      assert.isNull(next.unsafePoll())
      yield* TestClock.adjust("1 seconds")
      assert.isNotNull(next.unsafePoll())
    })
  )

  it.scoped("counts with its grace where no reply had come", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* runOn(folder)
      yield* Effect.fork(first.budget.withPermits(market)(Effect.never))
      yield* Effect.yieldNow()
      yield* first.kill
      const { budget } = yield* runOn(folder)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* budget.state()).ip.weight.used, 150)
      yield* TestClock.adjust("2 millis")
      assert.strictEqual((yield* budget.state()).ip.weight.used, 0)
    })
  )

  it.scoped("counts for its account", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* runOn(folder)
      yield* first.budget.withPermits(order)(Effect.void)
      yield* first.kill
      const { user } = yield* (yield* runOn(folder)).budget.state("a")
      assert.deepStrictEqual([user?.weight.used, user?.orders.used], [200, 1])
    })
  )

  it.scoped("includes the pause the venue asked for", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* runOn(folder)
      yield* first.budget.pause(120_000)
      yield* TestClock.adjust("20 seconds")
      yield* first.kill
      const { budget } = yield* runOn(folder)
      const refused = yield* Effect.flip(budget.withPermits(order)(Effect.void))
      assert.strictEqual(refused.retryAfterMs, 100_000)
    })
  )

  it.scoped("is known although the last line was cut off", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* runOn(folder)
      yield* first.budget.withPermits(market)(Effect.void)
      yield* first.kill
      appendFileSync(join(folder, "venue-budget.jsonl"), '{"granted":[1,')
      assert.strictEqual((yield* (yield* runOn(folder)).budget.state()).ip.weight.used, 150)
    })
  )

  it.scoped("stops nobody after the clock was set back", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* TestClock.setTime(86_400_000)
      const first = yield* runOn(folder)
      yield* first.budget.withPermits(market)(Effect.void)
      yield* first.budget.pause(60_000)
      yield* first.kill
      yield* TestClock.setTime(0)
      const { budget } = yield* runOn(folder)
      assert.strictEqual((yield* budget.state()).ip.weight.used, 0)
      yield* budget.withPermits(order)(Effect.void)
    })
  )

  it.scoped("stays small, and what still counts is never turned away", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* TestClock.setTime(86_400_000)
      const long = '{"replied":[1,1],"at":1}\n'.repeat(39_990)
      writeFileSync(join(folder, "venue-budget.jsonl"), long)
      const { budget, kill } = yield* runOn(folder)
      for (let i = 0; i < 100; i++) yield* budget.withPermits({ cost: 1, class: "order" })(Effect.void)
      yield* kill
      assert.deepStrictEqual(readdirSync(folder).sort(), ["venue-budget.jsonl", "venue-budget.jsonl.before"])
      const { used } = (yield* (yield* runOn(folder)).budget.state()).ip.weight
      assert.strictEqual(used, 100)
    })
  )

  it.scoped("is not kept where nothing can be written, and nobody waits for that", () =>
    Effect.gen(function* () {
      const folder = join(yield* temporaryFolder, "file")
      writeFileSync(folder, "")
      chmodSync(folder, 0o400)
      const { budget } = yield* runOn(folder)
      yield* budget.withPermits(market)(Effect.void)
      assert.strictEqual((yield* budget.state()).ip.weight.used, 150)
    })
  )

  it.scoped("is not written any more after the stop, when the number of its file may be another's", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const scope = yield* Scope.make()
      const kept = Context.get(yield* Layer.buildWithScope(BudgetMemory.layerFile(folder), scope), BudgetMemory)
      yield* kept.granted(1, 0, market)
      yield* Scope.close(scope, Exit.void)
      const others = join(folder, "others")
      const descriptor = openSync(others, "w")
      yield* kept.replied(1, 1)
      closeSync(descriptor)
      assert.strictEqual(readFileSync(others, "utf8"), "")
    })
  )
})

const longestUplink = 1_500
const longestDownlink = 500

/** Requests of three users that come all the time, of a service that is killed every second or so; by what the venue sees. */
const killedOften = (seed: number, remembers: boolean) =>
  Effect.gen(function* () {
    const random = makeRandom(seed)
    const time = makeVirtualClock()
    const arrivals: Array<Arrival> = []
    yield* Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const settings = { ...defaultLimits, graceMs: longestUplink + longestDownlink }
      for (let run = 0; run < 12; run++) {
        const { budget, kill } = yield* runOn(remembers ? folder : join(folder, `${run}`), settings)
        const asking: Array<Fiber.RuntimeFiber<unknown, unknown>> = []
        for (let i = 0; i < 40; i++) {
          const isOrder = random.next() < 0.4
          const user = `u${random.int(1, 3)}`
          const cost = isOrder ? 1 : random.int(1, 25)
          const uplink = random.int(0, longestUplink)
          const replyAfter = uplink + random.int(0, longestDownlink)
          const send = Effect.suspend(() => {
            arrivals.push({ at: time.now() + uplink, cost, user, isOrder })
            return Effect.sleep(replyAfter)
          })
          const asked = budget.withPermits({ cost, class: "order", user, orderOperation: isOrder })(send)
          asking.push(yield* Effect.forkScoped(Effect.delay(Effect.ignore(asked), random.int(0, 800))))
        }
        yield* time.advance(random.int(300, 2_500))
        yield* kill
        yield* Fiber.interruptAll(asking)
      }
    }).pipe(Effect.withClock(time.clock))
    return {
      paper: countedByPaper(arrivals),
      orders: Math.max(
        ...["u1", "u2", "u3"].map((name) =>
          worstWindow(
            arrivals.filter(({ isOrder, user }) => isOrder && user === name),
            1_000,
            () => 1
          )
        )
      ),
      weight: worstWindow(arrivals, 10_000, ({ cost }) => cost),
      requests: worstWindow(arrivals, 1_000, () => 1)
    }
  })

describe("a service that is killed again and again", () => {
  it.scopedLive("stays within every limit of the venue", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 40; seed++) {
        const seen = yield* killedOften(seed, true)
        assert.isAtMost(seen.weight, 300, `weight in 10 s, seed ${seed}`)
        assert.isAtMost(seen.requests, 20, `requests in 1 s, seed ${seed}`)
        assert.isAtMost(seen.orders, 12, `orders of one account in 1 s, seed ${seed}`)
        assert.strictEqual(seen.paper.refusedByLimit, 0, `429, seed ${seed}`)
        assert.isAbove(seen.weight, 200, `the storm of seed ${seed} was too weak to show anything`)
      }
    })
  )

  it.scopedLive("would be over them if it forgot, so this test can fail", () =>
    Effect.gen(function* () {
      const seen = yield* Effect.forEach([1, 2, 3, 4, 5], (seed) => killedOften(seed, false))
      assert.isAbove(Math.max(...seen.map(({ weight }) => weight)), 300)
    })
  )
})
