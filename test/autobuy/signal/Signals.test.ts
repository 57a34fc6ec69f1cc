import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import { Signals } from "../../../src/autobuy/signal/Signals.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import { makeRuleId, type RuleId } from "../../../src/domain/Ids.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { outcomes, storeRule } from "../kit/rules.ts"
import { passTime, settleDown } from "../kit/time.ts"
import { alice, bob, engine } from "../kit/world.ts"
import { start } from "../lives.ts"

const world = Signals.layer.pipe(Layer.provideMerge(Layer.suspend(() => engine())))
const bySignal = { trigger: { type: "signal" }, limits: { total: "100000" } }

/** An active signal rule with its token, an hour after 1970. */
const listening = Effect.gen(function* () {
  const signals = yield* Signals
  const market = yield* FakeMarket
  const id = yield* makeRuleId()
  yield* passTime("1 hour")
  yield* storeRule(id, bySignal)
  yield* market.tick(95_000)
  yield* start
  const { token } = yield* signals.rotate(alice, id)
  return { signals, id, token }
})
const at = 3_600_000
const nextTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})
const placed = Effect.flatMap(FakeOrders, (orders) => orders.placed)

describe("a signal", () => {
  it.effect("with the rule's token fires it, once for an id however often it comes", () =>
    Effect.gen(function* () {
      const { id, signals, token } = yield* listening
      const first = yield* signals.receive(id, { id: "a-1", at, token })
      yield* settleDown
      const again = yield* Effect.all(
        [1, 2, 3].map(() => signals.receive(id, { id: "a-1", at, token })),
        { concurrency: "unbounded" }
      )
      assert.isFalse(first.replayed)
      assert.deepStrictEqual(
        again.map(({ receipt, replayed }) => [receipt.executionId, replayed]),
        again.map(() => [first.receipt.executionId, true])
      )
      yield* signals.receive(id, { id: "a-2", at, token })
      yield* settleDown
      assert.deepStrictEqual(
        (yield* outcomes(id)).map((line) => line.split(" ")[1]),
        ["executed", "executed"]
      )
      assert.strictEqual((yield* placed).length, 2)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("that arrives many times at once is one firing", () =>
    Effect.gen(function* () {
      const { id, signals, token } = yield* listening
      const all = yield* Effect.all(
        Array.from({ length: 10 }, () => signals.receive(id, { id: "same", at, token })),
        { concurrency: "unbounded" }
      )
      yield* settleDown
      assert.strictEqual(all.filter(({ replayed }) => !replayed).length, 1)
      assert.strictEqual((yield* placed).length, 1)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("with a wrong token, of a rule without one, or of an earlier token is refused alike", () =>
    Effect.gen(function* () {
      const { id, signals, token } = yield* listening
      const other = yield* makeRuleId()
      const newer = yield* signals.rotate(alice, id)
      assert.notStrictEqual(newer.token, token)
      const refusals = yield* Effect.forEach(
        [
          signals.receive(id, { id: "a", at, token }),
          signals.receive(id, { id: "a", at, token: "sig_guess" }),
          signals.receive(other, { id: "a", at, token: newer.token })
        ],
        Effect.flip
      )
      assert.deepStrictEqual(
        refusals.map(({ _tag, message }) => `${_tag} ${message}`),
        refusals.map(() => "UNAUTHENTICATED The rule's signal token is missing or wrong.")
      )
      assert.deepStrictEqual(yield* placed, [])
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("too old or from the future is refused, but its retry is still the same signal", () =>
    Effect.gen(function* () {
      const { id, signals, token } = yield* listening
      const refused = (when: number) => Effect.flip(signals.receive(id, { id: `t${when}`, at: when, token }))
      assert.strictEqual((yield* refused(at - 300_001))._tag, "VALIDATION_FAILED")
      assert.strictEqual((yield* refused(at + 60_001))._tag, "VALIDATION_FAILED")
      yield* signals.receive(id, { id: "kept", at, token })
      yield* passTime("1 hour")
      assert.isTrue((yield* signals.receive(id, { id: "kept", at, token })).replayed)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("is refused while the rule does not run, and beyond thirty a minute", () =>
    Effect.gen(function* () {
      const { id, signals, token } = yield* listening
      const rules = yield* RulesRepo
      for (let i = 0; i < 30; i++) yield* signals.receive(id, { id: `n${i}`, at, token })
      assert.strictEqual((yield* Effect.flip(signals.receive(id, { id: "n30", at, token })))._tag, "RATE_LIMITED")
      yield* passTime("1 minute")
      yield* rules.setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 })
      const paused = yield* Effect.flip(signals.receive(id, { id: "late", at, token }))
      assert.deepStrictEqual(
        [paused._tag, paused.message],
        ["CONFLICT", "The rule is paused; it takes no signals now."]
      )
    }).pipe(Effect.scoped, Effect.provide(world))
  )
})

describe("signals that come while an order of their rule is under way", () => {
  /** The first of them is at its order, the others wait for their turn. */
  const queued = Effect.fn(function* (ids: ReadonlyArray<string>) {
    const { id, signals, token } = yield* listening
    const orders = yield* FakeOrders
    const gate = yield* Deferred.make<void>()
    yield* orders.beforeIntent(Deferred.await(gate))
    for (const signal of ids) {
      yield* Effect.fork(signals.receive(id, { id: signal, at, token }))
      yield* settleDown
    }
    return { id, open: Effect.zipRight(Deferred.succeed(gate, undefined), settleDown) }
  })
  const endings = (id: RuleId) => Effect.map(outcomes(id), (lines) => lines.map((line) => line.replace(/^\S+ /, "")))
  const decisions = Effect.fn(function* (ruleId: RuleId) {
    const { decisions: list } = yield* ExecutionsRepo
    return (yield* list(alice, ruleId, { limit: 100, before: null })).length
  })

  it.effect("are recorded once each when their rule is paused before their turn", () =>
    Effect.gen(function* () {
      const { id, open } = yield* queued(["a", "b"])
      yield* (yield* RulesRepo).setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 })
      yield* (yield* RuleSupervisor).refresh(alice, id)
      yield* settleDown
      yield* open
      assert.deepStrictEqual(yield* endings(id), ["skipped BY_USER", "skipped BY_USER"])
      assert.strictEqual(yield* decisions(id), 2)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("each buy once when their turn comes", () =>
    Effect.gen(function* () {
      const { id, open } = yield* queued(["a", "b", "c"])
      yield* open
      yield* settleDown
      assert.deepStrictEqual(yield* endings(id), ["executed", "executed", "executed"])
      assert.strictEqual(yield* decisions(id), 3)
    }).pipe(Effect.scoped, Effect.provide(world))
  )
})

it.effect("a signal whose sender goes away is either forgotten or fired, whenever that is", () =>
  Effect.gen(function* () {
    const { id, signals, token } = yield* listening
    for (let moment = 0; moment < 25; moment++) {
      const asking = yield* Effect.fork(signals.receive(id, { id: `gone-${moment}`, at, token }))
      for (let step = 0; step < moment; step++) yield* nextTurn
      yield* Fiber.interrupt(asking)
      yield* settleDown
    }
    yield* settleDown
    const lines = yield* outcomes(id)
    assert.isAbove(lines.length, 0)
    assert.deepStrictEqual(
      lines.filter((line) => !line.endsWith(" executed")),
      []
    )
  }).pipe(Effect.scoped, Effect.provide(world))
)

describe("a signal token", () => {
  it.effect("is kept as a hash only, and made by the rule's owner for signal rules only", () =>
    Effect.gen(function* () {
      const { id, signals, token } = yield* listening
      const sql = yield* SqlClient.SqlClient
      const rows = JSON.stringify(yield* sql`SELECT * FROM rule_signal_tokens`)
      assert.isFalse(rows.includes(token) || rows.includes(token.slice(4)))
      assert.strictEqual((yield* Effect.flip(signals.rotate(bob, id)))._tag, "NOT_FOUND")
      const manual = yield* makeRuleId()
      yield* storeRule(manual)
      assert.strictEqual((yield* Effect.flip(signals.rotate(alice, manual)))._tag, "CONFLICT")
    }).pipe(Effect.scoped, Effect.provide(world))
  )
})
