import { type Redacted, Schema } from "effect"
import type { Decimal } from "../domain/Decimal.ts"
import type { BookLevel, Interval, OrderType, Side } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"

/** What a key may do, in the venue's words. */
export const Permission = Schema.Literal(
  "SPOT_ACCOUNT_READ",
  "SPOT_ACCOUNT_WRITE",
  "SPOT_DEAL_READ",
  "SPOT_DEAL_WRITE",
  "SPOT_WITHDRAW_READ",
  "SPOT_WITHDRAW_WRITE",
  "SPOT_TRANSFER_READ",
  "SPOT_TRANSFER_WRITE"
)
export type Permission = typeof Permission.Type

/** Fractions of a trade's value. */
export interface FeeRates {
  readonly maker: Decimal
  readonly taker: Decimal
}

export interface PaperAccount {
  readonly id: string
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  readonly permissions: ReadonlySet<Permission>
  /** The only addresses the key may be used from; null: any. */
  readonly ips: ReadonlyArray<string> | null
}

export interface AccountRequest {
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  /** Booked as deposits when the account is new; an existing account keeps its balances. */
  readonly balances: Readonly<Record<string, Decimal>>
  readonly permissions?: ReadonlyArray<Permission>
  readonly ips?: ReadonlyArray<string>
  /** The account's own rates for every pair; the pair's unless given. */
  readonly feeRates?: FeeRates
}

/** What is not given stays as it is. */
export interface KeyRequest {
  readonly accessKey: string
  readonly permissions?: ReadonlyArray<Permission>
  /** null: any address. */
  readonly ips?: ReadonlyArray<string> | null
  readonly deleted?: boolean
  /** Makes the key, for the account that another key is of. */
  readonly added?: { readonly of: string; readonly secretKey: Redacted.Redacted }
}

export interface PlaceRequest {
  readonly symbol: string
  readonly side: Side
  readonly type: OrderType
  readonly quantity: Decimal | null
  readonly quoteOrderQty: Decimal | null
  readonly price: Decimal | null
  readonly clientOrderId: string | null
  /** Kept and shown. It only acts within a strategy group, and this exchange has none. */
  readonly stpMode?: string
  /** The fraction of the wanted amount that may fill at once; a limit's rest then rests, any other's is cancelled. */
  readonly atMost?: Decimal
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

export type WalletType = "SPOT" | "FUTURES"

export interface DepositRequest {
  readonly asset: string
  readonly amount: Decimal
  readonly network?: string
  readonly address?: string
  readonly txId?: string
}

/** A deposit that has arrived; nothing here is ever pending. */
export interface PaperDeposit {
  readonly id: string
  readonly asset: string
  readonly amount: Decimal
  readonly network: string
  readonly address: string
  readonly txId: string
  readonly at: Instant
}

export interface WithdrawRequest {
  readonly asset: string
  readonly amount: Decimal
  /** Taken besides the amount. */
  readonly fee?: Decimal
  readonly network?: string
  readonly address?: string
  readonly memo?: string
  readonly withdrawOrderId?: string
  readonly remark?: string
}

/** A withdrawal that is done. */
export interface PaperWithdrawal {
  readonly id: string
  readonly asset: string
  readonly amount: Decimal
  readonly fee: Decimal
  readonly network: string
  readonly address: string
  readonly memo: string | null
  readonly withdrawOrderId: string | null
  readonly remark: string
  readonly at: Instant
}

export interface TransferRequest {
  readonly asset: string
  readonly amount: Decimal
  readonly from: WalletType
  readonly to: WalletType
}

export interface PaperTransfer extends TransferRequest {
  readonly id: string
  readonly at: Instant
}
