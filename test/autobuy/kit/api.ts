import { Effect, Either, Layer, Schema } from "effect"
import { RuleRecords } from "../../../src/autobuy/RuleRecords.ts"
import { Rules } from "../../../src/autobuy/Rules.ts"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import type { RuleId, UserId } from "../../../src/domain/Ids.ts"
import { RuleRequest } from "../../../src/domain/Rule.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { hashBody, Idempotency } from "../../../src/store/Idempotency.ts"
import { body } from "../../domain/rule/fixtures.ts"
import { FakeMarket } from "./FakeMarket.ts"
import { settleDown } from "./time.ts"
import { alice, engine } from "./world.ts"

/** The engine as its owners see it. */
export const app = Layer.mergeAll(Rules.layer({ maxRulesPerUser: 3 }), RuleRecords.layer).pipe(
  Layer.provide(Idempotency.layer),
  Layer.provide(Layer.mock(TickerHub, {})),
  Layer.provideMerge(engine()),
  Layer.orDie
)

let keys = 0

export const create = (
  changes: Readonly<Record<string, unknown>> = {},
  key = `key-${++keys}-0000000000`,
  user: UserId = alice
) =>
  Effect.gen(function* () {
    const json = body(changes)
    const request = Schema.decodeUnknownSync(RuleRequest)(json)
    return yield* (yield* Rules).create(user, request, { idempotencyKey: key, bodyHash: hashBody(json) })
  })

export const edit = (id: RuleId, version: number, changes: Readonly<Record<string, unknown>>) =>
  Effect.gen(function* () {
    const json = body(changes)
    const request = Schema.decodeUnknownSync(RuleRequest)(json)
    const key = { idempotencyKey: `key-${++keys}-0000000000`, bodyHash: hashBody(json) }
    return yield* (yield* Rules).update(alice, id, request, version, key)
  })

export const begin = Effect.gen(function* () {
  yield* (yield* FakeMarket).tick(100_000)
  yield* (yield* RuleSupervisor).start
  yield* settleDown
})

export const failure = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.either(effect), (result) => (Either.isLeft(result) ? result.left._tag : "no failure"))
