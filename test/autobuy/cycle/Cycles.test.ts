import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../../kit/TestDatabase.ts"
import { buy, eventually, executions, held, is, life, makeRule, resting, stateOf, venue } from "./kit.ts"

const start = Effect.gen(function* () {
  const at = yield* venue
  yield* at.price(100_000)
  return { at, folder: yield* temporaryFolder }
})

describe("a ladder of levels with a target", () => {
  it.scopedLive("buys below, sells everything at the target, and completes the rule", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({
            ladder: { count: 2, stepPercent: "1", sizeScale: "2" },
            exit: { takeProfit: [{ gainPercent: "3" }] }
          })
          yield* buy(id)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          yield* at.price(98_900)
          yield* eventually("the level", executions(id), (all) => all.includes("level 1 executed"))
          yield* eventually(
            "one target for all",
            executions(id),
            (all) => all.filter((one) => one === "exit 1 running").length === 1
          )
          yield* at.price(103_000)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
          assert.strictEqual(yield* held(id), "0")
          assert.deepStrictEqual(yield* executions(id), [
            "entry 0 executed",
            "exit 1 failed",
            "level 1 executed",
            "exit 1 executed"
          ])
        })
      )
    })
  )
})
