import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { RulesRepo } from "../../src/autobuy/RulesRepo.ts"
import { makeRuleId } from "../../src/domain/Ids.ts"
import { reason } from "../../src/domain/Reason.ts"
import { Events } from "../../src/store/Events.ts"
import { FakeMarket } from "./kit/FakeMarket.ts"
import { FakeOrders } from "./kit/FakeOrders.ts"
import { storeRule } from "./kit/rules.ts"
import { passTime } from "./kit/time.ts"
import { alice } from "./kit/world.ts"
import { inOneLife, start } from "./lives.ts"

const told = (about: string) =>
  Effect.flatMap(Events, (events) => events.since(alice, 0, 500)).pipe(
    Effect.map((slice) => slice.events.filter(({ type }) => type.startsWith(about)))
  )

const dip = { trigger: { type: "price.level", side: "below", price: "90000" }, limits: { total: "1000" } }

describe("the owner of a rule is told", () => {
  it.effect("of its making, of each change of a firing, and of its end, each as it is then", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, { ...dip, limits: { total: "50" } })
        yield* market.tick(89_000)
        yield* start
        const rules = yield* told("rule.changed")
        assert.deepStrictEqual(
          rules.map(({ data }) => JSON.parse(data).state),
          ["active", "completed"]
        )
        const executions = yield* told("execution.changed")
        const seen = executions.map(({ data }) => JSON.parse(data)).map(({ outcome, state }) => [state, outcome])
        assert.deepStrictEqual(seen[0], ["running", null])
        assert.deepStrictEqual(seen.at(-1), ["done", "executed"])
      })
    )
  )

  it.effect("once when it skipped three times in a row, and again only after it bought", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, { ...dip, name: "Dip", maxPrice: "88000" })
        yield* market.tick(95_000)
        yield* start
        const dips = (price: number) =>
          Effect.zipRight(Effect.zipRight(market.tick(price), passTime("61 seconds")), market.tick(95_000))
        for (let i = 0; i < 5; i++) yield* dips(89_000)
        const notices = yield* told("notice.")
        assert.deepStrictEqual(
          notices.map(({ data, type }) => [type, JSON.parse(data).skips, JSON.parse(data).reason.code]),
          [["notice.skipsInARow", 3, "MAX_PRICE"]]
        )
        yield* dips(80_000)
        for (let i = 0; i < 3; i++) yield* dips(89_000)
        assert.strictEqual((yield* told("notice.")).length, 2)
      })
    )
  )

  it.effect("when a rule pauses by itself or is quarantined, and not when its owner pauses it", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const orders = yield* FakeOrders
        const rules = yield* RulesRepo
        const id = yield* makeRuleId()
        const other = yield* makeRuleId()
        yield* storeRule(id, { ...dip, onFailure: { maxConsecutive: 1, then: "pause" } })
        yield* storeRule(other)
        yield* orders.decideFate("noFill")
        yield* market.tick(89_000)
        yield* start
        yield* rules.setState(alice, other, ["active"], { state: "paused", reason: reason("BY_USER"), at: 0 })
        yield* rules.setState(alice, other, ["paused"], { state: "quarantined", reason: reason("CRASHED"), at: 0 })
        assert.deepStrictEqual(
          (yield* told("notice.")).map(({ data, type }) => [type, JSON.parse(data).ruleId]),
          [
            ["notice.rulePaused", id],
            ["notice.ruleQuarantined", other]
          ]
        )
      })
    )
  )
})
