import type { Decimal } from "../domain/Decimal.ts"
import type { BookLevel, OrderType, Side } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"

/** The venue's order states; the last three are terminal. There is no REJECTED: a refused order is an HTTP error. */
export type PaperOrderStatus = "NEW" | "PARTIALLY_FILLED" | "FILLED" | "CANCELED" | "PARTIALLY_CANCELED"

/** One order of an account as it stands now. Times are market time. */
export interface PaperOrder {
  readonly id: string
  readonly accountId: string
  readonly clientOrderId: string | null
  readonly symbol: string
  readonly side: Side
  readonly type: OrderType
  /** A MARKET order carries its collar, about 5 % beyond the market, not a fill price. */
  readonly price: Decimal
  readonly quantity: Decimal
  /** Requested quote amount of a quote-sized market order, else price × quantity. */
  readonly quoteAmount: Decimal
  readonly quoteSized: boolean
  readonly executedQuantity: Decimal
  readonly executedQuote: Decimal
  readonly status: PaperOrderStatus
  /** As it was sent, "" without one. */
  readonly stpMode: string
  /** Why the exchange itself cancelled it, when its owner and its type did not. */
  readonly cancelReason: string | null
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** One side of a trade: what an account's order got. Trade ids are unique per side. */
export interface PaperFill {
  readonly tradeId: string
  readonly orderId: string
  readonly accountId: string
  readonly clientOrderId: string | null
  readonly symbol: string
  readonly side: Side
  readonly price: Decimal
  readonly quantity: Decimal
  readonly quoteQuantity: Decimal
  readonly fee: Decimal
  readonly feeAsset: string
  readonly maker: boolean
  readonly selfTrade: boolean
  readonly at: Instant
}

/** Why a balance changed, in the words of the private account channel. */
export type BalanceReason =
  | "ENTRUST_PLACE"
  | "ENTRUST"
  | "ENTRUST_CANCEL"
  | "TRADE_FEE"
  | "DEPOSIT"
  | "WITHDRAW"
  | "WITHDRAW_FEE"
  | "CONTRACT_TRANSFER"
  | "SUGAR"

/** Everything the exchange tells its stream server, in the order it happened; `at` is market time. */
export type ExchangeEvent =
  | {
      readonly type: "trade"
      readonly symbol: string
      readonly price: Decimal
      readonly quantity: Decimal
      readonly takerSide: Side
      readonly tradeId: string
      readonly at: Instant
    }
  /** Absolute quantities, 0 removes the level; `fromVersion` is the previous `toVersion` + 1. */
  | {
      readonly type: "depth"
      readonly symbol: string
      readonly bids: ReadonlyArray<BookLevel>
      readonly asks: ReadonlyArray<BookLevel>
      readonly fromVersion: bigint
      readonly toVersion: bigint
      readonly at: Instant
    }
  /** null: that side of the book is empty. */
  | {
      readonly type: "bookTicker"
      readonly symbol: string
      readonly bid: BookLevel | null
      readonly ask: BookLevel | null
      readonly version: bigint
      readonly at: Instant
    }
  /** `lastDealQuantity` and `maker` describe the fill that caused the change, if one did. */
  | {
      readonly type: "order"
      readonly accountId: string
      readonly order: PaperOrder
      readonly lastDealQuantity: Decimal | null
      readonly maker: boolean
      readonly at: Instant
    }
  | { readonly type: "deal"; readonly accountId: string; readonly fill: PaperFill; readonly at: Instant }
  | {
      readonly type: "balance"
      readonly accountId: string
      readonly asset: string
      readonly free: Decimal
      readonly freeChange: Decimal
      readonly locked: Decimal
      readonly lockedChange: Decimal
      readonly reason: BalanceReason
      readonly at: Instant
    }
