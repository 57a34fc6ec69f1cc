import { Context, Duration, Effect, Layer, Option, Queue, Ref, Stream } from "effect"
import type { SymbolName, Trade } from "../domain/Market.ts"
import type { VenueBalance, VenueFill, VenueOrder } from "../domain/Order.ts"
import type { Decimal } from "../domain/Decimal.ts"
import type { Instant } from "../domain/Time.ts"
import type { Credentials } from "./Credentials.ts"
import {
  frameSymbol,
  toBestPrices,
  toPublicTrade,
  toStreamBalance,
  toStreamFill,
  toStreamOrder
} from "./map/StreamMapping.ts"
import { MexcClient } from "./MexcClient.ts"
import { type Connection, makeConnection, type Route } from "./stream/Connection.ts"
import { makePool } from "./stream/Pool.ts"
import type { VenueFailure } from "./VenueFailure.ts"
import { bookTickerChannel, dealsChannel, privateChannels } from "./wire/Channels.ts"
import { MexcEndpoint } from "./wire/Endpoint.ts"
import type { PushFrame } from "./wire/Stream.ts"

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
>() {
  /** Needs the endpoint, and the client for listen keys. */
  static readonly layer = Layer.scoped(
    MexcStream,
    Effect.suspend(() => make)
  )
}

/**
 * Events of one symbol that may wait for their reader. A reader slower than that loses all of them and is told so by
 * `interrupted` and `subscribed`: an extreme between two trades is repaired by REST, never lost in silence.
 */
const marketBacklog = 2_048
/** Private events are never dropped: a full queue holds up the connection instead. */
const userBacklog = 1_024

/** A key lives 60 minutes from its last renewal. */
const renewEvery = Duration.minutes(30)
const closeKeyWithin = "2 seconds"

type Standing = "connecting" | "subscribed" | "interrupted"

const make = Effect.gen(function* () {
  const endpoint = yield* MexcEndpoint
  const client = yield* MexcClient
  const clock = yield* Effect.clock
  const pool = yield* makePool(endpoint.stream)
  const users = new Set<Connection>()

  const market = (symbol: SymbolName): Stream.Stream<MarketEvent> =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const queue = yield* Queue.dropping<MarketEvent>(marketBacklog)
        let standing: Standing = "connecting"

        const tell = (type: "subscribed" | "interrupted") =>
          queue.unsafeOffer({ type, symbol, receivedAt: clock.unsafeCurrentTimeMillis() })

        const startOver = Effect.gen(function* () {
          yield* Queue.takeAll(queue)
          yield* Effect.logWarning(`The reader of ${symbol} is too slow; its backlog is dropped and it starts over.`)
          tell("interrupted")
          if (standing === "subscribed") tell("subscribed")
        })

        const offer = (event: MarketEvent) => Effect.suspend(() => (queue.unsafeOffer(event) ? Effect.void : startOver))

        const become = (next: "subscribed" | "interrupted") =>
          Effect.suspend(() => {
            if (standing === next) return Effect.void
            standing = next
            return tell(next) ? Effect.void : startOver
          })

        yield* pool.join({
          channels: [dealsChannel(symbol), bookTickerChannel(symbol)],
          onAccepted: become("subscribed"),
          onLost: become("interrupted"),
          onFrame: (frame, receivedAt) =>
            Option.match(marketEvent(symbol, frame, receivedAt), { onNone: () => Effect.void, onSome: offer })
        })
        return Stream.fromQueue(queue)
      })
    )

  const closeKey = (credentials: Credentials, key: string) =>
    client.closeListenKey(credentials, key).pipe(
      Effect.interruptible,
      Effect.timeout(closeKeyWithin),
      Effect.catchAll(() => Effect.logDebug("A listen key could not be closed; it ends by itself within the hour."))
    )

  /** A key for one session: made before it, renewed while it lasts, closed after it. */
  const listenKeyRoute = (credentials: Credentials) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.tap(restore(client.createListenKey(credentials)), (key) =>
        Effect.addFinalizer(() => closeKey(credentials, key))
      )
    ).pipe(
      Effect.map((key): Route<VenueFailure> => ({
        url: `${endpoint.stream}?listenKey=${encodeURIComponent(key)}`,
        alongside: Effect.forever(Effect.delay(client.renewListenKey(credentials, key), renewEvery))
      }))
    )

  const user = (credentials: Credentials): Stream.Stream<UserEvent> =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const queue = yield* Queue.bounded<UserEvent>(userBacklog)
        const isConnected = yield* Ref.make(false)
        const connection = yield* makeConnection("an account", listenKeyRoute(credentials))
        yield* Effect.acquireRelease(
          Effect.sync(() => users.add(connection)),
          () => Effect.sync(() => users.delete(connection))
        )
        yield* connection.add({
          channels: privateChannels,
          onAccepted: Effect.zipRight(Ref.set(isConnected, true), queue.offer({ type: "connected" })),
          onLost: Effect.whenEffect(queue.offer({ type: "interrupted" }), Ref.getAndSet(isConnected, false)),
          onFrame: (frame, receivedAt) =>
            Option.match(userEvent(frame, receivedAt), {
              onNone: () => Effect.logWarning(`A message of ${frame.channel} cannot be used; left out.`),
              onSome: (event) => queue.offer(event)
            })
        })
        // Ends before the connection does, so that its last words find nobody to wait for.
        yield* Effect.addFinalizer(() => Queue.shutdown(queue))
        return Stream.fromQueue(queue)
      })
    )

  const health = Effect.map(pool.health, ({ connections, subscriptions }) => ({
    publicConnections: connections,
    subscriptions,
    privateConnections: [...users].filter((connection) => connection.accepted() === privateChannels.length).length
  }))

  return { market, user, health }
})

const marketEvent = (symbol: SymbolName, frame: PushFrame, receivedAt: Instant): Option.Option<MarketEvent> => {
  const { publicAggreBookTicker, publicAggreDeals } = frame
  if (publicAggreDeals !== undefined) {
    const trades = publicAggreDeals.deals.flatMap((deal) => Option.toArray(toPublicTrade(deal)))
    return trades.length === 0 ? Option.none() : Option.some({ type: "trades", symbol, trades, receivedAt })
  }
  if (publicAggreBookTicker === undefined) return Option.none()
  return Option.map(toBestPrices(publicAggreBookTicker), (prices) => ({
    type: "bookTicker",
    symbol,
    ...prices,
    at: frame.sendTime ?? receivedAt,
    receivedAt
  }))
}

const userEvent = (frame: PushFrame, receivedAt: Instant): Option.Option<UserEvent> => {
  const { privateAccount, privateDeals, privateOrders } = frame
  if (privateAccount !== undefined)
    return Option.map(toStreamBalance(privateAccount), (balance) => ({
      type: "balance",
      balance,
      at: privateAccount.time
    }))
  const symbol = frameSymbol(frame)
  if (Option.isNone(symbol)) return Option.none()
  if (privateOrders !== undefined)
    return Option.map(toStreamOrder(symbol.value, privateOrders, frame.sendTime ?? receivedAt), (order) => ({
      type: "order",
      order
    }))
  if (privateDeals === undefined) return Option.none()
  return Option.map(toStreamFill(symbol.value, privateDeals), (fill) => ({ type: "fill", fill }))
}
