import { Effect } from "effect"
import type { IncomingMessage } from "node:http"
import type { Exchange } from "../gate/Gate.ts"

const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

/** One line per request. The route's pattern and not its URL: queries and ids are the user's affair. */
export const accessLog = (x: Exchange, request: IncomingMessage, status: number, ms: number): Effect.Effect<void> => {
  const given = request.headers["traceparent"]
  const trace = typeof given === "string" ? traceparent.exec(given)?.[1] : undefined
  return Effect.logInfo("request").pipe(
    Effect.annotateLogs({
      method: request.method ?? "",
      route: x.route?.path ?? "none",
      status,
      ms: Math.round(ms),
      requestId: x.requestId,
      ...(x.principal === null ? {} : { userId: x.principal.userId, credentialId: x.principal.credentialId }),
      ...(trace === undefined ? {} : { traceId: trace })
    }),
    (line) => (x.span === null ? line : Effect.withParentSpan(line, x.span))
  )
}
