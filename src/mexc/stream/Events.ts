import type { Decimal } from "../../domain/Decimal.ts"
import type { Candle, OrderBook, SymbolName, Trade } from "../../domain/Market.ts"
import type { VenueBalance, VenueFill, VenueOrder } from "../../domain/order/Order.ts"
import type { Instant } from "../../domain/Time.ts"
import type { DepthDelta } from "../book/LocalBook.ts"
import type { MiniTicker } from "../map/StreamMapping.ts"
import type { KlineInterval } from "../wire/Channels.ts"

/** What streams say in domain terms. `receivedAt` is wall time, `at` market time. */

export interface Mark {
  /**
   * `subscribed`: the venue acknowledged the channels: repair by REST what may have been missed. `interrupted`: no
   * connection carries them, or their reader was too slow; a `subscribed` follows when that is over.
   */
  readonly type: "subscribed" | "interrupted"
  readonly receivedAt: Instant
}

/** What the public streams say about one symbol. */
export type MarketEvent =
  | {
      readonly type: "trades"
      readonly symbol: SymbolName
      readonly trades: ReadonlyArray<Trade>
      readonly receivedAt: Instant
    }
  | {
      readonly type: "bookTicker"
      readonly symbol: SymbolName
      readonly bid: Decimal
      readonly bidQuantity: Decimal
      readonly ask: Decimal
      readonly askQuantity: Decimal
      readonly at: Instant
      readonly receivedAt: Instant
    }
  /** A side of the book is empty, or both: null where nobody offers, and what was told before stands no more. */
  | {
      readonly type: "oneSided"
      readonly symbol: SymbolName
      readonly bid: Decimal | null
      readonly ask: Decimal | null
      readonly at: Instant
      readonly receivedAt: Instant
    }
  | (Mark & { readonly symbol: SymbolName })

/** The running candle, and each one once more with `closed` when the next has begun. */
export type CandleEvent =
  | {
      readonly type: "candle"
      readonly symbol: SymbolName
      readonly interval: KlineInterval
      readonly candle: Candle
      readonly receivedAt: Instant
    }
  | Mark

/** Changes of a book in the venue's order; a missing one shows in the versions. */
export type DepthEvent = { readonly type: "depth"; readonly delta: DepthDelta; readonly receivedAt: Instant } | Mark

/** The best levels, complete each time. */
export type LimitDepthEvent = { readonly type: "book"; readonly book: OrderBook; readonly receivedAt: Instant } | Mark

/** The pairs that moved, not necessarily all. */
export type MiniTickersEvent =
  | {
      readonly type: "miniTickers"
      readonly tickers: ReadonlyMap<SymbolName, MiniTicker>
      readonly at: Instant
      readonly receivedAt: Instant
    }
  | Mark

/** What a user's private stream says. After every `connected` the receiver re-reads open orders, balances and fills. */
export type UserEvent =
  | { readonly type: "connected" }
  | { readonly type: "interrupted" }
  | { readonly type: "order"; readonly order: VenueOrder }
  | { readonly type: "fill"; readonly fill: VenueFill }
  | { readonly type: "balance"; readonly balance: VenueBalance; readonly at: Instant }
