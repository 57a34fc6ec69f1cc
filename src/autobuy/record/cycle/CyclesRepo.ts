import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Context, Effect, Layer, Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../../../api/Errors.ts"
import * as Decimal from "../../../domain/Decimal.ts"
import type { CycleId, RuleId, UserId } from "../../../domain/Ids.ts"
import { Side } from "../../../domain/Market.ts"
import { foldLots } from "../../../domain/order/lots.ts"
import type { Lots } from "../../../domain/Position.ts"
import type { Reason } from "../../../domain/Reason.ts"
import { RuleDocument } from "../../../domain/Rule.ts"
import type { Instant } from "../../../domain/Time.ts"
import { Database } from "../../../store/Database.ts"
import { Events } from "../../../store/Events.ts"
import { ExecutionRow, StoredReason } from "../rows.ts"
import { CycleMemory, CycleRow, toldCycle } from "./CycleRow.ts"

type Stored<A> = Effect.Effect<A, DatabaseUnavailable>

/** What a cycle has bought and sold: gross quantities, and the lots it still holds with their cost. */
export interface CycleLots {
  readonly bought: Decimal.Decimal
  readonly sold: Decimal.Decimal
  readonly lots: Lots
}

/** Cycles in the database. Each change is told to the user in its own transaction. */
export class CyclesRepo extends Context.Tag("dipper/autobuy/CyclesRepo")<
  CyclesRepo,
  {
    /** Call it in the transaction of the entry's intent, after `openOf` has found none. */
    readonly insert: (row: CycleRow) => Stored<void>
    readonly find: (userId: UserId, id: CycleId) => Stored<Option.Option<CycleRow>>
    readonly openOf: (userId: UserId, ruleId: RuleId) => Stored<Option.Option<CycleRow>>
    /** The rule's last cycle that held something and ended. */
    readonly lastClosed: (userId: UserId, ruleId: RuleId) => Stored<Option.Option<CycleRow>>
    /** Of every user: what the engine runs. */
    readonly open: Stored<ReadonlyArray<CycleRow>>
    /** Cycles that held something and ended. */
    readonly completed: (userId: UserId, ruleId: RuleId) => Stored<number>
    /** Only while it is open. */
    readonly remember: (row: CycleRow, memory: CycleMemory) => Stored<void>
    readonly close: (
      row: CycleRow,
      end: { readonly reason: Reason; readonly bought: boolean; readonly at: Instant }
    ) => Stored<void>
    /** Everything the cycle has done, oldest first. */
    readonly executions: (userId: UserId, id: CycleId) => Stored<ReadonlyArray<ExecutionRow>>
    /** Folded from the fills of the cycle's own orders, fees included. */
    readonly lots: (userId: UserId, id: CycleId) => Stored<CycleLots>
    /** The document of the version the cycle began with. */
    readonly document: (row: CycleRow) => Stored<RuleDocument>
  }
>() {
  static readonly layer = Layer.effect(
    CyclesRepo,
    Effect.suspend(() => make)
  )
}

const encodeRow = Schema.encodeSync(CycleRow)
const encodeMemory = Schema.encodeSync(Schema.parseJson(CycleMemory))
const encodeReason = Schema.encodeSync(StoredReason)

const FillOfCycle = Schema.Struct({
  side: Side,
  price: Decimal.Decimal,
  quantity: Decimal.Decimal,
  quote_quantity: Decimal.Decimal,
  fee_asset: Schema.String,
  fee_amount: Decimal.Decimal,
  base_asset: Schema.String,
  quote_asset: Schema.String
})
const Count = Schema.Struct({ cycles: Schema.Int })
const Version = Schema.Struct({ document: Schema.parseJson(RuleDocument) })

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const events = yield* Events

  const find = <A, I>(Result: Schema.Schema<A, I>, statement: Fragment) =>
    database.read(SqlSchema.findAll({ Request: Schema.Void, Result, execute: () => sql`${statement}` })())
  const first = (rest: Fragment) =>
    Effect.map(find(CycleRow, sql`SELECT * FROM cycles WHERE ${rest}`), (rows) => Option.fromNullable(rows[0]))
  const ofRule = (userId: UserId, ruleId: RuleId) => sql`user_id = ${userId} AND rule_id = ${ruleId}`
  const tell = (row: CycleRow) =>
    events.append(row.user_id, { type: "cycle.changed", objectId: row.cycle_id, data: toldCycle(row) })

  const amend = (before: CycleRow, after: CycleRow, columns: Fragment) =>
    database.write(
      Effect.gen(function* () {
        const changed = yield* sql`UPDATE cycles SET ${columns}
          WHERE user_id = ${before.user_id} AND cycle_id = ${before.cycle_id} AND state = 'open' RETURNING seq`
        if (changed.length > 0) yield* tell(after)
      })
    )

  const lots = Effect.fn("CyclesRepo.lots")(function* (userId: UserId, id: CycleId) {
    const fills = yield* find(
      FillOfCycle,
      sql`SELECT f.side, f.price, f.quantity, f.quote_quantity, f.fee_asset, f.fee_amount, f.base_asset, f.quote_asset
        FROM orders o JOIN fills f ON f.user_id = o.user_id AND f.order_id = o.order_id
        WHERE o.user_id = ${userId} AND o.cycle_id = ${id} ORDER BY f.at, length(f.trade_id), f.trade_id`
    )
    const [one] = fills
    const pair = { baseAsset: one?.base_asset ?? "", quoteAsset: one?.quote_asset ?? "" }
    const total = (side: Side) => Decimal.sum(fills.filter((fill) => fill.side === side).map((fill) => fill.quantity))
    const folded = fills.map((fill) => ({
      side: fill.side,
      price: fill.price,
      quantity: fill.quantity,
      quoteQuantity: fill.quote_quantity,
      fee: { asset: fill.fee_asset, amount: fill.fee_amount }
    }))
    return { bought: total("buy"), sold: total("sell"), lots: foldLots(folded, pair) } satisfies CycleLots
  })

  return CyclesRepo.of({
    insert: Effect.fn("CyclesRepo.insert")((row) =>
      database.write(Effect.zipRight(sql`INSERT INTO cycles ${sql.insert(encodeRow(row))}`, Effect.asVoid(tell(row))))
    ),
    find: Effect.fn("CyclesRepo.find")((userId, id) => first(sql`user_id = ${userId} AND cycle_id = ${id}`)),
    openOf: Effect.fn("CyclesRepo.openOf")((userId, ruleId) =>
      first(sql`${ofRule(userId, ruleId)} AND state = 'open'`)
    ),
    lastClosed: Effect.fn("CyclesRepo.lastClosed")((userId, ruleId) =>
      first(sql`${ofRule(userId, ruleId)} AND state = 'closed' AND bought = 1 ORDER BY seq DESC LIMIT 1`)
    ),
    open: find(CycleRow, sql`SELECT * FROM cycles WHERE state = 'open' ORDER BY seq`),
    completed: Effect.fn("CyclesRepo.completed")((userId, ruleId) =>
      Effect.map(
        find(
          Count,
          sql`SELECT count(*) AS cycles FROM cycles WHERE ${ofRule(userId, ruleId)} AND state = 'closed' AND bought = 1`
        ),
        ([row]) => row?.cycles ?? 0
      )
    ),
    remember: Effect.fn("CyclesRepo.remember")((row, memory) =>
      amend(row, { ...row, memory }, sql`memory = ${encodeMemory(memory)}`)
    ),
    close: Effect.fn("CyclesRepo.close")((row, { at, bought, reason }) =>
      amend(
        row,
        { ...row, state: "closed", reason, bought, closed_at: at },
        sql`state = 'closed', reason = ${encodeReason(reason)}, bought = ${bought ? 1 : 0}, closed_at = ${at}`
      )
    ),
    executions: Effect.fn("CyclesRepo.executions")((userId, id) =>
      find(ExecutionRow, sql`SELECT * FROM executions WHERE user_id = ${userId} AND cycle_id = ${id} ORDER BY seq`)
    ),
    lots,
    document: Effect.fn("CyclesRepo.document")((row) =>
      Effect.flatMap(
        find(
          Version,
          sql`SELECT document FROM rule_versions WHERE ${ofRule(row.user_id, row.rule_id)} AND version = ${row.rule_version}`
        ),
        ([version]) =>
          version === undefined
            ? Effect.dieMessage(`version ${row.rule_version} of ${row.rule_id} is gone`)
            : Effect.succeed(version.document)
      )
    )
  })
})
