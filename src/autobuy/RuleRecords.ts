import { Context, Effect, Layer, Option, Schema } from "effect"
import { type DatabaseUnavailable, NotFound, type ValidationFailed } from "../api/Errors.ts"
import type { Decision, Execution, Explanation } from "../domain/order/Execution.ts"
import { ExecutionId, type RuleId, type UserId } from "../domain/Ids.ts"
import type { Position } from "../domain/Position.ts"
import { explain as inWords } from "../domain/rule/explain.ts"
import type { Instant } from "../domain/Time.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import type { Page } from "../orders/Orders.ts"
import { Books } from "../portfolio/Books.ts"
import { positionOf } from "../portfolio/positionOf.ts"
import { findRule } from "./editing/findRule.ts"
import { ExecutionsRepo } from "./ExecutionsRepo.ts"
import { decodeCursor, toPage } from "./record/cursor.ts"
import { type ListedExecution, type RuleRow, toExecution } from "./record/rows.ts"
import { RulesRepo } from "./RulesRepo.ts"
import { bookOf } from "./record/bookOf.ts"
import { makeComputed } from "./view/computed.ts"

export interface PageQuery {
  readonly limit: number
  readonly cursor?: string
  readonly from?: Instant
  readonly to?: Instant
}

/** Pages continue after a place in the order of recording. */
const Place = Schema.NumberFromString.pipe(Schema.int())

type PageError = ValidationFailed | DatabaseUnavailable

/** What rules did and why: the answers to "why did it (not) buy?". Pages are newest first. */
export class RuleRecords extends Context.Tag("dipper/autobuy/RuleRecords")<
  RuleRecords,
  {
    /** Firings of all rules of the user. */
    readonly executions: (userId: UserId, query: PageQuery) => Effect.Effect<Page<Execution>, PageError>
    readonly execution: (userId: UserId, id: ExecutionId) => Effect.Effect<Execution, NotFound | DatabaseUnavailable>
    readonly executionsOf: (
      userId: UserId,
      id: RuleId,
      query: PageQuery
    ) => Effect.Effect<Page<Execution>, NotFound | PageError>
    readonly decisionsOf: (
      userId: UserId,
      id: RuleId,
      query: PageQuery
    ) => Effect.Effect<Page<Decision>, NotFound | PageError>
    /** The last decision, at or before `at` when given, in words. */
    readonly explain: (
      userId: UserId,
      id: RuleId,
      at?: Instant
    ) => Effect.Effect<Explanation, NotFound | DatabaseUnavailable>
    /** The lots the rule itself bought. */
    readonly position: (userId: UserId, id: RuleId) => Effect.Effect<Position, NotFound | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    RuleRecords,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const rules = yield* RulesRepo
  const repo = yield* ExecutionsRepo
  const books = yield* Books
  const hub = yield* TickerHub
  const clock = yield* MarketClock
  const show = yield* makeComputed

  const page = (rows: ReadonlyArray<typeof ListedExecution.Type>, limit: number) =>
    toPage(rows, limit, (row) => row.seq, toExecution)

  const executions = Effect.fn("RuleRecords.executions")(function* (userId: UserId, { cursor, ...query }: PageQuery) {
    const before = yield* decodeCursor(Place, cursor)
    return page(yield* repo.list(userId, { ...query, before }), query.limit)
  })

  const executionsOf = Effect.fn("RuleRecords.executionsOf")(function* (
    userId: UserId,
    id: RuleId,
    { cursor, ...query }: PageQuery
  ) {
    yield* findRule(rules, userId, id)
    const before = yield* decodeCursor(Place, cursor)
    return page(yield* repo.list(userId, { ...query, ruleId: id, before }), query.limit)
  })

  const execution = Effect.fn("RuleRecords.execution")(function* (userId: UserId, id: ExecutionId) {
    const found = yield* repo.find(userId, id)
    if (Option.isNone(found)) return yield* new NotFound({ message: `You have no execution ${id}.` })
    return toExecution(found.value)
  })

  const decisionsOf = Effect.fn("RuleRecords.decisionsOf")(function* (
    userId: UserId,
    id: RuleId,
    { cursor, ...query }: PageQuery
  ) {
    yield* findRule(rules, userId, id)
    const before = yield* decodeCursor(Place, cursor)
    return toPage(
      yield* repo.decisions(userId, id, { ...query, before }),
      query.limit,
      (row) => row.seq,
      (row) => row.record
    )
  })

  /** What the rule waits for, where nothing was decided yet. */
  const waiting = Effect.fnUntraced(function* (rule: RuleRow) {
    const { computed, pauseReason, state } = yield* show(rule)
    if (state !== "active") return `The rule is ${state}${pauseReason === null ? "." : `: ${pauseReason.text}`}`
    const { next, warmup } = computed
    const history = warmup === null ? "" : " It waits for price history that covers its window."
    return `The rule has not fired yet${next === null ? "." : `; it ${next.text}.`}${history}`
  })

  const explain = Effect.fn("RuleRecords.explain")(function* (userId: UserId, id: RuleId, at?: Instant) {
    const rule = yield* findRule(rules, userId, id)
    const [last] = yield* repo.decisions(userId, id, { limit: 1, before: null, ...(at === undefined ? {} : { at }) })
    if (last === undefined) {
      const text = at === undefined ? yield* waiting(rule) : "The rule had decided nothing by then."
      return { ruleId: id, at: null, text, decision: null }
    }
    const execution = last.execution_id === null ? null : Option.getOrNull(yield* repo.find(userId, last.execution_id))
    const became = execution === null ? null : toExecution(execution)
    const text = inWords(last.record, rule.document.timezone, became)
    return { ruleId: id, at: last.at, text, decision: last.record }
  })

  const position = Effect.fn("RuleRecords.position")(function* (userId: UserId, id: RuleId) {
    const { symbol } = yield* findRule(rules, userId, id)
    const book = bookOf(id)
    const lots = yield* books.lots(userId, symbol, book)
    // A position is worth telling even while its price is not known.
    const ticker = yield* Effect.option(hub.latest(symbol))
    return positionOf(symbol, new Map([[book, lots]]), ticker, yield* clock.now)
  })

  return RuleRecords.of({ executions, execution, executionsOf, decisionsOf, explain, position })
})
