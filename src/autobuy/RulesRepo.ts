import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Array as Arrays, Context, Effect, Layer, Option, Schema, Struct } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { sha256 } from "../domain/audit/chain.ts"
import type { StoredRule } from "../domain/Event.ts"
import { type RuleId, UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { Reason } from "../domain/Reason.ts"
import type { RuleDocument, RuleState } from "../domain/Rule.ts"
import type { Instant } from "../domain/Time.ts"
import { service, whoActs } from "../store/audit/acting.ts"
import { Audit } from "../store/Audit.ts"
import { Database } from "../store/Database.ts"
import { Events } from "../store/Events.ts"
import { aboutRule, nameOf, RulePage, RuleRow, type Runtime, StoredReason, StoredRuntime } from "./record/rows.ts"
import { StoredDocument } from "./record/storedDocument.ts"

type Stored<A> = Effect.Effect<A, DatabaseUnavailable>

export type RunningVersion = Pick<RuleRow, "user_id" | "rule_id" | "version">

export interface RuleQuery {
  readonly state?: RuleState
  readonly symbol?: SymbolName
  readonly limit: number
  readonly before: RuleId | null
}

/** Rules, every version of their documents, and what their programs remember. */
export class RulesRepo extends Context.Tag("dipper/autobuy/RulesRepo")<
  RulesRepo,
  {
    /** The rule and its first version; call it inside `Database.write` where more commits with it. */
    readonly insert: (row: RuleRow) => Stored<void>
    readonly find: (userId: UserId, id: RuleId) => Stored<Option.Option<RuleRow>>
    /** Newest first, up to one more than `limit`; archived rules only when asked for. */
    readonly list: (userId: UserId, query: RuleQuery) => Stored<ReadonlyArray<RuleRow>>
    /** Rules that are not archived. */
    readonly count: (userId: UserId) => Stored<number>
    /** A new version, unless the current one is another than `expected`; tells whether it was written. */
    readonly update: (
      userId: UserId,
      id: RuleId,
      expected: number,
      next: {
        readonly document: RuleDocument
        readonly state: RuleState
        readonly runtime: Runtime
        readonly at: Instant
      }
    ) => Stored<boolean>
    /** Changes the state if it is one of `from`; tells whether it did. */
    readonly setState: (
      userId: UserId,
      id: RuleId,
      from: ReadonlyArray<RuleState>,
      to: { readonly state: RuleState; readonly reason: Reason | null; readonly at: Instant }
    ) => Stored<boolean>
    /** Only while this version of the rule is active; tells whether it was written. */
    readonly saveRuntime: (rule: RunningVersion, runtime: Runtime) => Stored<boolean>
    /** Counts skipped firings in a row: one more, or none again; gives the count. */
    readonly countSkip: (userId: UserId, id: RuleId, skipped: boolean) => Stored<number>
    readonly saveFailures: (userId: UserId, id: RuleId, failures: number) => Stored<void>
    /** Of every user: what the engine runs, some at a time in the order of users and ids. */
    readonly active: (after: Pick<RuleRow, "user_id" | "rule_id"> | null) => Stored<ReadonlyArray<RuleRow>>
    /** Users with an active rule. */
    readonly owners: Stored<ReadonlyArray<UserId>>
    readonly countByState: Stored<Readonly<Record<string, number>>>
  }
>() {
  static readonly layer = Layer.effect(
    RulesRepo,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Audit.layer))
}

/** Without `computed`, which follows the market. */
const toStored = (row: RuleRow): StoredRule => ({
  id: row.rule_id,
  version: row.version,
  state: row.state,
  pauseReason: row.pause_reason,
  ...row.document,
  createdAt: row.created_at,
  updatedAt: row.updated_at
})

const encodeRow = Schema.encodeSync(RuleRow)
const encodeDocument = Schema.encodeSync(StoredDocument)
const encodeRuntime = Schema.encodeSync(StoredRuntime)
const encodeReason = Schema.encodeSync(Schema.NullOr(StoredReason))

/** Few enough for the loop that reads them to leave room for others, and for the memory they take meanwhile. */
const activeAtOnce = 200

const StateCount = Schema.Struct({ state: Schema.String, rules: Schema.Int })
const Owner = Schema.Struct({ user_id: UserId })
const Count = Schema.Struct({ rules: Schema.Int })
const Objects = Schema.parseJson(Schema.Array(Schema.Object))
const Page = Schema.Struct({ rows: Objects, documents: Objects })
const withDocuments = ({ documents, rows }: typeof Page.Type) =>
  Arrays.zipWith(rows, documents, (row, document) => ({ ...row, document }))
const decodePage = Schema.decodeUnknown(RulePage)
const Skips = Schema.Struct({ skips: Schema.Int })

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const audit = yield* Audit
  const database = yield* Database
  const events = yield* Events

  const rows = (rest: Fragment) =>
    database.read(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: RuleRow,
        execute: () => sql`SELECT * FROM rules ${rest}`
      })()
    )

  const find = (userId: UserId, id: RuleId) =>
    Effect.map(rows(sql`WHERE ${isRule(userId, id)}`), (found) => Option.fromNullable(found[0]))

  const toldOf = (row: RuleRow) =>
    Effect.asVoid(events.append(row.user_id, { type: "rule.changed", objectId: row.rule_id, data: toStored(row) }))

  /** Call it inside the transaction of the change. */
  const tell = (userId: UserId, id: RuleId) =>
    Effect.flatMap(find(userId, id), Option.match({ onNone: () => Effect.void, onSome: toldOf }))

  /** What stopped by itself is told apart: its owner did not ask for it. */
  const notice = Effect.fnUntraced(function* (userId: UserId, id: RuleId, state: RuleState, why: Reason | null) {
    if ((state !== "paused" && state !== "quarantined") || why?.code === "BY_USER") return
    const rule = Option.getOrNull(yield* find(userId, id))
    if (rule === null) return
    const type = state === "paused" ? "notice.rulePaused" : "notice.ruleQuarantined"
    const text = `${nameOf(rule)} ${state === "paused" ? "paused" : "is quarantined"}: ${why?.text ?? "no reason is known"}`
    yield* events.append(userId, { type, objectId: id, data: { text, ...aboutRule(rule), reason: why } })
  })

  /**
   * A start reads a hundred thousand rows: the driver takes as long to make objects of them as SQLite to read them, and
   * SQLite itself to look through documents that are JSON already.
   */
  const besidesDocument = sql.csv(
    Struct.keys(Struct.omit(RuleRow.fields, "document")).map((column) => sql.literal(`'${column}', ${column}`))
  )

  const isRule = (userId: UserId, id: RuleId) => sql`user_id = ${userId} AND rule_id = ${id}`

  return RulesRepo.of({
    insert: Effect.fn("RulesRepo.insert")((row) =>
      database.write(
        Effect.gen(function* () {
          const encoded = encodeRow(row)
          yield* sql`INSERT INTO rules ${sql.insert(encoded)}`
          const { user_id, rule_id, version, document, created_at } = encoded
          yield* audit.append({
            action: row.pause_reason?.code === "IMPORTED" ? "ruleImported" : "ruleCreated",
            user: row.user_id,
            objectId: rule_id,
            after: sha256(document),
            detail: { version: String(version), state: row.state, symbol: row.symbol, name: row.document.name }
          })
          yield* sql`INSERT INTO rule_versions ${sql.insert({ user_id, rule_id, version, document, created_at })}`
          yield* toldOf(row)
        })
      )
    ),
    find: Effect.fn("RulesRepo.find")(find),
    list: Effect.fn("RulesRepo.list")((userId, query) =>
      rows(
        sql`WHERE ${sql.and([
          sql`user_id = ${userId}`,
          query.state === undefined ? sql`state <> 'archived'` : sql`state = ${query.state}`,
          ...(query.symbol === undefined ? [] : [sql`symbol = ${query.symbol}`]),
          ...(query.before === null ? [] : [sql`rule_id < ${query.before}`])
        ])} ORDER BY rule_id DESC LIMIT ${query.limit + 1}`
      )
    ),
    count: Effect.fn("RulesRepo.count")((userId) =>
      database
        .read(
          SqlSchema.findAll({
            Request: Schema.Void,
            Result: Count,
            execute: () => sql`SELECT count(*) AS rules FROM rules WHERE user_id = ${userId} AND state <> 'archived'`
          })()
        )
        .pipe(Effect.map(([counted]) => counted?.rules ?? 0))
    ),
    update: Effect.fn("RulesRepo.update")((userId, id, expected, next) =>
      database.write(
        Effect.gen(function* () {
          const document = encodeDocument(next.document)
          const version = expected + 1
          const before = Option.getOrNull(yield* find(userId, id))
          const changed = yield* sql`UPDATE rules SET ${sql.update({
            version,
            state: next.state,
            symbol: next.document.symbol,
            document,
            runtime: encodeRuntime(next.runtime),
            updated_at: next.at
          })} WHERE ${isRule(userId, id)} AND version = ${expected} RETURNING rule_id`
          if (changed.length === 0) return false
          const row = { user_id: userId, rule_id: id, version, document, created_at: next.at }
          yield* sql`INSERT INTO rule_versions ${sql.insert(row)}`
          yield* audit.append({
            action: "ruleUpdated",
            user: userId,
            objectId: id,
            before: before === null ? null : sha256(encodeDocument(before.document)),
            after: sha256(document),
            detail: {
              version: String(version),
              state: next.state,
              symbol: next.document.symbol,
              name: next.document.name
            }
          })
          yield* tell(userId, id)
          return true
        })
      )
    ),
    setState: Effect.fn("RulesRepo.setState")((userId, id, from, to) =>
      database.write(
        Effect.gen(function* () {
          const changed =
            yield* sql`UPDATE rules SET state = ${to.state}, pause_reason = ${encodeReason(to.reason)}, updated_at = ${to.at}
              WHERE ${isRule(userId, id)} AND ${sql.in("state", from)} RETURNING rule_id`
          if (changed.length === 0) return false
          // Who waits for what a request has begun goes on in its fibers: the reason tells better who wanted it.
          const byOwner = to.reason === null || to.reason.code === "BY_USER"
          yield* audit.append({
            action: to.state === "archived" ? "ruleArchived" : "ruleStateChanged",
            user: userId,
            objectId: id,
            detail: { state: to.state, ...(to.reason === null ? {} : { reason: to.reason.code }) },
            acting: byOwner ? yield* whoActs : service
          })
          yield* tell(userId, id)
          yield* notice(userId, id, to.state, to.reason)
          return true
        })
      )
    ),
    countSkip: Effect.fn("RulesRepo.countSkip")((userId, id, skipped) =>
      database.write(
        Effect.map(
          SqlSchema.findAll({
            Request: Schema.Void,
            Result: Skips,
            execute: () => sql`UPDATE rules SET skips = ${skipped ? sql`skips + 1` : sql`0`}
              WHERE ${isRule(userId, id)} ${skipped ? sql`` : sql`AND skips > 0`} RETURNING skips`
          })(),
          ([row]) => row?.skips ?? 0
        )
      )
    ),
    saveRuntime: Effect.fn("RulesRepo.saveRuntime")(({ user_id, rule_id, version }, runtime) =>
      database
        .write(
          sql`UPDATE rules SET runtime = ${encodeRuntime(runtime)}
            WHERE ${isRule(user_id, rule_id)} AND version = ${version} AND state = 'active' RETURNING rule_id`
        )
        .pipe(Effect.map((written) => written.length > 0))
    ),
    saveFailures: Effect.fn("RulesRepo.saveFailures")((userId, id, failures) =>
      Effect.asVoid(database.write(sql`UPDATE rules SET failures = ${failures} WHERE ${isRule(userId, id)}`))
    ),
    active: (after) =>
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: Page,
          // The plus keeps the index of states out, which would read and sort all active rules for each page.
          execute: () => sql`SELECT json_group_array(json_object(${besidesDocument})) AS rows,
              '[' || coalesce(group_concat(document), '') || ']' AS documents FROM (
              SELECT * FROM rules WHERE +state = 'active' ${
                after === null ? sql`` : sql`AND (user_id, rule_id) > (${after.user_id}, ${after.rule_id})`
              } ORDER BY user_id, rule_id LIMIT ${activeAtOnce})`
        })().pipe(Effect.flatMap(([page]) => decodePage(page === undefined ? [] : withDocuments(page))))
      ),
    owners: Effect.map(
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: Owner,
          execute: () => sql`SELECT DISTINCT user_id FROM rules WHERE state = 'active'`
        })()
      ),
      (found) => found.map(({ user_id: id }) => id)
    ),
    countByState: database
      .read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: StateCount,
          execute: () => sql`SELECT state, count(*) AS rules FROM rules GROUP BY state`
        })()
      )
      .pipe(Effect.map((counts) => Object.fromEntries(counts.map(({ state, rules }) => [state, rules]))))
  })
})
