import autocannon, { type Instance } from "autocannon"
import { randomBytes } from "node:crypto"

/** What the clients of one kind ask, and how often. */
export interface Kind {
  readonly name: string
  readonly connections: number
  /** Requests per second over all connections; null: as fast as answers come. */
  readonly rate: number | null
  readonly method: "GET" | "POST" | "DELETE"
  readonly path: string
  readonly body?: () => string
}

/** What came of it: of the answers that were none of overload, how long they took. */
export interface Outcome {
  readonly admittedMs: ReadonlyArray<number>
  readonly refusedMs: ReadonlyArray<number>
  /** Refusals that said when to come back. */
  readonly withRetryAfter: number
  /** Neither of both: any other status, or no answer. */
  readonly failed: number
}

/** Sends as one kind of client for so many seconds; each connection is one of the users. */
export const send = (url: string, kind: Kind, tokens: ReadonlyArray<string>, seconds: number): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const admittedMs: Array<number> = []
    const refusedMs: Array<number> = []
    let withRetryAfter = 0
    let failed = 0
    let next = 0
    const setupRequest = (request: Record<string, unknown>) => {
      const token = tokens[next++ % tokens.length] ?? ""
      const headers: Record<string, string> = { authorization: `Bearer ${token}` }
      if (kind.body === undefined) return { ...request, headers }
      headers["content-type"] = "application/json"
      headers["idempotency-key"] = randomBytes(12).toString("hex")
      return { ...request, headers, body: kind.body() }
    }
    const onResponse = (status: number, _: string, __: unknown, headers: Readonly<Record<string, string>>) => {
      if (status !== 503 && status !== 429) return
      if (Object.keys(headers).some((name) => name.toLowerCase() === "retry-after")) withRetryAfter++
    }
    const instance: Instance = autocannon(
      {
        url,
        connections: kind.connections,
        duration: seconds,
        ...(kind.rate === null ? {} : { overallRate: kind.rate }),
        requests: [{ method: kind.method, path: kind.path, setupRequest, onResponse }]
      },
      (fault) => (fault === null ? resolve({ admittedMs, refusedMs, withRetryAfter, failed }) : reject(fault))
    )
    instance.on("response", (_client, status, _bytes, ms) => {
      if (status === 503 || status === 429) refusedMs.push(ms)
      else if (status < 400) admittedMs.push(ms)
      else failed++
    })
    instance.on("reqError", () => failed++)
  })

export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
