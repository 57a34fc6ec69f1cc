import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Duration, Effect, Layer, Stream } from "effect"
import { DatabaseUnavailable } from "../../src/api/Errors.ts"
import { makeRuleId, type RuleId, type UserId } from "../../src/domain/Ids.ts"
import { reason } from "../../src/domain/Reason.ts"
import { Orders } from "../../src/orders/Orders.ts"
import type { Step, Wait, Work } from "../../src/autobuy/program/waiting.ts"
import { ExecutionsRepo } from "../../src/autobuy/ExecutionsRepo.ts"
import { newExecution } from "../../src/autobuy/firing/records.ts"
import type { RuleRow } from "../../src/autobuy/record/rows.ts"
import { RuleFiring } from "../../src/autobuy/RuleFiring.ts"
import { RuleProgram } from "../../src/autobuy/RuleProgram.ts"
import { RulesRepo } from "../../src/autobuy/RulesRepo.ts"
import { restartPolicy } from "../../src/autobuy/life/lives.ts"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import { TriggerIndex } from "../../src/autobuy/TriggerIndex.ts"
import { document } from "../domain/rule/fixtures.ts"
import { stateOf, storeRule } from "./kit/rules.ts"
import { passTime, settleDown } from "./kit/time.ts"
import { alice, bob, world } from "./kit/world.ts"

/** A program that does what the test says, and tells when it started and stopped. */
class Script extends Context.Tag("test/Script")<
  Script,
  {
    readonly play: (life: (rule: RuleRow) => Effect.Effect<Step, DatabaseUnavailable>) => void
    /** Where a rule waits at once; it has to run where nothing was said. */
    readonly park: (parked: (rule: RuleRow) => Wait | null) => void
    readonly log: ReadonlyArray<string>
    readonly starts: ReadonlyArray<number>
  }
>() {}

const scripted = Layer.effectContext(
  Effect.sync(() => {
    const log: Array<string> = []
    const starts: Array<number> = []
    let life: (rule: RuleRow) => Effect.Effect<Step, DatabaseUnavailable> = () => Effect.never
    let parked: (rule: RuleRow) => Wait | null = () => null
    const program = RuleProgram.of({
      parked: (rule) => parked(rule),
      run: (rule) =>
        Effect.acquireUseRelease(
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Effect.sync(() => {
              log.push(`start ${rule.version}`)
              starts.push(now)
            })
          ),
          () => life(rule),
          () =>
            Effect.zipRight(
              // A finalizer that takes its time, as one that closes a stream does.
              settleDown,
              Effect.sync(() => void log.push(`stop ${rule.version}`))
            )
        )
    })
    return Context.make(RuleProgram, program).pipe(
      Context.add(Script, { play: (next) => void (life = next), park: (next) => void (parked = next), log, starts })
    )
  })
)

interface Situation {
  readonly whenReconciled?: Effect.Effect<void>
  readonly unreconciled?: ReadonlyArray<UserId>
  readonly left?: ReadonlyArray<RuleId>
  readonly resumed?: (rule: RuleRow) => void
}

const supervisorOf = ({ left, resumed, unreconciled, whenReconciled }: Situation) =>
  RuleSupervisor.layer.pipe(
    Layer.provideMerge(scripted),
    Layer.provide(
      Layer.mergeAll(
        Layer.mock(RuleFiring, {
          resume: (rule) =>
            Effect.as(
              Effect.sync(() => resumed?.(rule)),
              null
            ),
          left: Effect.succeed(new Map<RuleId, UserId>((left ?? []).map((id) => [id, alice])))
        }),
        Layer.mock(Orders, {
          changes: Stream.never,
          whenReconciled: () => whenReconciled ?? Effect.void,
          unreconciled: Effect.succeed(new Set(unreconciled))
        }),
        Layer.mock(TriggerIndex, { opened: () => null, stats: Effect.succeed({ ticks: 0, armed: 0 }) })
      )
    ),
    Layer.provideMerge(world())
  )
const supervisor = supervisorOf({})

const crash = () => Effect.dieMessage("a bug")
const start = Effect.flatMap(RuleSupervisor, (engine) => Effect.zipRight(engine.start, settleDown))

describe("a rule that crashes", () => {
  it.effect("comes back after doubling delays within twenty percent, and is quarantined exactly once", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const engine = yield* RuleSupervisor
      const id = yield* makeRuleId()
      yield* storeRule(id)
      script.play(crash)
      yield* start
      for (let i = 0; i < 40; i++) yield* passTime("500 millis")
      assert.strictEqual(script.starts.length, restartPolicy.maxCrashes)
      script.starts.slice(1).forEach((at, i) => {
        const delay = at - (script.starts[i] ?? 0)
        const base = Duration.toMillis(restartPolicy.base) * 2 ** i
        assert.isTrue(delay >= base * 0.8 && delay <= base * 1.2 + 500, `delay ${i} was ${delay}`)
      })
      const rule = yield* stateOf(id)
      assert.deepStrictEqual([rule.state, rule.pause_reason?.code], ["quarantined", "CRASHED"])
      const { fibers, quarantined } = yield* engine.status
      assert.deepStrictEqual([fibers, quarantined], [0, 1])
    }).pipe(Effect.provide(supervisor))
  )

  it.effect("starts a new streak after a healthy stretch", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const id = yield* makeRuleId()
      yield* storeRule(id)
      script.play(() => Effect.zipRight(Effect.sleep("4 minutes"), crash()))
      yield* start
      for (let i = 0; i < 8; i++) {
        yield* passTime("4 minutes")
        yield* passTime("1200 millis")
      }
      assert.strictEqual(script.starts.length, 9)
      assert.strictEqual((yield* stateOf(id)).state, "active")
    }).pipe(Effect.provide(supervisor))
  )

  it.effect("because the database is away is not to blame", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const id = yield* makeRuleId()
      yield* storeRule(id)
      script.play(() => Effect.fail(new DatabaseUnavailable({ message: "away" })))
      yield* start
      for (let i = 0; i < 20; i++) yield* passTime("20 seconds")
      assert.isAbove(script.starts.length, restartPolicy.maxCrashes)
      assert.strictEqual((yield* stateOf(id)).state, "active")
    }).pipe(Effect.provide(supervisor))
  )
})

describe("a rule that waits at once", () => {
  /** Starts the engine on rules that wait, and gives how each of them is woken. */
  const startWaiting = Effect.gen(function* () {
    const waiting = new Map<RuleId, (next: Work) => void>()
    ;(yield* Script).park(({ rule_id: id }) => ({
      arm: (go) => {
        waiting.set(id, go)
        return () => void waiting.delete(id)
      }
    }))
    yield* start
    return waiting
  })

  it.effect("holds no fiber, counts as one that lives, and works when it is woken", () =>
    Effect.gen(function* () {
      const engine = yield* RuleSupervisor
      const id = yield* makeRuleId()
      yield* storeRule(id)
      const waiting = yield* startWaiting
      assert.deepStrictEqual((yield* Script).log, [])
      assert.strictEqual((yield* engine.status).fibers, 1)
      waiting.get(id)?.(Effect.succeed({ state: "completed", reason: reason("COMPLETED_END") }))
      yield* settleDown
      assert.strictEqual((yield* stateOf(id)).state, "completed")
      assert.strictEqual((yield* engine.status).fibers, 0)
    }).pipe(Effect.provide(supervisor))
  )

  it.effect("is stopped with its wait", () =>
    Effect.gen(function* () {
      const engine = yield* RuleSupervisor
      const id = yield* makeRuleId()
      yield* storeRule(id)
      const waiting = yield* startWaiting
      yield* (yield* RulesRepo).setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 })
      yield* engine.refresh(alice, id)
      assert.deepStrictEqual([waiting.size, (yield* engine.status).fibers], [0, 0])
    }).pipe(Effect.provide(supervisor))
  )

  it.effect("runs instead while its user's orders are not known, and when a firing of it was left", () =>
    Effect.gen(function* () {
      const ids = [yield* makeRuleId(), yield* makeRuleId(), yield* makeRuleId()] as const
      yield* Effect.gen(function* () {
        yield* storeRule(ids[0])
        yield* storeRule(ids[1])
        yield* storeRule(ids[2], {}, "active", { user_id: bob })
        const waiting = yield* startWaiting
        assert.deepStrictEqual([...waiting.keys()], [ids[0]])
        assert.deepStrictEqual((yield* Script).log, ["start 1", "start 1"])
      }).pipe(Effect.provide(supervisorOf({ unreconciled: [bob], left: [ids[1]] })))
    })
  )

  it.effect("crashes under supervision where even that throws, and no other rule with it", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const [bad, good] = [yield* makeRuleId(), yield* makeRuleId()]
      yield* storeRule(bad)
      yield* storeRule(good)
      script.park(({ rule_id: id }) => {
        if (id === bad) throw new Error("a bug")
        return { arm: () => () => undefined }
      })
      script.play(crash)
      yield* start
      for (let i = 0; i < 40; i++) yield* passTime("500 millis")
      assert.strictEqual((yield* stateOf(bad)).state, "quarantined")
      assert.strictEqual((yield* stateOf(good)).state, "active")
      assert.strictEqual((yield* (yield* RuleSupervisor).status).fibers, 1)
    }).pipe(Effect.provide(supervisor))
  )
})

describe("a change of a rule", () => {
  const edit = (id: RuleRow["rule_id"], version: number) =>
    Effect.gen(function* () {
      const rules = yield* RulesRepo
      const row = yield* stateOf(id)
      yield* rules.update(alice, id, version, { document: document(), state: "active", runtime: row.runtime, at: 0 })
      yield* (yield* RuleSupervisor).refresh(alice, id)
      yield* settleDown
    })

  it.effect("ends the old fiber before the new one starts", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const id = yield* makeRuleId()
      yield* storeRule(id)
      yield* start
      yield* edit(id, 1)
      assert.deepStrictEqual(script.log, ["start 1", "stop 1", "start 2"])
    }).pipe(Effect.provide(supervisor))
  )

  it.effect("takes hold at once during a backoff", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const id = yield* makeRuleId()
      yield* storeRule(id)
      script.play((rule) => (rule.version === 1 ? crash() : Effect.never))
      yield* start
      yield* edit(id, 1)
      assert.deepStrictEqual(script.log, ["start 1", "stop 1", "start 2"])
      yield* passTime("5 minutes")
      assert.deepStrictEqual(script.log, ["start 1", "stop 1", "start 2"])
    }).pipe(Effect.provide(supervisor))
  )

  it.effect("asked for many times at once leaves one fiber of the newest version", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const engine = yield* RuleSupervisor
      const id = yield* makeRuleId()
      yield* storeRule(id)
      yield* start
      yield* Effect.all(
        Array.from({ length: 20 }, () => engine.refresh(alice, id)),
        { concurrency: "unbounded" }
      )
      yield* settleDown
      assert.deepStrictEqual(script.log, ["start 1"])
      assert.strictEqual((yield* engine.status).fibers, 1)
    }).pipe(Effect.provide(supervisor))
  )

  it.effect("a pause stops the fiber and is no crash; a resume starts it again", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const engine = yield* RuleSupervisor
      const rules = yield* RulesRepo
      const id = yield* makeRuleId()
      yield* storeRule(id)
      yield* start
      yield* rules.setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 })
      yield* engine.refresh(alice, id)
      yield* passTime("5 minutes")
      assert.deepStrictEqual(script.log, ["start 1", "stop 1"])
      yield* rules.setState(alice, id, ["paused"], { state: "active", reason: null, at: 0 })
      yield* engine.refresh(alice, id)
      yield* settleDown
      assert.deepStrictEqual(script.log, ["start 1", "stop 1", "start 1"])
    }).pipe(Effect.provide(supervisor))
  )
})

describe("firings of a rule that does not run", () => {
  const settled = Effect.gen(function* () {
    const reconciled = yield* Deferred.make<void>()
    const seen = { waits: 0, resumed: new Array<RuleId>() }
    const wait = Effect.suspend(() => {
      seen.waits++
      return Deferred.await(reconciled)
    })
    const layer = supervisorOf({ whenReconciled: wait, resumed: ({ rule_id: id }) => void seen.resumed.push(id) })
    return { layer, seen, reconcile: Effect.zipRight(Deferred.succeed(reconciled, undefined), settleDown) }
  })
  const changeOften = (id: RuleId) =>
    Effect.flatMap(RuleSupervisor, (engine) =>
      Effect.zipRight(Effect.replicateEffect(engine.refresh(alice, id), 5), settleDown)
    )
  const left = (rule: RuleRow) =>
    Effect.gen(function* () {
      const execution = yield* newExecution(rule, { slot: "left", triggeredAt: 0 })
      yield* (yield* ExecutionsRepo).begin(execution)
    })

  it.effect("are waited for once, however often it is changed before its user's orders are known", () =>
    Effect.gen(function* () {
      const { layer, reconcile, seen } = yield* settled
      yield* Effect.gen(function* () {
        yield* start
        const rule = yield* storeRule(yield* makeRuleId(), {}, "paused")
        yield* left(rule)
        yield* changeOften(rule.rule_id)
        assert.strictEqual(seen.waits, 1)
        yield* reconcile
        assert.deepStrictEqual(seen.resumed, [rule.rule_id])
        yield* changeOften(rule.rule_id)
        assert.isAbove(seen.resumed.length, 1)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("are not waited for where there are none", () =>
    Effect.gen(function* () {
      const { layer, seen } = yield* settled
      yield* Effect.gen(function* () {
        yield* start
        const rule = yield* storeRule(yield* makeRuleId(), {}, "draft")
        yield* changeOften(rule.rule_id)
        assert.strictEqual(seen.waits, 0)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("are left to the rule itself when it runs again by then", () =>
    Effect.gen(function* () {
      const { layer, reconcile, seen } = yield* settled
      yield* Effect.gen(function* () {
        const engine = yield* RuleSupervisor
        const rules = yield* RulesRepo
        yield* start
        const rule = yield* storeRule(yield* makeRuleId(), {}, "paused")
        yield* left(rule)
        yield* engine.refresh(alice, rule.rule_id)
        yield* rules.setState(alice, rule.rule_id, ["paused"], { state: "active", reason: null, at: 0 })
        yield* engine.refresh(alice, rule.rule_id)
        yield* reconcile
        assert.deepStrictEqual(seen.resumed, [])
      }).pipe(Effect.provide(layer))
    })
  )
})

it.effect("a rule that has stopped by itself is reaped, with its reason", () =>
  Effect.gen(function* () {
    const script = yield* Script
    const engine = yield* RuleSupervisor
    const end = yield* Deferred.make<void>()
    const id = yield* makeRuleId()
    yield* storeRule(id)
    script.play(() => Effect.as(Deferred.await(end), { state: "completed", reason: reason("COMPLETED_END") }))
    yield* start
    assert.strictEqual((yield* engine.status).fibers, 1)
    yield* Deferred.succeed(end, undefined)
    // Its finalizer, then the record of its end.
    yield* settleDown
    yield* settleDown
    const rule = yield* stateOf(id)
    assert.deepStrictEqual([rule.state, rule.pause_reason?.code], ["completed", "COMPLETED_END"])
    assert.strictEqual((yield* engine.status).fibers, 0)
  }).pipe(Effect.provide(supervisor))
)

it.effect("a rule whose wait is over while it is armed goes on at once", () =>
  Effect.gen(function* () {
    const script = yield* Script
    const id = yield* makeRuleId()
    yield* storeRule(id)
    const end = Effect.succeed({ state: "completed", reason: reason("COMPLETED_END") } as const)
    script.play(() =>
      Effect.succeed({
        arm: (go) => {
          go(end)
          return () => undefined
        }
      })
    )
    yield* start
    assert.strictEqual((yield* stateOf(id)).state, "completed")
  }).pipe(Effect.provide(supervisor))
)

it.effect("closing the engine waits for every rule's end", () =>
  Effect.gen(function* () {
    const log = yield* Effect.scoped(
      Effect.gen(function* () {
        const script = yield* Script
        for (let i = 0; i < 5; i++) yield* storeRule(yield* makeRuleId())
        yield* start
        return script.log
      }).pipe(Effect.provide(supervisor))
    )
    assert.strictEqual(log.filter((line) => line === "stop 1").length, 5)
  })
)
