import * as Decimal from "../../../domain/Decimal.ts"
import type { OrderId } from "../../../domain/Ids.ts"
import type { SymbolInfo } from "../../../domain/Market.ts"
import type { Operand } from "../../../domain/order/Execution.ts"
import type { Order } from "../../../domain/order/Order.ts"
import type { Reason } from "../../../domain/Reason.ts"
import type { RuleDocument, RuleState } from "../../../domain/Rule.ts"
import type { MarketView } from "../../../domain/rule/decision/gates.ts"
import type { PriceBound } from "../../../domain/rule/decision/levels.ts"
import type { Instant } from "../../../domain/Time.ts"
import type { ExecutionRow } from "../../record/rows.ts"
import type { CycleMemory, CycleRow, Exiting } from "../../record/cycle/CycleRow.ts"
import type { CycleLots } from "../../record/cycle/CyclesRepo.ts"

export type Kind = ExecutionRow["kind"]

/** An order of the cycle whose end is not proven, or whose fills are not all known. */
export interface OpenOrder {
  readonly kind: Kind
  readonly level: number
  readonly order: Order
}

/** Everything a cycle's next step is decided from: rows of the database, and the market as it is. */
export interface Snapshot {
  readonly cycle: CycleRow
  /** Of the version the cycle began with. */
  readonly document: RuleDocument
  readonly ruleState: RuleState
  /** Oldest first. */
  readonly executions: ReadonlyArray<ExecutionRow>
  readonly open: ReadonlyArray<OpenOrder>
  readonly lots: CycleLots
  /** What the rule's book holds: less than the cycle's lots once something else was sold from it. */
  readonly book: Decimal.Decimal
  /** Free base less what orders reserve; null when it could not be read. */
  readonly free: Decimal.Decimal | null
  readonly symbol: SymbolInfo | null
  readonly view: MarketView | null
  /** The last trade: what levels wait for. */
  readonly last: Decimal.Decimal | null
  /** What exits look at: the last trade, the bid, or the last close. */
  readonly price: Decimal.Decimal | null
  /** When `price` may change other than by a tick. */
  readonly nextCloseAt: Instant | null
  readonly now: Instant
  /** Steps the market or the venue refused a moment ago, by kind and level: not before this wall-clock pause is over. */
  readonly resting: ReadonlySet<string>
}

export const stepName = (kind: Kind, level: number): string => `${kind} ${level}`

/** An order the cycle wants sent; `slot` names it for ever. */
export interface CycleAsk {
  readonly kind: "level" | "exit"
  readonly level: number
  readonly slot: string
  readonly label: string
  readonly operands: ReadonlyArray<Operand>
  readonly type: Order["type"]
  readonly price: Decimal.Decimal | null
  readonly quantity: Decimal.Decimal | null
  readonly quoteAmount: Decimal.Decimal | null
  /** The most quote it can take, fees included; zero for a sale. */
  readonly worst: Decimal.Decimal
  readonly asked: Decimal.Decimal | null
}

/** What would change the next step: a price of the last trade, one of the exit's own, a market time. */
export interface Waiting {
  readonly bounds: ReadonlyArray<PriceBound>
  readonly exitBounds: ReadonlyArray<PriceBound>
  readonly until: Instant | null
  /** Something has to be proven or to be refused no longer: look again soon, by the wall clock. */
  readonly soon: boolean
}

export type Step =
  | { readonly do: "cancel"; readonly orders: ReadonlyArray<OrderId> }
  | { readonly do: "exit"; readonly exiting: Exiting; readonly operands: ReadonlyArray<Operand> }
  | { readonly do: "remember"; readonly memory: CycleMemory }
  | { readonly do: "send"; readonly ask: CycleAsk }
  | { readonly do: "close"; readonly reason: Reason; readonly bought: boolean }
  | { readonly do: "wait"; readonly waiting: Waiting }

export const nothing: Waiting = { bounds: [], exitBounds: [], until: null, soon: false }
export const soon: Waiting = { ...nothing, soon: true }

const earliest = (a: Instant | null, b: Instant | null): Instant | null =>
  a === null ? b : b === null ? a : Math.min(a, b)

export const together = (all: ReadonlyArray<Waiting>): Waiting =>
  all.reduce(
    (sum, next) => ({
      bounds: [...sum.bounds, ...next.bounds],
      exitBounds: [...sum.exitBounds, ...next.exitBounds],
      until: earliest(sum.until, next.until),
      soon: sum.soon || next.soon
    }),
    nothing
  )

/** All the attempts at one level or exit, oldest first. */
export const attemptsAt = ({ executions }: Snapshot, kind: Kind, level: number): ReadonlyArray<ExecutionRow> =>
  executions.filter((row) => row.kind === kind && row.level === level)

/** Each attempt has a name of its own, counted from the table: none is ever sent twice. */
export const slotOf = (snapshot: Snapshot, kind: Kind, level: number): string => {
  const attempts = attemptsAt(snapshot, kind, level).length
  return attempts === 0 ? snapshot.cycle.cycle_id : `${snapshot.cycle.cycle_id}~${attempts}`
}

/** What the cycle holds and may sell: an owner who closes a position means all the rule holds. */
export const heldOf = ({ book, cycle, lots }: Snapshot): Decimal.Decimal =>
  cycle.memory.exiting?.cause === "close" ? book : Decimal.max(Decimal.zero, Decimal.min(lots.lots.quantity, book))

/** Net average cost of the cycle's own buys, fees included. */
export const averageOf = ({ lots }: Snapshot): Decimal.Decimal | null =>
  Decimal.isPositive(lots.lots.quantity) ? Decimal.divide(lots.lots.totalCost, lots.lots.quantity) : null

export const isBuy = ({ order }: OpenOrder): boolean => order.side === "buy"

/** Ends by itself at once, so that cancelling it only gets in the way. */
export const isImmediate = ({ order }: OpenOrder): boolean =>
  order.type === "immediateOrCancel" || order.type === "fillOrKill" || order.type === "market"

export const isProvenOpen = ({ order }: OpenOrder): boolean =>
  order.status === "open" || order.status === "partiallyFilled"
