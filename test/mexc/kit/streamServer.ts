import { Effect } from "effect"
import { type WebSocket, WebSocketServer } from "ws"
import { acceptedFrame, pongFrame, refusedFrame } from "../../../src/mexc/wire/Control.ts"
import { encodeFrame, type PushFrameInput } from "../../../src/mexc/wire/Stream.ts"

export interface Peer {
  readonly socket: WebSocket
  readonly url: string
  readonly channels: Set<string>
  pings: number
  messages: number
  longestMessage: number
  readonly push: (frame: PushFrameInput) => void
}

interface Behaviour {
  /** Answers subscriptions and pings; switched off it is a venue that hangs. */
  talks: boolean
  readonly blocked: Set<string>
  /** Ends every new connection at once. */
  rejects: boolean
  /** Said to every new connection. */
  greeting: string | null
}

/** A venue's stream of a few lines on loopback. */
export const streamServer = Effect.gen(function* () {
  const behaviour: Behaviour = { talks: true, rejects: false, blocked: new Set(), greeting: null }
  const peers: Array<Peer> = []
  let opened = 0
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" })

  server.on("connection", (socket, request) => {
    if (behaviour.rejects) return socket.terminate()
    opened++
    const peer: Peer = {
      socket,
      url: request.url ?? "",
      channels: new Set(),
      pings: 0,
      messages: 0,
      longestMessage: 0,
      push: (frame) => socket.send(encodeFrame(frame))
    }
    peers.push(peer)
    socket.on("close", () => peers.splice(peers.indexOf(peer), 1))
    socket.on("error", () => undefined)
    if (behaviour.greeting !== null) socket.send(behaviour.greeting)
    socket.on("message", (data) => {
      peer.messages++
      peer.longestMessage = Math.max(peer.longestMessage, String(data).length)
      if (!behaviour.talks) return
      const asked = JSON.parse(String(data))
      if (asked.method === "PING") {
        peer.pings++
        return socket.send(pongFrame)
      }
      const names: Array<string> = asked.params
      if (asked.method === "UNSUBSCRIPTION") for (const name of names) peer.channels.delete(name)
      else if (names.some((name) => behaviour.blocked.has(name))) return socket.send(refusedFrame(asked.id, names))
      else for (const name of names) peer.channels.add(name)
      socket.send(acceptedFrame(asked.id, names))
    })
  })

  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.once("listening", resolve))),
    () =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            for (const client of server.clients) client.terminate()
            server.close(() => resolve())
          })
      )
  )
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  return { url: `ws://127.0.0.1:${port}/ws`, behaviour, peers, opened: () => opened }
})

const turn = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 2)))

/** Real time for sockets, while the clock of the program stands still. */
export const eventually = (holds: () => boolean, what: string) =>
  Effect.gen(function* () {
    for (let tries = 0; tries < 2_000; tries++) {
      if (holds()) return
      yield* turn
    }
    return yield* Effect.dieMessage(`never happened: ${what}`)
  })

export const settle = Effect.repeatN(turn, 3)
