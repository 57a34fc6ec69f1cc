import * as Decimal from "../../domain/Decimal.ts"
import type { ClientOrderId, OrderId, UserId } from "../../domain/Ids.ts"
import type { BookName } from "../../domain/order/Order.ts"
import { quoteNeeded, type ApprovedOrder } from "../../domain/order/risk.ts"
import type { Instant } from "../../domain/Time.ts"
import type { OrderRow } from "./OrderRow.ts"
import type { RuleOrder } from "./OrderRequest.ts"

export interface IntentNames {
  readonly userId: UserId
  readonly orderId: OrderId
  readonly clientOrderId: ClientOrderId
  readonly venue: string
  readonly book: BookName
  readonly note: string | null
  /** Fingerprint of the exchange key it is sent with. */
  readonly credential: string
  readonly requestedAt: Instant
  /** null for an order a person placed; its slot already names the attempt. */
  readonly rule: Omit<RuleOrder<never>, "withIntent"> | null
}

/** What the order takes from the free balance until the venue has locked it. */
const reserveOf = ({ draft, side, symbol }: ApprovedOrder) =>
  side === "buy"
    ? { reserve_asset: symbol.quoteAsset, reserve_amount: quoteNeeded(draft) ?? Decimal.zero }
    : { reserve_asset: symbol.baseAsset, reserve_amount: draft.quantity ?? Decimal.zero }

/** The row that is committed before anything is sent. */
export const intentRow = (order: ApprovedOrder, names: IntentNames): OrderRow => {
  const { draft, side, symbol } = order
  const { rule } = names
  return {
    user_id: names.userId,
    order_id: names.orderId,
    version: 1,
    venue: names.venue,
    book: names.book,
    client_order_id: names.clientOrderId,
    exchange_order_id: null,
    symbol: symbol.symbol,
    base_asset: symbol.baseAsset,
    quote_asset: symbol.quoteAsset,
    side,
    type: draft.type,
    status: "pending",
    price: draft.price,
    quantity: draft.quantity,
    quote_amount: draft.quoteAmount,
    ...reserveOf(order),
    origin: rule === null ? "manual" : rule.kind === "exit" ? "exit" : "rule",
    rule_id: rule?.ruleId ?? null,
    rule_version: rule?.ruleVersion ?? null,
    execution_id: rule?.executionId ?? null,
    cycle_id: rule?.cycleId ?? null,
    slot: rule?.slot ?? null,
    kind: rule?.kind ?? null,
    level: rule?.level ?? null,
    note: names.note,
    told_quantity: Decimal.zero,
    told_quote: Decimal.zero,
    closed: "no",
    closed_at: null,
    executed_quantity: Decimal.zero,
    executed_quote: Decimal.zero,
    fees: [],
    explained: true,
    reject_reason: null,
    refusal: null,
    unfilled_reason: null,
    requested_at: names.requestedAt,
    sent_at: null,
    unknown_since: null,
    unknown_since_wall: null,
    terminal_at: null,
    updated_at: names.requestedAt,
    credential: names.credential,
    held_at: null,
    resolution: null
  }
}
