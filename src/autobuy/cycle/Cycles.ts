import { Cause, Clock, Context, Duration, Effect, FiberMap, Layer, Option, Queue, Schedule, Stream } from "effect"
import type { DatabaseUnavailable, NotOwner } from "../../api/Errors.ts"
import { makeCycleId, type RuleId, type UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Orders } from "../../orders/Orders.ts"
import { Ledger } from "../../portfolio/Ledger.ts"
import { Database } from "../../store/Database.ts"
import { Ownership } from "../../store/Ownership.ts"
import { makeSettling } from "../firing/settling.ts"
import { makeStopping } from "../firing/stopping.ts"
import type { RuleRow } from "../record/rows.ts"
import { RulesRepo } from "../RulesRepo.ts"
import { RuleSupervisor } from "../RuleSupervisor.ts"
import { CycleProgram } from "./CycleProgram.ts"
import { type CycleRow, type ExitCause, freshMemory } from "../record/cycle/CycleRow.ts"
import { CycleSignals } from "../record/cycle/CycleSignals.ts"
import { CyclesRepo } from "../record/cycle/CyclesRepo.ts"

/** How a cycle that crashes comes back: for ever, because a position without its exits is worse than a log full of errors. */
const backoff = { base: Duration.toMillis("1 second"), cap: Duration.toMillis("1 minute") }
/** So many crashes in a row are no accident: the rule buys nothing more. */
const quarantinedAfter = 5

/** Cycles whose signal was lost are found by looking. */
const looking = Schedule.spaced("10 seconds")

/** Owns every open cycle's fiber, whatever the state of its rule: a rule that is paused still sells. */
export class Cycles extends Context.Tag("dipper/autobuy/Cycles")<
  Cycles,
  {
    /** Runs every open cycle, and those that open from now on. Call it once the reconciler is ready. */
    readonly start: Effect.Effect<void>
    /**
     * Ends the rule's open cycle, or gives up all that its book holds where none is open: `close` sells, `release`
     * leaves the lots. Decided when it returns, and carried out by the engine.
     */
    readonly end: (
      rule: RuleRow,
      cause: Extract<ExitCause, "close" | "release">
    ) => Effect.Effect<void, DatabaseUnavailable | NotOwner>
    /** The open cycle of a rule. */
    readonly openOf: (userId: UserId, ruleId: RuleId) => Effect.Effect<Option.Option<CycleRow>, DatabaseUnavailable>
    readonly running: Effect.Effect<number>
  }
>() {
  static readonly layer = Layer.scoped(
    Cycles,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const database = yield* Database
  const ownership = yield* Ownership
  const cycles = yield* CyclesRepo
  const rules = yield* RulesRepo
  const program = yield* CycleProgram
  const supervisor = yield* RuleSupervisor
  const signals = yield* CycleSignals
  const orders = yield* Orders
  const ledger = yield* Ledger
  const clock = yield* MarketClock
  const settling = yield* makeSettling
  const setState = yield* makeStopping
  const fibers = yield* FiberMap.make<RuleId>()
  const queues = new Map<RuleId, Queue.Queue<void>>()
  const scope = yield* Effect.scope
  const starting = yield* Effect.makeSemaphore(1)

  /** The rule may have nothing left to do, or its state has changed with the end of its cycle. */
  const afterwards = Effect.fnUntraced(function* (userId: UserId, ruleId: RuleId) {
    const rule = yield* rules.find(userId, ruleId)
    const finished = Option.isSome(rule) && rule.value.state === "active" ? yield* settling.finished(rule.value) : null
    if (finished === null) yield* supervisor.refresh(userId, ruleId)
    else yield* supervisor.finish(userId, ruleId, finished)
  })

  const quarantine = ({ rule_id: ruleId, user_id: userId }: CycleRow) =>
    Effect.gen(function* () {
      const why = reason("CRASHED", { crashes: String(quarantinedAfter) })
      const at = yield* clock.now
      yield* setState(userId, ruleId, ["active"], { state: "quarantined", reason: why, at })
      yield* supervisor.refresh(userId, ruleId)
    }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("A rule could not be quarantined yet", cause)))

  /** Its exits are kept up through every crash; its rule's buys are not. */
  const supervised = (cycle: CycleRow, queue: Queue.Queue<void>): Effect.Effect<void> => {
    let streak = 0
    const life = Effect.zipRight(program.run(cycle, queue), afterwards(cycle.user_id, cycle.rule_id))
    const loop: Effect.Effect<void> = Effect.suspend(() =>
      Effect.flatMap(Clock.currentTimeMillis, (began) =>
        Effect.catchAllCause(life, (cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.interrupt
            : Effect.flatMap(Clock.currentTimeMillis, (now) => {
                if (now - began >= backoff.cap) streak = 0
                const delay = Math.min(backoff.cap, backoff.base * 2 ** streak++)
                return Effect.logError("A cycle crashed and starts again", { cycle: cycle.cycle_id }, cause).pipe(
                  Effect.zipRight(streak === quarantinedAfter && !isOutage(cause) ? quarantine(cycle) : Effect.void),
                  Effect.zipRight(Effect.sleep(delay)),
                  Effect.zipRight(loop)
                )
              })
        )
      )
    )
    return loop
  }

  const begin = (cycle: CycleRow) =>
    starting.withPermits(1)(
      Effect.gen(function* () {
        const { rule_id: ruleId } = cycle
        const queue = queues.get(ruleId)
        if (queue !== undefined && (yield* FiberMap.has(fibers, ruleId)))
          return yield* Effect.asVoid(queue.offer(undefined))
        const made = yield* Queue.sliding<void>(1)
        queues.set(ruleId, made)
        const life = Effect.ensuring(
          supervised(cycle, made),
          Effect.sync(() => void (queues.get(ruleId) === made && queues.delete(ruleId)))
        )
        yield* FiberMap.run(fibers, ruleId, life)
      })
    )

  const ensure = Effect.fnUntraced(function* (userId: UserId, ruleId: RuleId) {
    const queue = queues.get(ruleId)
    if (queue !== undefined) return yield* Effect.asVoid(queue.offer(undefined))
    const open = yield* cycles.openOf(userId, ruleId)
    if (Option.isSome(open)) yield* begin(open.value)
  }, Effect.ignoreLogged)

  const follow = Stream.runForEach(orders.changes, ({ order, userId }) =>
    order.origin.ruleId === null ? Effect.void : ensure(userId, order.origin.ruleId)
  )

  /** What was sold or withdrawn elsewhere is missing from what a cycle may sell. */
  const followBooks = Stream.runForEach(ledger.adjusted, ({ ruleId, userId }) => ensure(userId, ruleId))

  const all = Effect.flatMap(cycles.open, (open) =>
    Effect.forEach(open, (cycle) => (queues.has(cycle.rule_id) ? Effect.void : begin(cycle)), { discard: true })
  )

  const start = Effect.gen(function* () {
    yield* signals.listen(ensure)
    yield* Effect.forkIn(follow, scope)
    yield* Effect.forkIn(followBooks, scope)
    yield* Effect.forkIn(Effect.repeat(Effect.ignoreLogged(all), looking), scope)
  })

  const end = Effect.fn("Cycles.end")(function* (rule: RuleRow, cause: "close" | "release") {
    const { rule_id: ruleId, user_id: userId } = rule
    const now = yield* clock.now
    const made = yield* makeCycleId()
    const exiting = { cause, at: now, price: null }
    yield* database.write(
      Effect.gen(function* () {
        yield* ownership.assertOwner
        const open = yield* cycles.openOf(userId, ruleId)
        // A stop that is under way sells as well; who wants to keep the lots comes before it.
        if (Option.isSome(open)) {
          if (open.value.memory.exiting?.cause === cause) return
          return yield* cycles.remember(open.value, { ...open.value.memory, exiting })
        }
        if (cause === "release") return
        yield* cycles.insert({
          user_id: userId,
          cycle_id: made,
          rule_id: ruleId,
          rule_version: rule.version,
          symbol: rule.symbol,
          state: "open",
          reason: null,
          bought: false,
          memory: { ...freshMemory, exiting },
          opened_at: now,
          closed_at: null
        })
      })
    )
    yield* ensure(userId, ruleId)
  })

  return Cycles.of({ start, end, openOf: cycles.openOf, running: FiberMap.size(fibers) })
})

/** A database that is away and a lease that another holds are not the rule's fault. */
const isOutage = (cause: Cause.Cause<{ readonly _tag: string }>): boolean =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => false,
    onSome: ({ _tag }) => _tag === "DATABASE_UNAVAILABLE" || _tag === "NOT_OWNER"
  })
