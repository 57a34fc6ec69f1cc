import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { RuleId } from "../../../src/domain/Ids.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { Events } from "../../../src/store/Events.ts"
import { ann, d } from "../../orders/kit/orders.ts"
import { temporaryFolder } from "../../kit/TestDatabase.ts"
import { buy, eventually, executions, held, is, life, makeRule, resting, stateOf, venue } from "./kit.ts"

const start = Effect.gen(function* () {
  const at = yield* venue
  yield* at.price(100_000)
  return { at, folder: yield* temporaryFolder }
})

const watched = { exit: { takeProfit: [{ gainPercent: "2", as: "watched" }] } }

const adjusted = Effect.flatMap(Events, (events) =>
  Effect.map(events.since(ann, 0, 500), (slice) =>
    slice.events.filter(({ type }) => type === "ledger.adjusted").map(({ objectId }) => objectId)
  )
)

/** What the rule's own orders wait to sell. */
const waiting = (id: RuleId) =>
  Effect.flatMap(Orders, (orders) =>
    Effect.map(orders.openOfRule(ann, id), (open) =>
      open
        .filter(({ side }) => side === "sell")
        .map(({ executedQuantity, quantity }) =>
          Decimal.format(Decimal.subtract(quantity ?? Decimal.zero, executedQuantity))
        )
    )
  )

const less = (quantity: string, by: string) => Decimal.format(Decimal.subtract(d(quantity), d(by)))

describe("coins of a rule that are sold elsewhere", () => {
  it.scopedLive("leave its book, are told to it, and are missing from what it sells", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          // Trades of the moment at which the ledger was opened count as part of what it opened with.
          yield* at.advance(1_000)
          const id = yield* makeRule(watched)
          yield* buy(id)
          const bought = yield* eventually("bought", held(id), (quantity) => quantity !== "0")
          yield* at.sell("0.0004")
          yield* eventually("the book", held(id), is(less(bought, "0.0004")))
          assert.deepStrictEqual(yield* adjusted, [id])
          yield* at.price(103_000)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
          assert.deepStrictEqual(yield* executions(id), ["entry 0 executed", "exit 1 executed"])
          assert.strictEqual(yield* held(id), "0")
        })
      )
    })
  )

  it.scopedLive("make a target smaller that waits at the venue, though they were another rule's", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          yield* at.advance(1_000)
          const first = yield* makeRule({ exit: { takeProfit: [{ gainPercent: "2" }] } })
          yield* buy(first)
          yield* eventually("the target rests", resting(first), (orders) => orders.length === 1)
          const second = yield* makeRule(watched)
          yield* buy(second)
          const [mine, other] = [yield* held(first), yield* held(second)]
          yield* at.sell("0.0004")
          const left = yield* eventually("its book", held(first), (quantity) => quantity !== mine)
          assert.notStrictEqual(yield* held(second), other)
          yield* eventually(
            "a smaller target",
            waiting(first),
            ([one]) => one !== undefined && Decimal.lessOrEqual(d(one), d(left))
          )
        })
      )
    })
  )
})
