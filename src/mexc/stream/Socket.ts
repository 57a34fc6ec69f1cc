import { Effect, Option, Queue, Schema, type Scope } from "effect"
import { type RawData, WebSocket } from "ws"

/** A stream that cannot go on. The text never holds the address, which ends in a listen key. */
export class StreamFailed extends Schema.TaggedError<StreamFailed>()("StreamFailed", { message: Schema.String }) {}

export type Incoming =
  | { readonly type: "text"; readonly text: string; readonly receivedAt: number }
  | { readonly type: "binary"; readonly bytes: Uint8Array; readonly receivedAt: number }

/** One open connection. What arrives waits in a bounded queue; a slow reader slows the venue down, nothing is dropped. */
export interface Socket {
  /** Fails when the connection has ended and everything received has been taken. */
  readonly take: Effect.Effect<Incoming, StreamFailed>
  readonly send: (text: string) => Effect.Effect<void>
  /** Something has arrived that nobody has taken yet. */
  readonly isBehind: Effect.Effect<boolean>
}

/** No frame of the venue comes near it. */
const maxPayload = 1024 * 1024
const handshakeMs = 10_000

const queueCapacity = 4_096
/** Above the first the connection is not read, below the second it is again. */
const pauseAbove = 1_024
const resumeBelow = 256

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data

const failed = (message: string) => new StreamFailed({ message })

/** `attach` comes before anything can arrive: a bad listen key is told with the first bytes. */
const open = (url: string, attach: (socket: WebSocket) => void): Effect.Effect<WebSocket, StreamFailed> =>
  Effect.flatMap(
    Effect.try({
      try: () => new WebSocket(url, { maxPayload, handshakeTimeout: handshakeMs, perMessageDeflate: false }),
      catch: () => failed("The venue's stream address is not usable.")
    }),
    (socket) =>
      Effect.async<WebSocket, StreamFailed>((resume) => {
        attach(socket)
        socket.once("open", () => resume(Effect.succeed(socket)))
        socket.once("error", () => resume(Effect.fail(failed("The venue's stream refused the connection."))))
        return Effect.sync(() => socket.terminate())
      })
  )

/** The close frame goes out with the write; nobody waits for a venue that may hang to answer it. */
const close = (socket: WebSocket): Effect.Effect<void> =>
  Effect.sync(() => {
    socket.close(1000)
    socket.terminate()
  })

/** Connects; the connection ends with the scope. */
export const openSocket = (url: string): Effect.Effect<Socket, StreamFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const queue = yield* Queue.dropping<Incoming | StreamFailed>(queueCapacity)
    let ended: StreamFailed | null = null

    const waiting = () => Option.getOrElse(queue.unsafeSize(), () => 0)

    const end = (message: string) => {
      if (ended !== null) return
      ended = new StreamFailed({ message })
      queue.unsafeOffer(ended)
    }

    const attach = (socket: WebSocket) => {
      socket.on("message", (data, isBinary) => {
        const receivedAt = clock.unsafeCurrentTimeMillis()
        const bytes = bytesOf(data)
        const item: Incoming = isBinary
          ? { type: "binary", bytes, receivedAt }
          : { type: "text", text: Buffer.from(bytes).toString("utf8"), receivedAt }
        if (!queue.unsafeOffer(item)) end("The reader is too slow for the stream.")
        else if (waiting() > pauseAbove) socket.pause()
      })
      socket.on("error", () => end("The stream broke off."))
      socket.on("close", (code) => end(`The venue closed the stream (${code}).`))
    }

    const socket = yield* Effect.uninterruptibleMask((restore) =>
      Effect.tap(restore(open(url, attach)), (opened) => Effect.addFinalizer(() => close(opened)))
    )

    const readOn = () => {
      if (socket.isPaused && waiting() < resumeBelow) socket.resume()
    }

    return {
      take: Effect.suspend(() => {
        if (ended !== null && waiting() <= 0) return Effect.fail(ended)
        return Effect.flatMap(queue.take, (item) => {
          readOn()
          return "_tag" in item ? Effect.fail(item) : Effect.succeed(item)
        })
      }),
      send: (text) =>
        Effect.sync(() => {
          // A connection that has just ended reports itself by `take`.
          if (socket.readyState === WebSocket.OPEN) socket.send(text, () => undefined)
        }),
      isBehind: Effect.sync(() => socket.isPaused || waiting() > 0)
    }
  })
