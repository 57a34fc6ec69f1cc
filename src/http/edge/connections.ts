import { Effect, Metric } from "effect"
import type { Server, Socket } from "node:net"
import { addressKey } from "../gate/addressKey.ts"

const refusedTotal = Metric.counter("dipper_http_connections_refused_total", {
  description: "Connections closed at once: all were taken, or all that one address may have.",
  incremental: true
})
const refused = (limit: "all" | "address") => Metric.tagged(refusedTotal, "limit", limit)

export const countsRefused = Effect.zipRight(
  Metric.incrementBy(refused("all"), 0),
  Metric.incrementBy(refused("address"), 0)
)

/** Tunnels and proxies of this machine come from these, for many; no one else can. */
const forMany: ReadonlySet<string> = new Set([addressKey("127.0.0.1"), addressKey("::1")])

/**
 * Follows who is connected. Of one address so many are let in and the next is closed before it has said anything: what
 * it says could only be refused. Gives what ends every connection; Node forgets those that have not spoken TLS yet when
 * it is told to close them all, and then waits for them.
 */
export const followConnections = (server: Server, perAddress: number): (() => void) => {
  const open = new Set<Socket>()
  const taken = new Map<string, number>()
  server.on("drop", () => refused("all").unsafeUpdate(1, []))
  server.on("connection", (socket: Socket) => {
    const key = addressKey(socket.remoteAddress ?? "unknown")
    const others = taken.get(key) ?? 0
    if (others >= perAddress && !forMany.has(key)) {
      refused("address").unsafeUpdate(1, [])
      socket.destroy()
      return
    }
    open.add(socket)
    taken.set(key, others + 1)
    socket.once("close", () => {
      open.delete(socket)
      const left = (taken.get(key) ?? 1) - 1
      if (left === 0) taken.delete(key)
      else taken.set(key, left)
    })
  })
  return () => {
    for (const socket of open) socket.destroy()
  }
}
