import type { Redacted } from "effect"
import type { Decimal } from "../domain/Decimal.ts"
import type { BookLevel, Interval, OrderType, Side } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"

export type Permission = "SPOT_ACCOUNT_READ" | "SPOT_DEAL_READ" | "SPOT_DEAL_WRITE" | "SPOT_WITHDRAW_WRITE"

export interface PaperAccount {
  readonly id: string
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  readonly permissions: ReadonlySet<Permission>
}

export interface AccountRequest {
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  /** Booked as deposits when the account is new; an existing account keeps its balances. */
  readonly balances: Readonly<Record<string, Decimal>>
  readonly permissions?: ReadonlyArray<Permission>
}

export interface PlaceRequest {
  readonly symbol: string
  readonly side: Side
  readonly type: OrderType
  readonly quantity: Decimal | null
  readonly quoteOrderQty: Decimal | null
  readonly price: Decimal | null
  readonly clientOrderId: string | null
}

/** An order is named by the exchange's id or by the client's. */
export type OrderReference = { readonly orderId: string } | { readonly clientOrderId: string }

export interface PaperBalance {
  readonly asset: string
  readonly free: Decimal
  readonly locked: Decimal
}

export interface PaperBook {
  readonly symbol: string
  /** Best first. */
  readonly bids: ReadonlyArray<BookLevel>
  readonly asks: ReadonlyArray<BookLevel>
  readonly version: bigint
  readonly at: Instant
}

/** The last 24 hours of one pair; best prices are null while that side of the book is empty. */
export interface PaperTicker {
  readonly symbol: string
  readonly last: Decimal
  readonly bestBid: BookLevel | null
  readonly bestAsk: BookLevel | null
  readonly open: Decimal
  readonly high: Decimal
  readonly low: Decimal
  readonly volume: Decimal
  readonly quoteVolume: Decimal
  readonly at: Instant
}

export interface CandleQuery {
  readonly symbol: string
  readonly interval: Interval
  /** Inclusive. */
  readonly from?: Instant
  /** Exclusive. */
  readonly to?: Instant
  readonly limit: number
}

export interface TimeWindow {
  readonly from: Instant
  readonly to: Instant
  readonly limit: number
}
