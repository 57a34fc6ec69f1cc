import type { IncomingMessage, ServerResponse } from "node:http"

const methods = "GET, POST, PUT, DELETE"
const requestHeaders =
  "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Request-Id, X-Paper-Fault, traceparent"
const readable =
  "ETag, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, X-Event-Seq, X-Dipper-Venue"

/** On every answer of a service that has pages of its own. */
export const varies = ["Vary", "Origin"] as const

/**
 * Says what a page may read. Exact origins only, never credentials mode: tokens are headers, not cookies. True for the
 * question of a browser whether its page may send something, which `answerPreflight` answers.
 */
export const cors = (request: IncomingMessage, response: ServerResponse, origins: ReadonlyArray<string>): boolean => {
  if (origins.length === 0) return false
  response.setHeader(...varies)
  const origin = request.headers.origin
  if (origin === undefined || !origins.includes(origin)) return false
  response.setHeader("Access-Control-Allow-Origin", origin)
  response.setHeader("Access-Control-Expose-Headers", readable)
  // The API's own reads are for these origins as well.
  response.setHeader("Cross-Origin-Resource-Policy", "cross-origin")
  return request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined
}

export const answerPreflight = (response: ServerResponse): void => {
  response.setHeader("Access-Control-Allow-Methods", methods)
  response.setHeader("Access-Control-Allow-Headers", requestHeaders)
  response.setHeader("Access-Control-Max-Age", "600")
  response.removeHeader("Content-Type")
  response.writeHead(204).end()
}
