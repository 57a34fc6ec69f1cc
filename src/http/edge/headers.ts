import type { ApiError } from "../../api/Errors.ts"
import type { Exchange } from "../gate/Gate.ts"

type Headers = ReadonlyArray<readonly [name: string, value: string]>

export const json = "application/json; charset=utf-8"

/** On every answer. The API serves no page and no cacheable thing; the one page there is loosens its own policy. */
export const commonHeaders = (venue: string, tls: boolean): Headers => [
  ["Content-Type", json],
  ["X-Content-Type-Options", "nosniff"],
  ["Cache-Control", "no-store"],
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["X-Dipper-Venue", venue],
  ...(tls ? [["Strict-Transport-Security", "max-age=31536000; includeSubDomains"] as const] : [])
]

/** The same as one list, which costs Node a third of setting them one by one. */
export const headList = (headers: Headers): ReadonlyArray<string> => headers.flat()

/** What a failure says beside its body. */
export const failureHeaders = (error: ApiError, status: number): Headers => [
  ...(status === 401 ? [["WWW-Authenticate", `Bearer error="invalid_token"`] as const] : []),
  ...(status === 429 || status === 503 || error.retryAfterSeconds !== undefined
    ? [["Retry-After", String(error.retryAfterSeconds ?? 1)] as const]
    : [])
]

/** What is left of the quota this request was counted on. */
export const limitHeaders = (x: Exchange): Headers =>
  x.quota === -1
    ? []
    : [
        ["RateLimit-Policy", `"default";q=${x.quota};w=60`],
        ["RateLimit", `"default";r=${x.remaining};t=${x.resetSeconds}`]
      ]
