import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Context, Effect, Layer, Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { Decision } from "../domain/order/Execution.ts"
import { type ExecutionId, RuleId, UserId } from "../domain/Ids.ts"
import { type Usage, windowsAt } from "../domain/rule/decision/caps.ts"
import type { Instant } from "../domain/Time.ts"
import { Database } from "../store/Database.ts"
import { Events } from "../store/Events.ts"
import { DecisionRow, ExecutionRow, ListedExecution, StoredDecision, toExecution } from "./record/rows.ts"

type Stored<A> = Effect.Effect<A, DatabaseUnavailable>

export interface ExecutionQuery {
  readonly ruleId?: RuleId
  /** By `triggeredAt`. */
  readonly from?: Instant
  readonly to?: Instant
  readonly limit: number
  readonly before: number | null
}

export interface DecisionQuery {
  readonly limit: number
  readonly before: number | null
  readonly from?: Instant
  readonly to?: Instant
  /** The last instant that counts. */
  readonly at?: Instant
}

/** Firings of rules and the decisions behind them. */
export class ExecutionsRepo extends Context.Tag("dipper/autobuy/ExecutionsRepo")<
  ExecutionsRepo,
  {
    /** Claims a slot: the execution that has it, which is this one only if the slot was free. */
    readonly begin: (row: ExecutionRow) => Stored<ExecutionRow>
    /** Writes what became of an execution and moves the rule's sums by the difference; repeating it changes nothing. */
    readonly save: (row: ExecutionRow) => Stored<void>
    readonly find: (userId: UserId, id: ExecutionId) => Stored<Option.Option<ExecutionRow>>
    readonly findBySlot: (userId: UserId, ruleId: RuleId, slot: string) => Stored<Option.Option<ExecutionRow>>
    /** Newest first, up to one more than `limit`. */
    readonly list: (userId: UserId, query: ExecutionQuery) => Stored<ReadonlyArray<typeof ListedExecution.Type>>
    /** Of every user: what waits for its gates or rests at the venue. */
    readonly followed: Stored<ReadonlyArray<ExecutionRow>>
    /** Rules of all users with executions that are not done. */
    readonly unfinished: Stored<ReadonlyMap<RuleId, UserId>>
    /** The slot was claimed for nothing that is worth a record; only a firing that never had an order can go. */
    readonly forget: (row: ExecutionRow) => Stored<void>
    /** Oldest first. */
    readonly running: (userId: UserId, ruleId: RuleId) => Stored<ReadonlyArray<ExecutionRow>>
    /** What counts against the rule's limits at an instant; `except` leaves one execution out. */
    readonly usage: (
      rule: { readonly userId: UserId; readonly ruleId: RuleId; readonly timezone: string },
      at: Instant,
      except: ExecutionId | null
    ) => Stored<Usage>
    /** Append-only. */
    readonly record: (userId: UserId, executionId: ExecutionId | null, decision: Decision) => Stored<void>
    /** Newest first, up to one more than `limit`. */
    readonly decisions: (
      userId: UserId,
      ruleId: RuleId,
      query: DecisionQuery
    ) => Stored<ReadonlyArray<typeof DecisionRow.Type>>
  }
>() {
  static readonly layer = Layer.effect(
    ExecutionsRepo,
    Effect.suspend(() => make)
  )
}

const encodeRow = Schema.encodeSync(ExecutionRow)
const encodeDecision = Schema.encodeSync(StoredDecision)
const formatDecimal = Decimal.format

const Sums = Schema.Struct({ spent_total: Decimal.Decimal, executed_count: Schema.Int })
const Named = Schema.Struct({ execution_id: ExecutionRow.fields.execution_id })
const Counted = Schema.Struct({
  ...Named.fields,
  kind: ExecutionRow.fields.kind,
  triggered_at: Schema.Number,
  state: ExecutionRow.fields.state,
  reserved_quote: Decimal.Decimal,
  spent_quote: Decimal.Decimal,
  executed_quantity: Decimal.Decimal
})
type Counted = typeof Counted.Type
const OfRule = Schema.Struct({ user_id: UserId, rule_id: RuleId })
const LastAttempt = Schema.Struct({ at: Schema.NullOr(Schema.Number) })

/** A running execution holds its reservation; a finished one counts what it spent. */
const countedQuote = (row: Counted): Decimal.Decimal => (row.state === "running" ? row.reserved_quote : row.spent_quote)
/** What a late fill of a finished execution could still take. */
const openQuote = (row: Counted): Decimal.Decimal =>
  row.state === "running"
    ? Decimal.zero
    : Decimal.max(Decimal.zero, Decimal.subtract(row.reserved_quote, row.spent_quote))
/** Levels belong to the entry they follow, and exits buy nothing. */
const countsAsBuy = (row: Pick<ExecutionRow, "kind" | "state" | "reserved_quote" | "executed_quantity">): boolean =>
  row.kind === "entry" &&
  (row.state === "running" ? Decimal.isPositive(row.reserved_quote) : Decimal.isPositive(row.executed_quantity))

const settled = (row: ExecutionRow | null) =>
  row === null || row.state === "running"
    ? { quote: Decimal.zero, buys: 0 }
    : { quote: row.spent_quote, buys: countsAsBuy(row) ? 1 : 0 }

/** What its user sees of it did not change. */
const looksAlike = (a: ExecutionRow, b: ExecutionRow): boolean =>
  JSON.stringify(encodeRow(a)) === JSON.stringify(encodeRow(b))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const events = yield* Events

  const tell = (row: ExecutionRow) =>
    events.append(row.user_id, {
      type: "execution.changed",
      objectId: row.execution_id,
      data: toExecution(row)
    })

  const find = <A, I>(Result: Schema.Schema<A, I>, statement: Fragment) =>
    SqlSchema.findAll({ Request: Schema.Void, Result, execute: () => sql`${statement}` })()
  const executions = (rest: Fragment) => find(ExecutionRow, sql`SELECT * FROM executions WHERE ${rest}`)
  const first = (rest: Fragment) => Effect.map(executions(rest), (rows) => Option.fromNullable(rows[0]))

  const ofRule = (userId: UserId, ruleId: RuleId) => sql`user_id = ${userId} AND rule_id = ${ruleId}`

  const bySlot = (row: Pick<ExecutionRow, "user_id" | "rule_id" | "slot" | "kind" | "level">) =>
    sql`${ofRule(row.user_id, row.rule_id)} AND slot = ${row.slot} AND kind = ${row.kind} AND level = ${row.level}`

  const begin = Effect.fn("ExecutionsRepo.begin")((row: ExecutionRow) =>
    database.write(
      Effect.gen(function* () {
        const taken = yield* first(bySlot(row))
        if (Option.isSome(taken)) return taken.value
        yield* sql`INSERT INTO executions ${sql.insert(encodeRow(row))}`
        yield* addToSums(row, null)
        yield* tell(row)
        return row
      })
    )
  )

  const addToSums = Effect.fnUntraced(function* (row: ExecutionRow, before: ExecutionRow | null) {
    const was = settled(before)
    const is = settled(row)
    if (was.buys === is.buys && Decimal.equals(was.quote, is.quote)) return
    const [sums] = yield* find(
      Sums,
      sql`SELECT spent_total, executed_count FROM rules WHERE ${ofRule(row.user_id, row.rule_id)}`
    )
    if (sums === undefined) return
    const spent = Decimal.add(sums.spent_total, Decimal.subtract(is.quote, was.quote))
    yield* sql`UPDATE rules SET spent_total = ${formatDecimal(spent)},
      executed_count = ${sums.executed_count + is.buys - was.buys} WHERE ${ofRule(row.user_id, row.rule_id)}`
  })

  const save = Effect.fn("ExecutionsRepo.save")((row: ExecutionRow) =>
    database.write(
      Effect.gen(function* () {
        const key = sql`user_id = ${row.user_id} AND execution_id = ${row.execution_id}`
        const before = Option.getOrNull(yield* first(key))
        if (before !== null && looksAlike(before, row)) return
        const { user_id: _user, execution_id: _id, ...columns } = encodeRow(row)
        yield* sql`UPDATE executions SET ${sql.update(columns)} WHERE ${key}`
        yield* addToSums(row, before)
        yield* tell(row)
      })
    )
  )

  const usage = Effect.fn("ExecutionsRepo.usage")(
    (
      rule: { readonly userId: UserId; readonly ruleId: RuleId; readonly timezone: string },
      at: Instant,
      except: ExecutionId | null
    ) =>
      database.read(
        Effect.gen(function* () {
          const windows = windowsAt(at, rule.timezone)
          const mine = ofRule(rule.userId, rule.ruleId)
          // Everything older is in the rule's sums; what still runs is in none of them.
          const oldest = Math.min(windows.day, windows.week, windows.month)
          const columns = sql`execution_id, kind, triggered_at, state, reserved_quote, spent_quote, executed_quantity`
          const running = yield* find(
            Counted,
            sql`SELECT ${columns} FROM executions WHERE ${mine} AND state = 'running'`
          )
          const recent = yield* find(
            Counted,
            sql`SELECT ${columns} FROM executions WHERE ${mine} AND triggered_at >= ${oldest} AND state = 'done'`
          )
          // Proven absent from the venue, yet a late fill would open it again: its reservation stays in its windows.
          const neverPlaced = yield* find(
            Named,
            sql`SELECT execution_id FROM orders WHERE ${mine} AND terminal_at >= ${oldest}
              AND status = 'rejected' AND sent_at IS NOT NULL AND refusal IS NULL`
          )
          const [sums] = yield* find(Sums, sql`SELECT spent_total, executed_count FROM rules WHERE ${mine}`)
          const [last] = yield* find(
            LastAttempt,
            sql`SELECT max(triggered_at) AS at FROM executions WHERE ${mine} AND attempted = 1 AND kind = 'entry'
              AND execution_id <> ${except ?? ""}`
          )
          const held = running.filter((row) => row.execution_id !== except)
          const counted = [...held, ...recent.filter((row) => row.execution_id !== except)]
          const since = (start: Instant) => counted.filter((row) => row.triggered_at >= start)
          const reopenable = new Set(neverPlaced.map((row) => row.execution_id))
          const open = (rows: ReadonlyArray<Counted>) =>
            Decimal.sum(rows.filter((row) => reopenable.has(row.execution_id)).map(openQuote))
          const quote = (rows: ReadonlyArray<Counted>) => Decimal.add(Decimal.sum(rows.map(countedQuote)), open(rows))
          const doubtful = open(counted)
          return {
            day: quote(since(windows.day)),
            week: quote(since(windows.week)),
            month: quote(since(windows.month)),
            total: Decimal.sum([sums?.spent_total ?? Decimal.zero, quote(held), doubtful]),
            doubtful,
            executions: (sums?.executed_count ?? 0) + held.filter(countsAsBuy).length,
            executionsToday: since(windows.day).filter(countsAsBuy).length,
            lastAttemptAt: last?.at ?? null
          } satisfies Usage
        })
      )
  )

  return ExecutionsRepo.of({
    begin,
    save,
    find: Effect.fn("ExecutionsRepo.find")((userId, id) =>
      database.read(first(sql`user_id = ${userId} AND execution_id = ${id}`))
    ),
    findBySlot: Effect.fn("ExecutionsRepo.findBySlot")((userId, ruleId, slot) =>
      database.read(first(sql`${ofRule(userId, ruleId)} AND slot = ${slot} AND kind = 'entry' AND level = 0`))
    ),
    list: Effect.fn("ExecutionsRepo.list")((userId, query) =>
      database.read(
        find(
          ListedExecution,
          sql`SELECT * FROM executions WHERE ${sql.and([
            sql`user_id = ${userId}`,
            ...(query.ruleId === undefined ? [] : [sql`rule_id = ${query.ruleId}`]),
            ...(query.from === undefined ? [] : [sql`triggered_at >= ${query.from}`]),
            ...(query.to === undefined ? [] : [sql`triggered_at < ${query.to}`]),
            ...(query.before === null ? [] : [sql`seq < ${query.before}`])
          ])} ORDER BY seq DESC LIMIT ${query.limit + 1}`
        )
      )
    ),
    unfinished: Effect.map(
      database.read(find(OfRule, sql`SELECT DISTINCT user_id, rule_id FROM executions WHERE state = 'running'`)),
      (found) => new Map(found.map((row) => [row.rule_id, row.user_id]))
    ),
    followed: database.read(
      executions(sql`state = 'running' AND (resting = 1 OR waits_until IS NOT NULL) ORDER BY seq`)
    ),
    forget: Effect.fn("ExecutionsRepo.forget")((row) =>
      Effect.asVoid(
        database.write(sql`DELETE FROM executions
          WHERE user_id = ${row.user_id} AND execution_id = ${row.execution_id} AND attempted = 0`)
      )
    ),
    running: Effect.fn("ExecutionsRepo.running")((userId, ruleId) =>
      database.read(executions(sql`${ofRule(userId, ruleId)} AND state = 'running' ORDER BY seq`))
    ),
    usage,
    record: Effect.fn("ExecutionsRepo.record")((userId, executionId, decision) =>
      Effect.asVoid(
        database.write(
          sql`INSERT INTO decisions ${sql.insert({
            user_id: userId,
            rule_id: decision.ruleId,
            execution_id: executionId,
            at: decision.at,
            record: encodeDecision(decision),
            kept: decision.outcome === "skip" ? 0 : 1
          })}`
        )
      )
    ),
    decisions: Effect.fn("ExecutionsRepo.decisions")((userId, ruleId, query) =>
      database.read(
        find(
          DecisionRow,
          sql`SELECT seq, at, execution_id, record FROM decisions WHERE ${sql.and([
            ofRule(userId, ruleId),
            ...(query.before === null ? [] : [sql`seq < ${query.before}`]),
            ...(query.from === undefined ? [] : [sql`at >= ${query.from}`]),
            ...(query.to === undefined ? [] : [sql`at < ${query.to}`]),
            ...(query.at === undefined ? [] : [sql`at <= ${query.at}`])
          ])} ORDER BY seq DESC LIMIT ${query.limit + 1}`
        )
      )
    )
  })
})
