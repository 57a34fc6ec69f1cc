import { Effect } from "effect"
import { connect, type Socket } from "node:net"

/** Connections that say what they are told to and read nothing. */
export const sockets = (port: number, count: number, say: (i: number) => string, localAddress = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: count }, (_, i) => {
        const socket = connect({ host: "127.0.0.1", port, localAddress }, () => socket.write(say(i)))
        return socket.on("error", () => undefined).pause()
      })
    ),
    (all) => Effect.sync(() => all.forEach((socket) => socket.destroy()))
  )

/** Waits until so many of them are closed by the server. */
export const closed = (all: ReadonlyArray<Socket>, count: number) =>
  Effect.async<void>((resume) => {
    let ended = 0
    for (const socket of all) {
      socket.resume().once("close", () => {
        if (++ended === count) resume(Effect.void)
      })
    }
  })

/** Longer than a test lasts: what closes a connection is then nobody's impatience. */
export const forEver = { headersMs: 60_000, requestMs: 60_000, stalledMs: 60_000, handshakeMs: 60_000 }
