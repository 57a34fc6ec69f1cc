import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Events } from "../../../src/store/Events.ts"
import { Rules } from "../../../src/autobuy/Rules.ts"
import { ann } from "../../orders/kit/orders.ts"
import { temporaryFolder } from "../../kit/TestDatabase.ts"
import { buy, eventually, executions, held, is, life, makeRule, resting, stateOf, venue } from "./kit.ts"

const start = Effect.gen(function* () {
  const at = yield* venue
  yield* at.price(100_000)
  return { at, folder: yield* temporaryFolder }
})

const protectedBuy = {
  exit: {
    takeProfit: [{ gainPercent: "10" }],
    stopLoss: { lossPercent: "5" },
    execution: { maxSlippageBps: 50, escalate: { every: "PT10S", stepBps: 50, maxBps: 200 } }
  }
}

const notices = Effect.flatMap(Events, (events) =>
  Effect.map(events.since(ann, 0, 500), (slice) =>
    slice.events.filter(({ type }) => type === "notice.stopFired").map(({ type }) => type)
  )
)

describe("a stop", () => {
  it.scopedLive("cancels the resting target, sells everything once, and tells the owner once", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule(protectedBuy)
          yield* buy(id)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          yield* at.price(94_000)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
          assert.deepStrictEqual(yield* executions(id), ["entry 0 executed", "exit 1 failed", "exit 0 executed"])
          assert.strictEqual(yield* held(id), "0")
          assert.deepStrictEqual(yield* resting(id), [])
          assert.strictEqual((yield* notices).length, 1)
        })
      )
    })
  )

  it.scopedLive("that finds buyers for a part only sells the rest, lower, after a while", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule(protectedBuy)
          yield* buy(id)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          yield* at.fault("partialFill", { fraction: "0.4" })
          yield* at.price(94_000)
          yield* eventually("a part", executions(id), (all) => all.includes("exit 0 executed"))
          assert.notStrictEqual(yield* held(id), "0")
          yield* at.advance(9_000)
          assert.strictEqual((yield* executions(id)).filter((one) => one.startsWith("exit 0")).length, 1)
          yield* at.advance(2_000)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
          assert.strictEqual((yield* executions(id)).filter((one) => one === "exit 0 executed").length, 2)
          assert.strictEqual(yield* held(id), "0")
        })
      )
    })
  )

  it.scopedLive("that was passed while the service was away sells once at the present price", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      const id = yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule(protectedBuy)
          yield* buy(id)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          return id
        })
      )
      yield* at.price(90_000)
      yield* at.advance(3_600_000)
      yield* life(folder, at, eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE")))
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* executions(id), ["entry 0 executed", "exit 1 failed", "exit 0 executed"])
          assert.strictEqual(yield* held(id), "0")
        })
      )
    })
  )

  it.scopedLive("that trails remembers its high over a restart", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      const id = yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({ exit: { trailing: { armPercent: "2", deltaPercent: "1" } } })
          yield* buy(id)
          yield* eventually("the position", held(id), (quantity) => quantity !== "0")
          yield* at.price(101_000)
          yield* at.price(110_000)
          const rules = yield* Rules
          yield* eventually("armed", rules.get(ann, id), ({ computed }) => computed.trailing?.armed === true)
          return id
        })
      )
      yield* at.price(109_000)
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          yield* Effect.sleep("300 millis")
          assert.deepStrictEqual(yield* executions(id), ["entry 0 executed"])
          yield* at.price(108_800)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
          assert.strictEqual((yield* notices).length, 1)
        })
      )
    })
  )
})
