import { Context, Duration, Effect, Layer, Queue, Stream } from "effect"
import type { SymbolName } from "../domain/Market.ts"
import type { Credentials } from "./Credentials.ts"
import { ContractDrift } from "./ContractDrift.ts"
import { MexcClient } from "./MexcClient.ts"
import { type Connection, countsReconnects, makeConnection } from "./stream/Connection.ts"
import type {
  CandleEvent,
  DepthEvent,
  LimitDepthEvent,
  MarketEvent,
  MiniTickersEvent,
  UserEvent
} from "./stream/Events.ts"
import { listenKeyRoute } from "./stream/ListenKeyRoute.ts"
import { makePace } from "./stream/Pacer.ts"
import { makePool } from "./stream/Pool.ts"
import { accountPulse, publicPulse, type Pulse } from "./stream/Pulse.ts"
import { makePublicStreams } from "./stream/PublicStreams.ts"
import { makeUserFrames } from "./stream/UserFrames.ts"
import { type KlineInterval, privateChannels, type Zone } from "./wire/Channels.ts"
import { MexcEndpoint } from "./wire/Endpoint.ts"

/**
 * Sockets as streams of domain events, which end only with their scope. At most 30 channels share a connection; each
 * connection hands over to a new one before the venue ends it, which its readers do not notice. Running a stream twice
 * subscribes twice.
 */
export class MexcStream extends Context.Tag("dipper/mexc/MexcStream")<
  MexcStream,
  {
    /** Trades and best prices of one symbol: every trade, and the latest best price. */
    readonly market: (symbol: SymbolName) => Stream.Stream<MarketEvent>
    /** The same, told to `handle` one after the other until interrupted: for those who follow thousands of symbols. */
    readonly followMarket: (
      symbol: SymbolName,
      handle: (event: MarketEvent) => Effect.Effect<void>
    ) => Effect.Effect<void>
    readonly klines: (symbol: SymbolName, interval: KlineInterval) => Stream.Stream<CandleEvent>
    /** Every change of the symbol's book. */
    readonly depth: (symbol: SymbolName) => Stream.Stream<DepthEvent>
    /** The latest best levels; needs no snapshot. */
    readonly limitDepth: (symbol: SymbolName, levels: 5 | 10 | 20) => Stream.Stream<LimitDepthEvent>
    /** The latest 24 h figures of all pairs, every three seconds. */
    readonly miniTickers: (zone?: Zone) => Stream.Stream<MiniTickersEvent>
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
  /** Needs the endpoint, the client for listen keys, and somebody to tell what is not understood. */
  static readonly layer = Layer.scoped(
    MexcStream,
    Effect.suspend(() => make({}))
  )

  static readonly layerWith = (timing: Partial<StreamTiming>) => Layer.scoped(MexcStream, make(timing))
}

export interface StreamTiming {
  /** The venue ends a connection after 24 h. */
  readonly lifetime: Duration.DurationInput
  /** A public connection that answers pings and says nothing else for this long is made anew. */
  readonly suspiciousAfter: Duration.DurationInput
  readonly accountPulse: Pulse
  /** A key lives 60 minutes from its last renewal. */
  readonly renewKeyEvery: Duration.DurationInput
}

const usual: StreamTiming = {
  lifetime: "23 hours",
  suspiciousAfter: "1 minute",
  accountPulse,
  renewKeyEvery: "25 minutes"
}

/** Connections that may be opened at once, and ten a second after that: 2,000 symbols need 134. */
const openedAtOnce = 10
const openedEveryMs = 100

/** Private events are never dropped: a full queue holds up the connection instead. */
const userBacklog = 1_024

const make = Effect.fnUntraced(function* (timing: Partial<StreamTiming>) {
  const { accountPulse: pulse, lifetime, renewKeyEvery, suspiciousAfter } = { ...usual, ...timing }
  const endpoint = yield* MexcEndpoint
  const client = yield* MexcClient
  const pace = makePace(openedAtOnce, openedEveryMs)
  const drift = yield* ContractDrift
  const odd = (what: string) => drift.note("frame", what)
  const pool = yield* makePool({ url: endpoint.stream, odd, pace, pulse: publicPulse, lifetime, suspiciousAfter })
  const { miniTickers, ...streams } = makePublicStreams(pool, odd)
  const users = new Set<Connection>()
  yield* countsReconnects

  const user = (credentials: Credentials): Stream.Stream<UserEvent> =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const queue = yield* Queue.bounded<UserEvent>(userBacklog)
        const hear = yield* makeUserFrames(client, drift, credentials, (event) => queue.offer(event))
        let isConnected = false
        const connection = yield* makeConnection({
          name: "an account",
          odd,
          route: listenKeyRoute(client, credentials, { url: endpoint.stream, renewEvery: renewKeyEvery }),
          pace,
          pulse,
          lifetime,
          // Accounts are usually silent.
          suspiciousAfter: null
        })
        yield* Effect.acquireRelease(
          Effect.sync(() => users.add(connection)),
          () => Effect.sync(() => users.delete(connection))
        )
        yield* connection.add({
          channels: privateChannels,
          onAccepted: Effect.suspend(() => {
            isConnected = true
            return queue.offer({ type: "connected" })
          }),
          onLost: Effect.suspend(() => {
            if (!isConnected) return Effect.void
            isConnected = false
            return Effect.asVoid(queue.offer({ type: "interrupted" }))
          }),
          onFrame: hear
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

  return { ...streams, miniTickers: (zone: Zone = "24H") => miniTickers(zone), user, health }
})
