import { Effect, Layer, Runtime } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { CannotListen, PortTaken } from "../edge/Listening.ts"
import { Exposition } from "../Metrics.ts"
import { expositionType } from "./exposition.ts"

/** Only programs on this machine get there: the numbers need no key. */
const host = "127.0.0.1"

/** `/metrics` on a port of its own, for a scraper beside the service; null: none. */
export const layer = (port: number | null) => (port === null ? Layer.empty : Layer.scopedDiscard(serve(port)))

const serve = Effect.fnUntraced(function* (port: number) {
  const { text } = yield* Exposition
  const fork = Runtime.runFork(yield* Effect.runtime())

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    const path = request.url?.split("?")[0]
    // A page of somebody else's must not read them through a browser on this machine.
    if (request.headers.origin !== undefined || !isLocal(request.headers.host)) return end(response, 403)
    if (path !== "/metrics") return end(response, 404)
    if (request.method !== "GET" && request.method !== "HEAD") return end(response, 405)
    fork(
      Effect.map(text, (body) => {
        response.writeHead(200, { "content-type": expositionType, "x-content-type-options": "nosniff" }).end(body)
      })
    )
  }

  yield* Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>, PortTaken | CannotListen>((resume) => {
      const server = createServer({ headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 10_000 }, answer)
      server.maxConnections = 20
      server.once("error", (fault: NodeJS.ErrnoException) =>
        resume(
          fault.code === "EADDRINUSE"
            ? new PortTaken({ host, port, setting: "METRICS_PORT" })
            : new CannotListen({ host, port, problem: fault.message })
        )
      )
      server.listen({ host, port }, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
})

const end = (response: ServerResponse, status: number): void => void response.writeHead(status).end()

/** Names of this machine only: another one that leads here is a trick to let a browser ask. */
const isLocal = (name: string | undefined): boolean => /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(name ?? "")
