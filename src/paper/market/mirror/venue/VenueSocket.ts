import { Effect, Option, Queue, type Scope } from "effect"
import { type RawData, WebSocket } from "ws"
import { UpstreamFailed } from "./VenueReader.ts"

export type Message = { readonly text: string } | { readonly bytes: Uint8Array }

/** One open stream of the venue. What arrives waits in a bounded queue; who reads slowly slows the venue down. */
export interface VenueSocket {
  /** Fails when the stream has ended and everything received has been taken. */
  readonly take: Effect.Effect<Message, UpstreamFailed>
  readonly send: (text: string) => Effect.Effect<void>
}

/** No frame of the venue comes near it. */
const maxPayload = 1024 * 1024
const handshakeTimeout = 10_000
const queueCapacity = 4_096
/** Above the first the stream is not read, below the second it is again. */
const pauseAbove = 1_024
const resumeBelow = 256

/** Connects; the stream ends with the scope. */
export const openVenueSocket = (url: string): Effect.Effect<VenueSocket, UpstreamFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.dropping<Message | UpstreamFailed>(queueCapacity)
    let ended: UpstreamFailed | null = null
    const waiting = () => Option.getOrElse(queue.unsafeSize(), () => 0)
    const end = (message: string) => {
      if (ended !== null) return
      ended = new UpstreamFailed({ message })
      queue.unsafeOffer(ended)
    }

    const attach = (socket: WebSocket) => {
      socket.on("message", (data, isBinary) => {
        const bytes = bytesOf(data)
        const message = isBinary ? { bytes } : { text: Buffer.from(bytes).toString("utf8") }
        if (!queue.unsafeOffer(message)) end("the stream brings more than can be read")
        else if (waiting() > pauseAbove) socket.pause()
      })
      socket.on("error", () => end(`the stream ${url} broke off`))
      socket.on("close", (code) => end(`the stream ${url} was closed (${code})`))
    }

    const socket = yield* Effect.uninterruptibleMask((restore) =>
      Effect.tap(restore(connect(url, attach)), (opened) => Effect.addFinalizer(() => close(opened)))
    )

    const take = Effect.suspend(() => {
      if (ended !== null && waiting() <= 0) return Effect.fail(ended)
      return Effect.flatMap(queue.take, (message) => {
        if (socket.isPaused && waiting() < resumeBelow) socket.resume()
        return "_tag" in message ? Effect.fail(message) : Effect.succeed(message)
      })
    })
    const send = (text: string) =>
      Effect.sync(() => {
        // A stream that has just ended says so by `take`.
        if (socket.readyState === WebSocket.OPEN) socket.send(text, () => undefined)
      })
    return { take, send }
  })

const connect = (url: string, attach: (socket: WebSocket) => void) =>
  Effect.async<WebSocket, UpstreamFailed>((resume) => {
    const socket = new WebSocket(url, { maxPayload, handshakeTimeout, perMessageDeflate: false })
    attach(socket)
    socket.once("open", () => resume(Effect.succeed(socket)))
    socket.once("error", () => resume(new UpstreamFailed({ message: `the stream ${url} does not answer` })))
    return Effect.sync(() => socket.terminate())
  })

const close = (socket: WebSocket): Effect.Effect<void> =>
  Effect.sync(() => {
    socket.close(1000)
    socket.terminate()
  })

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data
