import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Scope } from "effect"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import { type BudgetClass, type BudgetLimits, defaultLimits } from "../../src/mexc/budget/Pools.ts"
import { RateBudget } from "../../src/mexc/RateBudget.ts"
import { type Arrival, countedByPaper, worstWindow } from "./kit/arrivals.ts"
import { makeRandom, makeVirtualClock } from "./kit/virtualClock.ts"

const longestUplink = 1_500
const longestDownlink = 500
const limits: BudgetLimits = {
  ...defaultLimits,
  graceMs: longestUplink + longestDownlink,
  maxWaitMs: Number.POSITIVE_INFINITY
}

const classOf = (roll: number): BudgetClass => (roll < 0.3 ? "order" : roll < 0.6 ? "account" : "market")

/**
 * Two hundred requests, half in one burst, with random latency each way, a fifth of them failing and a fifth cancelled
 * at a random moment.
 */
const storm = (seed: number, settings: BudgetLimits) =>
  Effect.gen(function* () {
    const random = makeRandom(seed)
    const time = makeVirtualClock()
    const arrivals: Array<Arrival> = []
    return yield* Effect.gen(function* () {
      const scope = yield* Scope.make()
      const budget = Context.get(yield* Layer.buildWithScope(RateBudget.layer(settings), scope), RateBudget)
      const fibers: Array<Fiber.RuntimeFiber<unknown, unknown>> = []
      for (let i = 0; i < 200; i++) {
        const isOrder = random.next() < 0.3
        const user = `u${random.int(1, 5)}`
        const cost = isOrder ? 1 : random.int(1, 40)
        const budgetClass = isOrder ? ("order" as const) : classOf(random.next())
        const startAfter = i < 100 ? random.int(9_000, 9_990) : random.int(0, 30_000)
        const uplink = random.int(0, longestUplink)
        const downlink = random.int(0, longestDownlink)
        // Giving up on a request does not stop what has left already.
        const givesUpAfter = random.next() < 0.2 ? random.int(0, uplink) : longestUplink + longestDownlink + 1
        const send = Effect.suspend(() => {
          arrivals.push({ at: time.now() + uplink, cost, user, isOrder })
          return Effect.timeout(Effect.sleep(uplink + downlink), givesUpAfter)
        })
        const guarded = budget
          .withPermits({ cost, class: budgetClass, user, orderOperation: isOrder })(send)
          .pipe(Effect.delay(startAfter))
        const cancelAfter = random.next() < 0.2 ? startAfter + random.int(0, 12_000) : null
        fibers.push(yield* Effect.forkIn(cancelAfter === null ? guarded : Effect.timeout(guarded, cancelAfter), scope))
      }
      yield* time.advance(600_000)
      const unfinished = fibers.filter((fiber) => fiber.unsafePoll() === null).length
      const state = yield* budget.state("u1")
      yield* Scope.close(scope, Exit.void)
      return {
        unfinished,
        state,
        paper: countedByPaper(arrivals),
        weight: worstWindow(arrivals, 10_000, ({ cost }) => cost),
        requests: worstWindow(arrivals, 1_000, () => 1),
        orders: Math.max(
          ...["u1", "u2", "u3", "u4", "u5"].map((name) =>
            worstWindow(
              arrivals.filter(({ isOrder, user }) => isOrder && user === name),
              1_000,
              () => 1
            )
          )
        )
      }
    }).pipe(Effect.withClock(time.clock))
  })

describe("the rate budget, measured at a simulated venue", () => {
  it.live(
    "never exceeds any limit in any rolling window, by the paper exchange's count too, and everything is free again after the storm",
    () =>
      Effect.gen(function* () {
        for (let seed = 1; seed <= 110; seed++) {
          const seen = yield* storm(seed, limits)
          assert.isAtMost(seen.weight, 300, `weight in 10 s, seed ${seed}`)
          assert.isAtMost(seen.requests, 20, `requests in 1 s, seed ${seed}`)
          assert.isAtMost(seen.orders, 12, `orders of one account in 1 s, seed ${seed}`)
          assert.strictEqual(seen.paper.refusedByLimit, 0, `429 from the paper exchange, seed ${seed}`)
          assert.isAtMost(seen.paper.maxIpWeight, 300)
          assert.isAbove(seen.weight, 240, `the storm of seed ${seed} was too weak to show anything`)
          assert.strictEqual(seen.unfinished, 0, `hanging requests, seed ${seed}`)
          assert.deepStrictEqual(seen.state.waiting, { order: 0, account: 0, market: 0 })
          assert.strictEqual(seen.state.ip.weight.used + seen.state.ip.requests.used, 0, `still used, seed ${seed}`)
          assert.strictEqual(seen.state.user?.weight.used, 0)
        }
      }),
    120_000
  )

  it.live(
    "does exceed a limit when cancelled requests are not kept for a grace, so this test can fail",
    () =>
      Effect.gen(function* () {
        let exceeded = 0
        for (let seed = 1; seed <= 20; seed++) {
          const seen = yield* storm(seed, { ...limits, graceMs: 0 })
          if (seen.weight > 300 || seen.requests > 20) exceeded++
        }
        assert.isAbove(exceeded, 0)
      }),
    60_000
  )
})
