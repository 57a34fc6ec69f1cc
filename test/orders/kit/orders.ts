import * as SqlClient from "@effect/sql/SqlClient"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { ClientOrderId, type OrderId, makeOrderId, UserId } from "../../../src/domain/Ids.ts"
import { SymbolName, type SymbolInfo } from "../../../src/domain/Market.ts"
import type { VenueFill, VenueOrder } from "../../../src/domain/order/Order.ts"
import type { OrderRow } from "../../../src/orders/record/OrderRow.ts"

export const d = Decimal.unsafe
export const ann = UserId.make("local_ann")
export const bob = UserId.make("local_bob")
export const btc = SymbolName.make("BTCUSDT")
export const pair = { baseAsset: "BTC", quoteAsset: "USDT" }

export const btcInfo: SymbolInfo = {
  symbol: btc,
  ...pair,
  tradable: true,
  untradableReason: null,
  orderTypes: ["market", "limit", "immediateOrCancel"],
  priceTick: d("0.01"),
  quantityStep: d("0.000001"),
  minQuantity: null,
  minNotional: d("1"),
  maxNotional: d("2000000"),
  marketMinNotional: d("1"),
  marketMaxNotional: d("100000"),
  makerFeeRate: d("0"),
  takerFeeRate: d("0.0005"),
  asOf: 0
}

export const addUsers = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.forEach([ann, bob], (user) => sql`INSERT INTO users ${sql.insert({ user_id: user, created_at: 0 })}`)
).pipe(Effect.orDie)

export const clientIdOf = (n: number): ClientOrderId => ClientOrderId.make(`dp${String(n).padStart(30, "0")}`)

export const intentRow = (id: OrderId, n: number, over: Partial<OrderRow> = {}): OrderRow => ({
  user_id: ann,
  order_id: id,
  version: 1,
  venue: "paper",
  book: "manual",
  client_order_id: clientIdOf(n),
  exchange_order_id: null,
  symbol: btc,
  base_asset: "BTC",
  quote_asset: "USDT",
  side: "buy",
  type: "limit",
  status: "pending",
  price: d("10"),
  quantity: d("3"),
  quote_amount: null,
  reserve_asset: "USDT",
  reserve_amount: d("30"),
  origin: "manual",
  rule_id: null,
  rule_version: null,
  execution_id: null,
  cycle_id: null,
  slot: null,
  kind: null,
  level: null,
  note: null,
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
  requested_at: 0,
  sent_at: null,
  unknown_since: null,
  unknown_since_wall: null,
  terminal_at: null,
  updated_at: 0,
  credential: null,
  held_at: null,
  resolution: null,
  ...over
})

export const newIntent = (n: number, over: Partial<OrderRow> = {}) =>
  Effect.map(makeOrderId(), (id) => intentRow(id, n, over))

export const told = (
  n: number,
  status: VenueOrder["status"],
  executed: string,
  quote: string,
  over: Partial<VenueOrder> = {}
): VenueOrder => ({
  symbol: btc,
  exchangeOrderId: `C${n}`,
  clientOrderId: clientIdOf(n),
  side: "buy",
  type: "limit",
  status,
  price: d("10"),
  quantity: d("3"),
  quoteAmount: null,
  executedQuantity: d(executed),
  executedQuote: d(quote),
  createdAt: 1,
  at: 5,
  ...over
})

export const fillOf = (
  n: number,
  tradeId: string,
  quantity: string,
  price: string,
  over: Partial<VenueFill> = {}
): VenueFill => ({
  symbol: btc,
  tradeId,
  exchangeOrderId: `C${n}`,
  clientOrderId: null,
  side: "buy",
  price: d(price),
  quantity: d(quantity),
  quoteQuantity: Decimal.multiply(d(quantity), d(price)),
  fee: { asset: "USDT", amount: d("0.01") },
  maker: false,
  at: 4,
  ...over
})
