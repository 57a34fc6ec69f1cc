import { Schema } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import { CycleId, RuleId, UserId } from "../../../domain/Ids.ts"
import { SymbolName } from "../../../domain/Market.ts"
import { StoredReason } from "../rows.ts"
import type { CycleChange } from "../../../domain/event/CycleChange.ts"

/**
 * Why a whole position is being given up: `stopLoss` and `trailing` by the price, `close` by the owner, `release` when
 * the owner keeps the lots, `over` when nothing that could be sold is left.
 */
export const ExitCause = Schema.Literal("stopLoss", "trailing", "close", "release", "over")
export type ExitCause = typeof ExitCause.Type

/** Decided once: whatever the price does afterwards, and whatever happens to this process, it is carried through. */
export const Exiting = Schema.Struct({
  cause: ExitCause,
  at: Schema.Number,
  /** The price that decided it; null where no price did. */
  price: Schema.NullOr(Decimal.Decimal)
})
export interface Exiting extends Schema.Schema.Type<typeof Exiting> {}

/** The highest price since the trailing stop was armed; null until then. */
export const CycleMemory = Schema.Struct({
  high: Schema.NullOr(Decimal.Decimal),
  exiting: Schema.NullOr(Exiting)
})
export interface CycleMemory extends Schema.Schema.Type<typeof CycleMemory> {}

export const freshMemory: CycleMemory = { high: null, exiting: null }

/** A row of `cycles`. */
export const CycleRow = Schema.Struct({
  user_id: UserId,
  cycle_id: CycleId,
  rule_id: RuleId,
  rule_version: Schema.Int,
  symbol: SymbolName,
  state: Schema.Literal("open", "closed"),
  reason: Schema.NullOr(StoredReason),
  /** Whether it ever held anything: a cycle whose entry found no seller does not count as one. */
  bought: Schema.transform(Schema.Int, Schema.Boolean, {
    strict: true,
    decode: (stored) => stored !== 0,
    encode: (bought) => (bought ? 1 : 0)
  }),
  memory: Schema.parseJson(CycleMemory),
  opened_at: Schema.Number,
  closed_at: Schema.NullOr(Schema.Number)
})
export interface CycleRow extends Schema.Schema.Type<typeof CycleRow> {}

/** A cycle as `cycle.changed` tells it. */
export const toldCycle = (row: CycleRow): CycleChange => ({
  id: row.cycle_id,
  ruleId: row.rule_id,
  ruleVersion: row.rule_version,
  symbol: row.symbol,
  state: row.state,
  exiting: row.memory.exiting?.cause ?? null,
  trailingHigh: row.memory.high,
  reason: row.reason,
  openedAt: row.opened_at,
  closedAt: row.closed_at
})
