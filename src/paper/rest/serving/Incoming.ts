import type { IncomingMessage } from "node:http"
import { Effect } from "effect"
import { VenueRejection } from "../../VenueRejection.ts"
import { parseParameters, type ApiRequest } from "../ApiRequest.ts"

/** No request of the venue's protocol comes near it; an operator's price path or journal of faults may. */
const maxBodyBytes = 64 * 1024
const maxControlBodyBytes = 1024 * 1024

export const isControl = (path: string): boolean => path.startsWith("/paper/")

/** A request with its whole body; fails when that is too large. */
export const readRequest = (incoming: IncomingMessage) => {
  const url = incoming.url ?? "/"
  const at = url.indexOf("?")
  const path = withoutEmptyParts(at === -1 ? url : url.slice(0, at))
  const query = at === -1 ? "" : url.slice(at + 1)
  const limit = isControl(path) ? maxControlBodyBytes : maxBodyBytes
  return Effect.map(hasBody(incoming) ? readBody(incoming, limit) : Effect.succeed(""), (body): ApiRequest => ({
    // The same but for its body, which the HTTP library leaves out.
    method: incoming.method === "HEAD" ? "GET" : (incoming.method ?? "GET"),
    path,
    query,
    body,
    contentType: incoming.headers["content-type"] ?? "",
    apiKey: headerOf(incoming, "x-mexc-apikey"),
    wish: headerOf(incoming, "x-paper-fault"),
    ip: incoming.socket.remoteAddress ?? "",
    parameters: parseParameters(query, isControl(path) ? "" : body)
  }))
}

/** A base URL that ends with a slash and a path that begins with one make two; the venue's proxies merge them. */
const withoutEmptyParts = (path: string): string => (path.includes("//") ? path.replace(/\/{2,}/g, "/") : path)

/** Most clients put everything into the query: such a request need not be waited for. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0"

const headerOf = (incoming: IncomingMessage, name: string): string | null => {
  const value = incoming.headers[name]
  return typeof value === "string" ? value : null
}

const readBody = (incoming: IncomingMessage, limit: number) =>
  Effect.async<string, VenueRejection>((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
    })
    incoming.once("end", () =>
      resume(
        size <= limit
          ? Effect.succeed(Buffer.concat(chunks).toString("utf8"))
          : Effect.fail(new VenueRejection({ code: 413, text: "request body too large", status: 413 }))
      )
    )
    incoming.once("error", () => resume(Effect.interrupt))
    incoming.once("aborted", () => resume(Effect.interrupt))
  })
