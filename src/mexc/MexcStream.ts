import { Context, type Effect, type Stream } from "effect"
import type { SymbolName, Trade } from "../domain/Market.ts"
import type { VenueBalance, VenueFill, VenueOrder } from "../domain/Order.ts"
import type { Decimal } from "../domain/Decimal.ts"
import type { Instant } from "../domain/Time.ts"
import type { Credentials } from "./Credentials.ts"

/** What the public streams say about one symbol. `receivedAt` is wall time, `at` market time. */
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
  /** The connection (re)opened and the venue acknowledged the symbol's channels: repair by REST what may have been missed. */
  | { readonly type: "subscribed"; readonly symbol: SymbolName; readonly receivedAt: Instant }
  /** The connection carrying the symbol is gone or silent; a reconnect is under way. */
  | { readonly type: "interrupted"; readonly symbol: SymbolName; readonly receivedAt: Instant }

/** What a user's private stream says. After every `connected` the receiver re-reads open orders, balances and fills. */
export type UserEvent =
  | { readonly type: "connected" }
  | { readonly type: "interrupted" }
  | { readonly type: "order"; readonly order: VenueOrder }
  | { readonly type: "fill"; readonly fill: VenueFill }
  | { readonly type: "balance"; readonly balance: VenueBalance; readonly at: Instant }

/** Reconnecting sockets as streams of domain events; they end only with their scope. */
export class MexcStream extends Context.Tag("dipper/mexc/MexcStream")<
  MexcStream,
  {
    /** Trades and best prices of one symbol; at most 30 channels share a connection. Running it twice subscribes twice. */
    readonly market: (symbol: SymbolName) => Stream.Stream<MarketEvent>
    /** One private connection of one user: listen key made, renewed and closed with the stream. */
    readonly user: (credentials: Credentials) => Stream.Stream<UserEvent>
    /** Open public connections and their subscriptions, open private ones, for `/status/dependencies`. */
    readonly health: Effect.Effect<{
      readonly publicConnections: number
      readonly subscriptions: number
      readonly privateConnections: number
    }>
  }
>() {}
