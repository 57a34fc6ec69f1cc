import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Schema } from "effect"
import { RuleRequest } from "../../src/domain/Rule.ts"
import { RuleRecords } from "../../src/autobuy/RuleRecords.ts"
import { Rules } from "../../src/autobuy/Rules.ts"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import { body } from "../domain/rule/fixtures.ts"
import { app, begin, create, edit, failure } from "./kit/api.ts"
import { FakeMarket } from "./kit/FakeMarket.ts"
import { FakeOrders } from "./kit/FakeOrders.ts"
import { passTime, settleDown } from "./kit/time.ts"
import { alice, bob } from "./kit/world.ts"

const dip = { trigger: { type: "price.level", side: "below", price: "95761" } }

describe("creating a rule", () => {
  it.scoped("answers it with every default and what it waits for, and runs it", () =>
    Effect.gen(function* () {
      yield* begin
      const { replayed, rule } = yield* create(dip)
      assert.deepStrictEqual([replayed, rule.version, rule.state, rule.limits.perDay], [false, 1, "active", null])
      assert.strictEqual(rule.computed.next?.text, "buys when BTCUSDT falls to 95,761.0 or below")
      assert.strictEqual(rule.computed.next?.awayPercent, -4.239)
      assert.strictEqual((yield* (yield* RuleSupervisor).status).fibers, 1)
    }).pipe(Effect.provide(app))
  )

  it.scoped("tells the next five runs in the rule's zone", () =>
    Effect.gen(function* () {
      yield* begin
      const trigger = { type: "schedule.calendar", on: { type: "weekly", days: ["monday"] }, at: ["09:00"] }
      const { rule } = yield* create({ trigger, timezone: "Europe/Berlin" })
      assert.strictEqual(rule.computed.nextRuns.length, 5)
      assert.strictEqual(rule.computed.next?.text, "next run Monday 1970-01-05 09:00 Europe/Berlin")
    }).pipe(Effect.provide(app))
  )

  it.scoped("twice with one key makes one rule and the same answer", () =>
    Effect.gen(function* () {
      yield* begin
      const first = yield* create(dip, "a-key-of-my-own-1")
      const again = yield* create(dip, "a-key-of-my-own-1")
      assert.isTrue(again.replayed)
      assert.deepStrictEqual(again.rule, first.rule)
      assert.strictEqual(
        yield* failure(create({ ...dip, name: "other" }, "a-key-of-my-own-1")),
        "IDEMPOTENCY_KEY_REUSED"
      )
      assert.strictEqual((yield* (yield* Rules).list(alice, { limit: 50 })).items.length, 1)
    }).pipe(Effect.provide(app))
  )

  it.scoped("that cannot work stores nothing, and the key may be used again", () =>
    Effect.gen(function* () {
      yield* begin
      const refused = yield* Effect.either(create({ limits: {}, timezone: "x" }, "a-key-of-my-own-2"))
      assert.isTrue(Either.isLeft(refused))
      if (Either.isLeft(refused) && refused.left._tag === "VALIDATION_FAILED")
        assert.deepStrictEqual(
          refused.left.details?.map(({ path }) => path),
          ["timezone", "limits"]
        )
      assert.strictEqual(yield* failure(create({ symbol: "NOSUCHUSDT" })), "VALIDATION_FAILED")
      assert.deepStrictEqual((yield* (yield* Rules).list(alice, { limit: 50 })).items, [])
      yield* create({ timezone: "UTC" }, "a-key-of-my-own-2")
    }).pipe(Effect.provide(app))
  )

  it.scoped("beyond the quota is refused", () =>
    Effect.gen(function* () {
      yield* begin
      for (let i = 0; i < 3; i++) yield* create()
      assert.strictEqual(yield* failure(create()), "QUOTA_EXCEEDED")
      yield* create({}, "somebody-elses-key", bob)
    }).pipe(Effect.provide(app))
  )
})

it.scoped("another user's rule is not there", () =>
  Effect.gen(function* () {
    yield* begin
    const rules = yield* Rules
    const records = yield* RuleRecords
    const { id } = (yield* create()).rule
    const run = { idempotencyKey: "a-key-of-my-own-3" }
    const asks: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
      rules.get(bob, id),
      rules.pause(bob, id),
      rules.resume(bob, id),
      rules.archive(bob, id),
      rules.run(bob, id, run),
      records.executionsOf(bob, id, { limit: 1 }),
      records.decisionsOf(bob, id, { limit: 1 }),
      records.explain(bob, id),
      records.position(bob, id)
    ]
    for (const asked of asks) assert.strictEqual(yield* failure(asked), "NOT_FOUND")
    assert.deepStrictEqual((yield* rules.list(bob, { limit: 50 })).items, [])
    const { execution } = yield* rules.run(alice, id, run)
    assert.strictEqual(yield* failure(records.execution(bob, execution.id)), "NOT_FOUND")
    assert.deepStrictEqual((yield* records.executions(bob, { limit: 50 })).items, [])
  }).pipe(Effect.provide(app))
)

describe("changing a rule", () => {
  it.scoped("makes a new version, and refuses one made from an old version", () =>
    Effect.gen(function* () {
      yield* begin
      const { id } = (yield* create(dip)).rule
      const { rule } = yield* edit(id, 1, { ...dip, name: "renamed" })
      assert.deepStrictEqual([rule.version, rule.name], [2, "renamed"])
      assert.strictEqual(yield* failure(edit(id, 1, dip)), "VERSION_MISMATCH")
      assert.strictEqual(yield* failure(edit(id, 2, { ...dip, symbol: "ETHUSDT" })), "VALIDATION_FAILED")
    }).pipe(Effect.provide(app))
  )
})

it.scoped("a completed schedule that is started again does not make up for the time in between", () =>
  Effect.gen(function* () {
    yield* begin
    const orders = yield* FakeOrders
    const rules = yield* Rules
    const hourly = {
      trigger: { type: "schedule.every", every: "PT1H", anchor: "1970-01-01T00:00:00Z" },
      onMissedRun: { type: "runOnce", maxLate: "PT12H" }
    }
    const limits = { total: "1000", maxExecutions: 1 }
    const { id } = (yield* create({ ...hourly, limits })).rule
    yield* passTime("1 hour")
    assert.strictEqual((yield* rules.get(alice, id)).state, "completed")
    yield* passTime("150 minutes")
    yield* edit(id, 1, { ...hourly, limits: { total: "1000", maxExecutions: 2 }, state: "active" })
    yield* settleDown
    assert.strictEqual((yield* orders.placed).length, 1)
    yield* passTime("30 minutes")
    assert.strictEqual((yield* orders.placed).length, 2)
  }).pipe(Effect.provide(app))
)

describe("the states of a rule", () => {
  it.scoped("paused it does not buy; resumed it does", () =>
    Effect.gen(function* () {
      yield* begin
      const rules = yield* Rules
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const { id } = (yield* create(dip)).rule
      const paused = yield* rules.pause(alice, id)
      assert.deepStrictEqual(
        [paused.state, paused.pauseReason?.code, paused.computed.next],
        ["paused", "BY_USER", null]
      )
      yield* market.tick(90_000)
      assert.strictEqual(yield* failure(rules.run(alice, id, { idempotencyKey: "a-key-of-my-own-4" })), "CONFLICT")
      assert.deepStrictEqual(yield* orders.placed, [])
      assert.strictEqual((yield* rules.resume(alice, id)).state, "active")
      yield* settleDown
      assert.strictEqual((yield* orders.placed).length, 1)
    }).pipe(Effect.provide(app))
  )

  it.scoped("a draft waits until it is resumed, an archived rule is kept and never runs", () =>
    Effect.gen(function* () {
      yield* begin
      const rules = yield* Rules
      const { id } = (yield* create({ ...dip, state: "draft" })).rule
      assert.strictEqual((yield* (yield* RuleSupervisor).status).fibers, 0)
      assert.strictEqual((yield* rules.resume(alice, id)).state, "active")
      assert.strictEqual((yield* rules.archive(alice, id)).state, "archived")
      assert.strictEqual((yield* (yield* RuleSupervisor).status).fibers, 0)
      assert.deepStrictEqual((yield* rules.list(alice, { limit: 50 })).items, [])
      const kept = yield* rules.list(alice, { limit: 50, state: "archived" })
      assert.deepStrictEqual(
        kept.items.map((rule) => rule.id),
        [id]
      )
      assert.strictEqual(yield* failure(rules.resume(alice, id)), "CONFLICT")
      assert.strictEqual(yield* failure(edit(id, 1, dip)), "CONFLICT")
    }).pipe(Effect.provide(app))
  )
})

describe("running a rule by hand", () => {
  it.scoped("obeys its limits, and one key is one firing", () =>
    Effect.gen(function* () {
      yield* begin
      const rules = yield* Rules
      const orders = yield* FakeOrders
      const { id } = (yield* create({ limits: { perDay: "60" } })).rule
      const first = yield* rules.run(alice, id, { idempotencyKey: "a-key-of-my-own-5" })
      assert.strictEqual(first.execution.outcome, "executed")
      const again = yield* rules.run(alice, id, { idempotencyKey: "a-key-of-my-own-5" })
      assert.deepStrictEqual([again.replayed, again.execution.id], [true, first.execution.id])
      const other = yield* rules.run(alice, id, { idempotencyKey: "a-key-of-my-own-6" })
      assert.deepStrictEqual([other.execution.outcome, other.execution.reason?.code], ["skipped", "CAP_DAY"])
      assert.strictEqual((yield* orders.placed).length, 1)
    }).pipe(Effect.provide(app))
  )

  it.scoped("many at once never spend more than the limit", () =>
    Effect.gen(function* () {
      yield* begin
      const rules = yield* Rules
      const orders = yield* FakeOrders
      const { id } = (yield* create({ limits: { perDay: "120" } })).rule
      const ran = yield* Effect.all(
        Array.from({ length: 8 }, (_, i) => rules.run(alice, id, { idempotencyKey: `many-at-once-${i}-000` })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(ran.filter(({ execution }) => execution.outcome === "executed").length, 2)
      assert.strictEqual((yield* orders.placed).length, 2)
    }).pipe(Effect.provide(app))
  )
})

describe("why a rule did or did not buy", () => {
  it.scoped("is told in words, for now and for then", () =>
    Effect.gen(function* () {
      yield* begin
      const records = yield* RuleRecords
      const market = yield* FakeMarket
      const { id } = (yield* create({ ...dip, limits: { perDay: "60" } })).rule
      assert.match(
        (yield* records.explain(alice, id)).text,
        /has not fired yet; it buys when BTCUSDT falls to 95,761\.0/
      )
      yield* passTime("1 minute")
      yield* market.tick(90_000)
      yield* passTime("1 minute")
      yield* market.tick(99_000)
      yield* market.tick(91_000)
      const now = yield* records.explain(alice, id)
      assert.match(now.text, /did not buy: The rule's daily limit would be exceeded/)
      assert.match(now.text, /last price of BTCUSDT was 91000 \(<= 95761\)/)
      const then = yield* records.explain(alice, id, 90_000)
      assert.match(then.text, /sent an order for at most 4\d\.\d+/)
      assert.strictEqual((yield* records.explain(alice, id, 30_000)).decision, null)
    }).pipe(Effect.provide(app))
  )

  it.scoped("pages go on where the last one ended", () =>
    Effect.gen(function* () {
      yield* begin
      const rules = yield* Rules
      const records = yield* RuleRecords
      const { id } = (yield* create()).rule
      for (let i = 0; i < 5; i++) yield* rules.run(alice, id, { idempotencyKey: `page-after-page-${i}` })
      const all = yield* records.executionsOf(alice, id, { limit: 50 })
      assert.strictEqual(all.nextCursor, null)
      const seen: Array<string> = []
      let cursor: string | null = ""
      while (cursor !== null) {
        const page: Effect.Effect.Success<ReturnType<typeof records.executionsOf>> = yield* records.executionsOf(
          alice,
          id,
          {
            limit: 2,
            ...(cursor === "" ? {} : { cursor })
          }
        )
        seen.push(...page.items.map((execution) => execution.id))
        cursor = page.nextCursor
      }
      assert.deepStrictEqual(
        seen,
        all.items.map((execution) => execution.id)
      )
      assert.strictEqual((yield* records.decisionsOf(alice, id, { limit: 50 })).items.length, 5)
      assert.strictEqual(
        yield* failure(records.executions(alice, { limit: 2, cursor: "nonsense" })),
        "VALIDATION_FAILED"
      )
    }).pipe(Effect.provide(app))
  )
})

describe("a preview", () => {
  it.scoped("tells everything wrong at once and stores nothing", () =>
    Effect.gen(function* () {
      yield* begin
      const rules = yield* Rules
      const wrong = Schema.decodeUnknownSync(RuleRequest)(body({ limits: {}, timezone: "x" }))
      const preview = yield* rules.preview(alice, wrong)
      assert.deepStrictEqual(
        preview.problems.map(({ path }) => path),
        ["timezone", "limits"]
      )
      assert.isFalse(preview.wouldFireNow)
      const fine = yield* rules.preview(
        alice,
        Schema.decodeUnknownSync(RuleRequest)(body({ trigger: { ...dip.trigger, side: "above" } }))
      )
      assert.deepStrictEqual([fine.problems, fine.wouldFireNow, fine.decision?.outcome], [[], true, "fire"])
      assert.deepStrictEqual((yield* rules.list(alice, { limit: 50 })).items, [])
    }).pipe(Effect.provide(app))
  )
})
