import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ExecutionsRepo } from "../../src/autobuy/ExecutionsRepo.ts"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import { makeRuleId } from "../../src/domain/Ids.ts"
import { FakeMarket } from "./kit/FakeMarket.ts"
import { FakeOrders } from "./kit/FakeOrders.ts"
import { outcomes, storeRule } from "./kit/rules.ts"
import { settleDown } from "./kit/time.ts"
import { alice, engine } from "./kit/world.ts"

const dip = {
  trigger: { type: "price.level", side: "below", price: "90000" },
  gates: [{ type: "maxSpread", bps: 50 }]
}

describe("a rule in a market that lost a side", () => {
  for (const side of ["ask", "bid"] as const)
    it.effect(`sees the trade, and says that there is no ${side} instead of buying`, () =>
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, dip)
        yield* market.tick(95_000)
        yield* Effect.zipRight((yield* RuleSupervisor).start, settleDown)
        yield* market.lose(side)
        yield* market.tick(89_000)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped GATE_STALE"])
        const [decision] = yield* (yield* ExecutionsRepo).decisions(alice, id, { limit: 1, before: null })
        assert.strictEqual(decision?.record.gates[0]?.value, `no ${side}`)
        assert.include(decision?.record.reason?.text, `no ${side}`)
        assert.deepStrictEqual(yield* (yield* FakeOrders).placed, [])
      }).pipe(Effect.scoped, Effect.provide(engine()))
    )
})
