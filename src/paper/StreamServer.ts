import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { type Chunk, Clock, Effect, FiberSet, Layer, Option, Stream } from "effect"
import { type WebSocket, WebSocketServer } from "ws"
import { invalidListenKeyText } from "../mexc/wire/Control.ts"
import type { ExchangeEvent } from "./Events.ts"
import { Exchange } from "./Exchange.ts"
import { Faults } from "./faults/Faults.ts"
import { Listener } from "./Listener.ts"
import { refuseConnection } from "./rest/serving/refuseConnection.ts"
import { Connection, type Opening } from "./stream/Connection.ts"
import { makeConversation } from "./stream/Conversation.ts"
import { makeDelivery } from "./stream/Delivery.ts"
import { makePrivatePushes } from "./stream/PrivatePushes.ts"
import { makeTopics } from "./stream/Topics.ts"

/** Thirty subscriptions fit into one message, a program's whole memory does not. */
const maxMessageBytes = 4_096
const connectionsPerListenKey = 5
/** How often connections are held against the venue's time limits. */
const inspectionPeriod = "1 second"
const policyViolation = 1_008
const normalClosure = 1_000

/** The exchange's WebSocket at `/ws` of the shared listener; closing its scope ends every connection. */
export const layer = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { server } = yield* Listener
    const exchange = yield* Exchange
    const delivery = yield* makeDelivery(yield* Faults)
    const topics = yield* makeTopics(delivery)
    const isValid = ({ listenKey }: Connection) =>
      listenKey === null ? Effect.succeed(false) : Effect.map(exchange.accountOfListenKey(listenKey), Option.isSome)
    const privately = makePrivatePushes(delivery, isValid)
    const run = yield* FiberSet.makeRuntime<never>()
    const symbols = Effect.map(
      exchange.pairs,
      (pairs) => new Set(pairs.flatMap(({ listed, listing }) => (listed ? [listing.symbol] : [])))
    )
    const converse = makeConversation({ topics, privately, symbols })
    const connections = new Set<Connection>()
    /** Open while there are any. */
    const connected = yield* Effect.makeLatch(false)
    const sockets = yield* webSocketServer

    const accept = (socket: WebSocket, opening: Opening) => {
      const { listenKey, now } = opening
      const sharing = [...connections].filter((other) => other.listenKey === listenKey && other.accountId !== null)
      const account = sharing.length < connectionsPerListenKey ? opening.account : null
      const connection = new Connection(socket, { ...opening, account })
      const turns = Effect.unsafeMakeSemaphore(1)
      connections.add(connection)
      connected.unsafeOpen()
      socket.on("message", (data, isBinary) => {
        // What still comes after a close is not worth a fiber.
        if (socket.readyState === socket.OPEN)
          run(turns.withPermits(1)(receive(connection, isBinary ? "" : data.toString())))
      })
      socket.on("ping", (data) => {
        run(answerPing(connection, socket, data))
      })
      socket.on("close", () => forget(connection))
      // The library closes a socket that breaks the protocol or the message size; `close` follows.
      socket.on("error", () => connection.terminate())
      if (listenKey !== null && account === null) delivery.answer(connection, invalidListenKeyText, now)
    }

    /** Whose key it is must be known before the first message can come. */
    const shakeHands = Effect.fnUntraced(function* (
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      listenKey: string | null
    ) {
      const accountId = listenKey === null ? Option.none() : yield* exchange.accountOfListenKey(listenKey)
      const account = Option.isNone(accountId) ? Option.none() : yield* exchange.accountById(accountId.value)
      const now = yield* Clock.currentTimeMillis
      sockets.handleUpgrade(request, socket, head, (accepted) =>
        accept(accepted, { listenKey, account: Option.getOrNull(account), now })
      )
    })

    const receive = Effect.fnUntraced(function* (connection: Connection, text: string) {
      const now = yield* Clock.currentTimeMillis
      if (connection.isFrozen) return
      if (!connection.admits(now)) return connection.close(policyViolation, "more than 100 messages per second")
      for (const answer of yield* converse(connection, text, now)) delivery.answer(connection, answer, now)
    })

    const answerPing = Effect.fnUntraced(function* (connection: Connection, socket: WebSocket, data: Buffer) {
      if (connection.isFrozen || socket.readyState !== socket.OPEN) return
      connection.hear(yield* Clock.currentTimeMillis)
      socket.pong(data)
    })

    const forget = (connection: Connection) => {
      connections.delete(connection)
      if (connections.size === 0) connected.unsafeClose()
      privately.leave(connection)
      for (const name of connection.channels) topics.leave(name, connection)
    }

    const publish = Effect.fnUntraced(function* (events: Chunk.Chunk<ExchangeEvent>) {
      const now = yield* Clock.currentTimeMillis
      for (const event of events) {
        if (!("accountId" in event)) topics.publish(event)
        else if (privately.hears(event.accountId)) yield* privately.publish(event, now)
      }
    })

    /** Time limits; and a place that a dead listen key's connection no longer takes. */
    const inspect = Effect.fnUntraced(function* (connection: Connection) {
      const why = connection.overdue(yield* Clock.currentTimeMillis)
      if (why !== null) return connection.close(normalClosure, why)
      if (connection.accountId === null || (yield* isValid(connection))) return
      connection.accountId = null
      privately.leave(connection)
    })

    yield* Effect.forkScoped(Stream.runForEachChunk(exchange.events, publish))
    yield* Effect.forkScoped(
      Effect.forever(
        connected.whenOpen(
          Effect.delay(
            Effect.suspend(() => Effect.forEach(connections, inspect, { discard: true })),
            inspectionPeriod
          )
        )
      )
    )

    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const url = addressOf(request)
      if (url === null || !/^\/ws\/?$/.test(url.pathname)) return refuseConnection(socket, 404)
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
  Effect.sync(
    // A connection that plays dead must not answer pings, so they are answered by hand.
    () =>
      new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false, autoPong: false })
  ),
  (sockets) =>
    Effect.sync(() => {
      for (const client of sockets.clients) client.terminate()
      sockets.close()
    })
)

const addressOf = (request: IncomingMessage): URL | null => {
  // Two slashes would begin a host.
  const target = (request.url ?? "/").replace(/^\/+/, "/")
  return URL.canParse(target, "http://exchange") ? new URL(target, "http://exchange") : null
}
