import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import { RuleTransfer } from "../../../src/autobuy/transfer/RuleTransfer.ts"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import { storeRule } from "../kit/rules.ts"
import { settleDown } from "../kit/time.ts"
import { alice, bob, world } from "../kit/world.ts"

const transfer = RuleTransfer.layer({ maxRulesPerUser: 5 }).pipe(Layer.provideMerge(Layer.suspend(() => world())))

const ladder = {
  name: "Ladder",
  trigger: { type: "price.level", side: "below", price: "90000" },
  size: { type: "quote", amount: "50" },
  execution: { type: "limit", offsetPercent: "0.5", ttl: "PT10M", onTimeout: "reprice" },
  gates: [{ type: "timeWindow", from: "09:00", to: "17:00" }],
  timezone: "Europe/Berlin",
  ladder: { count: 3, stepPercent: "2" },
  limits: { total: "1000" }
}

const rulesOf = (user: typeof alice) =>
  Effect.flatMap(RulesRepo, (rules) => rules.list(user, { limit: 100, before: null }))

describe("rules as a file", () => {
  it.effect("arrive at another user as drafts with the same documents, and only once", () =>
    Effect.gen(function* () {
      const { exportRules, importRules } = yield* RuleTransfer
      yield* Effect.flatMap(makeRuleId(), (id) => storeRule(id, ladder))
      yield* Effect.flatMap(makeRuleId(), (id) => storeRule(id, { name: "Plain" }, "paused"))
      yield* Effect.flatMap(makeRuleId(), (id) => storeRule(id, {}, "archived"))
      const file = yield* exportRules(alice)
      assert.deepStrictEqual(yield* importRules(bob, file), { imported: 2, alreadyThere: 0 })
      const arrived = yield* rulesOf(bob)
      assert.deepStrictEqual(
        arrived.map(({ pause_reason, state }) => [state, pause_reason?.code]),
        [
          ["draft", "IMPORTED"],
          ["draft", "IMPORTED"]
        ]
      )
      const mine = yield* rulesOf(alice)
      assert.sameDeepMembers(
        arrived.map(({ document }) => document.name),
        mine.map(({ document }) => document.name)
      )
      assert.strictEqual(yield* exportRules(bob), (yield* exportRules(bob)).trim())
      assert.deepStrictEqual(yield* importRules(bob, file), { imported: 0, alreadyThere: 2 })
      assert.deepStrictEqual(yield* importRules(alice, file), { imported: 0, alreadyThere: 2 })
      yield* settleDown
    }).pipe(Effect.scoped, Effect.provide(transfer))
  )

  it.effect("with one fault import nothing, and say what and where", () =>
    Effect.gen(function* () {
      const { importRules } = yield* RuleTransfer
      const good = {
        document: {
          symbol: "BTCUSDT",
          trigger: { type: "manual" },
          size: { type: "quote", amount: "5" },
          limits: { total: "50" }
        }
      }
      const file = (rules: ReadonlyArray<unknown>) => JSON.stringify({ format: "dipper.rules", version: 1, rules })
      const fault = (rules: ReadonlyArray<unknown>) => Effect.flip(importRules(alice, file(rules)))
      const unknownField = yield* fault([good, { document: { ...good.document, amount: "5" } }])
      assert.match(unknownField.message, /nothing was imported: rules\.1\.document/)
      const noLimit = yield* fault([good, { document: { ...good.document, limits: {} } }])
      assert.match(noLimit.message, /rules\.1\.document\.limits/)
      assert.strictEqual((yield* Effect.flip(importRules(alice, "[]")))._tag, "VALIDATION_FAILED")
      const many = Array.from({ length: 6 }, (_, i) => ({ document: { ...good.document, name: `${i}` } }))
      assert.strictEqual((yield* fault(many))._tag, "QUOTA_EXCEEDED")
      assert.deepStrictEqual(yield* rulesOf(alice), [])
      assert.deepStrictEqual(yield* importRules(alice, file([good, good])), { imported: 1, alreadyThere: 1 })
    }).pipe(Effect.scoped, Effect.provide(transfer))
  )
})
