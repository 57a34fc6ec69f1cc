import { Effect, Redacted } from "effect"
import { createServer as createPlainServer, type RequestListener } from "node:http"
import { createServer } from "node:https"
import { isPublicAddress } from "../../../src/notify/addresses.ts"
import { Outbound, type OutboundMessage, type World } from "../../../src/notify/Outbound.ts"
import { authority, hooksTls } from "./certificates.ts"

/** Takes the part of a host on the internet; every other address is judged as it is. */
export const asPublic = "127.0.0.1"

/** A receiver on a free port, with what it has seen. */
export const receiver = (listener: RequestListener, secure = true, host: string = asPublic) =>
  Effect.acquireRelease(
    Effect.async<{ readonly port: number; readonly seen: Seen; readonly close: () => void }>((resume) => {
      const seen: Seen = { connections: 0, requests: 0 }
      const server = secure ? createServer(hooksTls) : createPlainServer()
      server.on("connection", () => seen.connections++)
      server.on("request", (request, response) => {
        seen.requests++
        listener(request, response)
      })
      server.listen(0, host, () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ port, seen, close: () => (server.close(), server.closeAllConnections()) }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

interface Seen {
  connections: number
  requests: number
}

/** A client in a world where `127.0.0.1` is public and every name leads there, unless said otherwise. */
export const outbound = (port: number, world: Partial<World> = {}) =>
  Outbound.layerWith({
    resolve: () => Effect.succeed([asPublic]),
    isPublic: (address) => address === asPublic || isPublicAddress(address),
    ports: new Set([port]),
    ca: authority,
    ...world
  })

export const toUser = (url: string): OutboundMessage => ({
  url: Redacted.make(url),
  givenBy: "user",
  method: "POST",
  body: "{}"
})

export const send = (message: OutboundMessage) => Effect.flatMap(Outbound, (client) => client.send(message))
