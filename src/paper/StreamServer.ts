import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { Clock, Effect, FiberSet, Layer, Option, Stream } from "effect"
import { type WebSocket, WebSocketServer } from "ws"
import type { Instant } from "../domain/Time.ts"
import { privateAccount, privateDeals, privateOrders } from "../mexc/wire/Channels.ts"
import { invalidListenKeyText } from "../mexc/wire/Control.ts"
import { encodeFrame } from "../mexc/wire/Stream.ts"
import type { ExchangeEvent } from "./Events.ts"
import { Exchange } from "./Exchange.ts"
import { Listener } from "./Listener.ts"
import { Connection } from "./stream/Connection.ts"
import { makeConversation } from "./stream/Conversation.ts"
import { type PrivateEvent, privateFrame } from "./stream/PrivateFrames.ts"
import { makeTopics } from "./stream/Topics.ts"

/** Thirty subscriptions fit into one message, a program's whole memory does not. */
const maxMessageBytes = 4_096
const connectionsPerListenKey = 5
/** How often connections are held against the venue's time limits. */
const inspectionPeriod = "1 second"
const policyViolation = 1_008
const normalClosure = 1_000

const channelOf = { order: privateOrders, deal: privateDeals, balance: privateAccount } as const

/** The exchange's WebSocket at `/ws` of the shared listener; closing its scope ends every connection. */
export const layer = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { server } = yield* Listener
    const exchange = yield* Exchange
    const topics = yield* makeTopics
    const run = yield* FiberSet.makeRuntime<never>()
    const converse = makeConversation(topics, new Set(exchange.listings.map((listing) => listing.symbol)))
    const connections = new Set<Connection>()
    const sockets = yield* webSocketServer

    const accept = (socket: WebSocket, listenKey: string | null, accountId: string | null, now: Instant) => {
      const sharing = [...connections].filter((other) => other.listenKey === listenKey && other.accountId !== null)
      const account = sharing.length < connectionsPerListenKey ? accountId : null
      const connection = new Connection(socket, listenKey, account, now)
      connections.add(connection)
      socket.on("message", (data, isBinary) => run(receive(connection, isBinary ? "" : data.toString())))
      socket.on("close", () => forget(connection))
      // The library closes a socket that breaks the protocol or the message size; `close` follows.
      socket.on("error", () => connection.terminate())
      if (listenKey !== null && account === null) connection.send(invalidListenKeyText, now)
    }

    /** Whose key it is must be known before the first message can come. */
    const shakeHands = Effect.fnUntraced(function* (
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      listenKey: string | null
    ) {
      const account = listenKey === null ? Option.none() : yield* exchange.accountOfListenKey(listenKey)
      const now = yield* Clock.currentTimeMillis
      sockets.handleUpgrade(request, socket, head, (accepted) =>
        accept(accepted, listenKey, Option.getOrNull(account), now)
      )
    })

    const receive = Effect.fnUntraced(function* (connection: Connection, text: string) {
      const now = yield* Clock.currentTimeMillis
      if (!connection.admits(now)) return connection.close(policyViolation, "more than 100 messages per second")
      for (const answer of converse(connection, text, now)) connection.send(answer, now)
    })

    const forget = (connection: Connection) => {
      connections.delete(connection)
      for (const name of connection.channels) topics.leave(name, connection)
    }

    const pushPrivately = (event: PrivateEvent, now: number) => {
      const readers = [...connections].filter(
        ({ accountId, channels }) => accountId === event.accountId && channels.has(channelOf[event.type])
      )
      if (readers.length === 0) return
      const bytes = encodeFrame(privateFrame(event))
      for (const reader of readers) reader.send(bytes, now)
    }

    const publish = (event: ExchangeEvent) =>
      "accountId" in event
        ? Effect.map(Clock.currentTimeMillis, (now) => pushPrivately(event, now))
        : Effect.sync(() => topics.publish(event))

    /** The end of a listen key ends its pushes without a word, as on the venue. */
    const inspect = Effect.fnUntraced(function* (connection: Connection) {
      const why = connection.overdue(yield* Clock.currentTimeMillis)
      if (why !== null) return connection.close(normalClosure, why)
      if (connection.listenKey === null || connection.accountId === null) return
      const account = yield* exchange.accountOfListenKey(connection.listenKey)
      if (Option.isNone(account)) connection.accountId = null
    })

    yield* Effect.forkScoped(Stream.runForEach(exchange.events, publish))
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.delay(
          Effect.suspend(() => Effect.forEach(connections, inspect, { discard: true })),
          inspectionPeriod
        )
      )
    )

    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const url = addressOf(request)
      if (url?.pathname !== "/ws") return refuseUpgrade(socket)
      socket.on("error", () => socket.destroy())
      run(shakeHands(request, socket, head, url.searchParams.get("listenKey")))
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => server.on("upgrade", upgrade)),
      () =>
        Effect.sync(() => {
          server.off("upgrade", upgrade)
          for (const connection of connections) connection.terminate()
        })
    )
  })
)

const webSocketServer = Effect.acquireRelease(
  Effect.sync(() => new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })),
  (sockets) =>
    Effect.sync(() => {
      for (const client of sockets.clients) client.terminate()
      sockets.close()
    })
)

const addressOf = (request: IncomingMessage): URL | null => {
  const target = request.url ?? "/"
  return URL.canParse(target, "http://exchange") ? new URL(target, "http://exchange") : null
}

const refuseUpgrade = (socket: Duplex): void => {
  socket.on("error", () => socket.destroy())
  socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}
