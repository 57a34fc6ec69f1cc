import { createServer, type Server } from "node:http"
import { Context, Effect, Layer, Schema } from "effect"
import { refuseConnection } from "./rest/serving/refuseConnection.ts"

/** The address of the paper exchange belongs to another program. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `the paper exchange cannot listen on ${this.host}:${this.port}: ${this.detail}`
  }
}

/**
 * The one `http.Server` of the paper exchange: the REST server answers its requests, the stream server its upgrades.
 * It listens before either is attached, so callers attach within the same layer build.
 */
export class Listener extends Context.Tag("dipper/paper/Listener")<
  Listener,
  { readonly server: Server; readonly host: string; readonly port: number }
>() {
  /** Port 0 takes a free one. Closing ends every open connection. */
  static readonly layer = (options: { readonly host: string; readonly port: number }) =>
    Layer.scoped(
      Listener,
      Effect.acquireRelease(listen(options), ({ server }) => close(server))
    )
}

/** Longer than clients keep an idle connection, so that they close it first and no request meets a closing socket. */
const keepAliveMillis = 65_000

/** What is read of a connection without becoming a request. */
const statusOfBroken: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

const listen = ({ host, port }: { readonly host: string; readonly port: number }) =>
  Effect.async<Context.Tag.Service<Listener>, PortTaken>((resume) => {
    const server = createServer({ keepAliveTimeout: keepAliveMillis })
    // Until the REST server is attached somebody must answer, or a caller that came early would hang.
    server.on("request", (_, response) => {
      if (server.listenerCount("request") === 1) response.writeHead(503).end('{"code":503,"msg":"starting"}')
    })
    server.on("clientError", ({ code = "" }: NodeJS.ErrnoException, socket) => {
      refuseConnection(socket, statusOfBroken[code] ?? 400)
    })
    const refuse = (cause: NodeJS.ErrnoException) => {
      const detail = cause.code === "EADDRINUSE" ? "another program already listens there" : cause.message
      resume(Effect.fail(new PortTaken({ host, port, detail })))
    }
    server.once("error", refuse)
    server.listen({ host, port }, () => {
      server.off("error", refuse)
      const address = server.address()
      const bound = address !== null && typeof address === "object" ? address.port : port
      resume(Effect.succeed({ server, host, port: bound }))
    })
  })

const close = (server: Server) =>
  Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })
