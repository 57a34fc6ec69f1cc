import { assert, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Layer } from "effect"
import type { Finished } from "../../../src/autobuy/firing/records.ts"
import { type Holder, isWait } from "../../../src/autobuy/program/waiting.ts"
import { freshRuntime, type RuleRow } from "../../../src/autobuy/record/rows.ts"
import { RuleFiring } from "../../../src/autobuy/RuleFiring.ts"
import { type PriceTick, RuleMarket } from "../../../src/autobuy/RuleMarket.ts"
import { RuleProgram } from "../../../src/autobuy/RuleProgram.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import { Timers } from "../../../src/autobuy/Timers.ts"
import { type SymbolIndex, TriggerIndex } from "../../../src/autobuy/TriggerIndex.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { reason } from "../../../src/domain/Reason.ts"
import { btc, d, document, ruleId, symbolInfo } from "../../domain/rule/fixtures.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { outcomes, storeRule } from "../kit/rules.ts"
import { settleDown } from "../kit/time.ts"
import { alice, engine } from "../kit/world.ts"

const now = 1_000_000
const ended: Finished = { state: "completed", reason: reason("COMPLETED_END") }

/** What a rule does first, seen from outside: how it waits, or that it did something. */
const stage = (last: PriceTick | null, { isOpen } = { isOpen: true }) => {
  const seen = { acted: false, armed: new Array<unknown>(), held: 0 }
  const acts = Effect.sync(() => {
    seen.acted = true
    return ended
  })
  const index: SymbolIndex = {
    symbol: btc,
    last: () => last,
    arm: (bounds) => {
      seen.armed.push(bounds.map(({ comparison, price }) => `${comparison} ${Decimal.format(price)}`))
      return () => undefined
    }
  }
  const join = (hold: (release: () => void) => void) => {
    hold(() => undefined)
    return index
  }
  const holder: Holder = {
    hold: () => void seen.held++,
    scope: Effect.dieMessage("nothing here needs a scope")
  }
  const layer = RuleProgram.layer.pipe(
    Layer.provide(
      Layer.mergeAll(
        Layer.mock(TriggerIndex, {
          enter: (_, hold) => Effect.sync(() => join(hold)),
          opened: () => (isOpen ? { index, join } : null)
        }),
        Layer.mock(Timers, {
          schedule: (at) => {
            seen.armed.push(at)
            return () => undefined
          }
        }),
        Layer.mock(RuleFiring, {
          fire: () => Effect.flatMap(acts, () => Effect.interrupt),
          remember: () => Effect.asVoid(acts),
          finished: () => acts,
          resume: () => acts
        }),
        Layer.mock(RuleMarket, { age: () => Effect.succeed(0), symbol: () => Effect.succeedSome(symbolInfo) }),
        Layer.mock(Books, {}),
        Layer.mock(Wallets, {}),
        Layer.succeed(MarketClock, {
          now: Effect.succeed(now),
          sleepUntil: () => Effect.never,
          speed: Effect.succeed(1)
        })
      )
    )
  )
  return { layer, holder, seen }
}

const rowOf = (changes: Readonly<Record<string, unknown>>, more: Partial<RuleRow>): RuleRow => {
  const stored = document(changes)
  const first = { version: 1, state: "active", pause_reason: null, runtime: freshRuntime, failures: 0 } as const
  const counted = { spent_total: Decimal.zero, executed_count: 0, created_at: 0, updated_at: 0 }
  const ids = { user_id: alice, rule_id: ruleId, symbol: stored.symbol, document: stored }
  return { ...ids, ...first, ...counted, ...more }
}

/** Few prices, so that they often meet. */
const price = fc.integer({ min: 95, max: 105 }).map(String)
const time = fc.option(fc.constantFrom("1970-01-01T00:16:39Z", "1970-01-01T00:16:40Z", "1970-01-01T00:16:41Z"))
const orNull = (amount: fc.Arbitrary<string>) => fc.option(amount, { nil: null })

const rules = fc
  .record({
    side: fc.constantFrom("below", "above", "crossesBelow", "crossesAbove"),
    rearm: fc.constantFrom("recover", "cooldown", "newExtreme"),
    price,
    cooldown: fc.constantFrom("PT0S", "PT5M"),
    total: orNull(fc.constantFrom("100", "1000")),
    onInsufficientFunds: fc.constantFrom("skip", "buyWhatFits"),
    maxExecutions: fc.option(fc.constant(2), { nil: null }),
    startAt: time,
    endAt: time
  })
  .map(({ cooldown, endAt, maxExecutions, onInsufficientFunds, startAt, total, ...trigger }) => ({
    trigger: { type: "price.level", ...trigger },
    limits: { perDay: "500", cooldown, total, maxExecutions },
    onInsufficientFunds,
    startAt,
    endAt: startAt !== null && endAt !== null && endAt <= startAt ? null : endAt
  }))

const states = fc
  .record({
    armed: fc.boolean(),
    ready: fc.boolean(),
    firedAt: fc.option(fc.constantFrom(0, now - 1_000, now), { nil: null }),
    firedPrice: orNull(price)
  })
  .map(({ firedPrice, ...state }) => ({
    ...state,
    firedPrice: firedPrice === null ? null : d(firedPrice),
    firedReference: null
  }))

const counted = fc.record({ spent: fc.constantFrom("0", "60", "980"), executions: fc.integer({ min: 0, max: 2 }) })

it.effect.prop(
  "a rule is left waiting for what it would wait for after a run, and only where that run would do nothing else",
  [rules, states, counted, orNull(price)],
  ([changes, trigger, { executions, spent }, last]) =>
    Effect.gen(function* () {
      const row = rowOf(changes, {
        runtime: { ...freshRuntime, trigger },
        spent_total: d(spent),
        executed_count: executions
      })
      const tick = last === null ? null : { price: d(last), at: 0 }
      const ran = stage(tick)
      yield* Effect.gen(function* () {
        const step = yield* Effect.exit((yield* RuleProgram).run(row, ran.holder, { settled: true }))
        if (step._tag === "Success" && isWait(step.value)) step.value.arm(() => undefined)
      }).pipe(Effect.provide(ran.layer))
      const left = stage(tick)
      const wait = yield* Effect.map(RuleProgram, ({ parked }) => parked(row, left.holder, now)).pipe(
        Effect.provide(left.layer)
      )
      wait?.arm(() => undefined)
      // What it begins with is not looked into.
      const begins = row.document.startAt !== null && now < row.document.startAt
      const asks = changes.limits.total !== null && changes.onInsufficientFunds === "buyWhatFits"
      assert.strictEqual(wait === null, ran.seen.acted || begins || asks)
      if (wait !== null) assert.deepStrictEqual(left.seen, ran.seen)
      else assert.strictEqual(left.seen.held, 0)
    }),
  { fastCheck: { numRuns: 500 } }
)

it.effect("a rule of another kind, or of a symbol that nobody is in, has to run", () =>
  Effect.gen(function* () {
    const { holder, layer } = stage({ price: d("100"), at: 0 })
    const level = { trigger: { type: "price.level", side: "below", price: "90" } }
    const others = [
      { trigger: { type: "price.drop", percent: "8", from: { type: "highOf", window: "PT24H" } } },
      { trigger: { type: "schedule.every", every: "PT1H" } },
      { trigger: { type: "manual" } }
    ]
    yield* Effect.gen(function* () {
      const { parked } = yield* RuleProgram
      assert.isNotNull(parked(rowOf(level, {}), holder, now))
      for (const other of others) assert.isNull(parked(rowOf(other, {}), holder, now))
    }).pipe(Effect.provide(layer))
    yield* Effect.gen(function* () {
      const { parked } = yield* RuleProgram
      assert.isNull(parked(rowOf(level, {}), holder, now))
    }).pipe(Effect.provide(stage(null, { isOpen: false }).layer))
  })
)

it.scoped("a rule left waiting at a start buys as any other, and lets go of its symbol when it stops", () =>
  Effect.gen(function* () {
    const market = yield* FakeMarket
    const supervisor = yield* RuleSupervisor
    const id = yield* makeRuleId()
    const row = yield* storeRule(id, { trigger: { type: "price.level", side: "below", price: "90000" } })
    yield* market.tick(95_000)
    // Somebody is in the symbol already, so that the rule has not to run.
    let leave = () => undefined
    yield* (yield* TriggerIndex).enter(btc, (release) => void (leave = () => void release()))
    const looking: Holder = { hold: (release) => release(), scope: Effect.dieMessage("nothing here needs a scope") }
    assert.isNotNull((yield* RuleProgram).parked(row, looking, now))
    yield* supervisor.start
    leave()
    yield* settleDown
    assert.strictEqual(yield* market.followers, 1)
    yield* market.tick(90_001)
    assert.deepStrictEqual(yield* outcomes(id), [])
    yield* market.tick(90_000)
    assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
    yield* market.tick(91_000)
    yield* market.tick(89_500)
    assert.deepStrictEqual(yield* outcomes(id), ["n1 executed", "n2 executed"])
    yield* (yield* RulesRepo).setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 })
    yield* supervisor.refresh(alice, id)
    yield* settleDown
    assert.strictEqual(yield* market.followers, 0)
  }).pipe(Effect.provide(engine()))
)
