import type { ApiError } from "../../api/Errors.ts"
import type { Exchange } from "../gate/Gate.ts"

type Headers = ReadonlyArray<readonly [name: string, value: string]>

export const json = "application/json; charset=utf-8"

/** To whom TLS was spoken; a browser must not believe it otherwise. */
export const strictTransport = ["Strict-Transport-Security", "max-age=31536000; includeSubDomains"] as const

/** On every answer. The API serves no page and no cacheable thing; the one page there is loosens its own policy. */
export const commonHeaders = (venue: string, tls: boolean): Headers => [
  ["Content-Type", json],
  ["X-Content-Type-Options", "nosniff"],
  ["Cache-Control", "no-store"],
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["X-Dipper-Venue", venue],
  ...(tls ? [strictTransport] : [])
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

/** What is left of the quotas this request was counted on. */
export const limitHeaders = ({ standings }: Exchange): Headers =>
  standings.length === 0
    ? []
    : [
        [
          "RateLimit-Policy",
          standings.map(({ quota }) => `"${quota.name}";q=${quota.requests};w=${quota.windowSeconds}`).join(", ")
        ],
        [
          "RateLimit",
          standings
            .map(({ quota, remaining, resetSeconds }) => `"${quota.name}";r=${remaining};t=${resetSeconds}`)
            .join(", ")
        ]
      ]
