import autocannon, { type Instance } from "autocannon"
import { randomBytes } from "node:crypto"
import { setTimeout as wait } from "node:timers/promises"

/** What the clients of one kind ask, and how often. */
export interface Kind {
  readonly name: string
  /**
   * Requests a second, each by a client of its own who asks once a second, or clients who ask again as soon as they have
   * their answer.
   */
  readonly pace: { readonly perSecond: number } | { readonly loops: number }
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
  /** Neither of both: any other status, or why there was no answer. */
  readonly failed: ReadonlyArray<string>
}

const isRefusal = (status: number): boolean => status === 503 || status === 429

/** Groups of clients begin one after the other: autocannon's clients all ask at the beginning of their seconds. */
const groupsAtMost = 20

const groupsOf = ({ pace }: Kind): ReadonlyArray<{ readonly connections: number; readonly delayMs: number }> => {
  if ("loops" in pace) return [{ connections: pace.loops, delayMs: 0 }]
  const groups = Math.min(groupsAtMost, pace.perSecond)
  return Array.from({ length: groups }, (_, n) => ({
    connections: Math.floor((pace.perSecond + n) / groups),
    delayMs: (n * 1_000) / groups
  }))
}

/** Sends as one kind of client for so many seconds; the connections are the users in turn. */
export const send = async (
  url: string,
  kind: Kind,
  tokens: ReadonlyArray<string>,
  seconds: number
): Promise<Outcome> => {
  const admittedMs: Array<number> = []
  const refusedMs: Array<number> = []
  let withRetryAfter = 0
  const failed: Array<string> = []
  let next = 0
  const setupRequest = (request: Record<string, unknown>) => {
    const token = tokens[next++ % tokens.length] ?? ""
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (kind.body === undefined) return { ...request, headers }
    headers["content-type"] = "application/json"
    headers["idempotency-key"] = randomBytes(12).toString("hex")
    return { ...request, headers, body: kind.body() }
  }
  const onResponse = (status: number, body: string, __: unknown, headers: Readonly<Record<string, string>>) => {
    if (status < 400) return
    if (!isRefusal(status)) return void failed.push(`status ${status}, ${/"code":"(\w+)"/.exec(body)?.[1] ?? body}`)
    if (Object.keys(headers).some((name) => name.toLowerCase() === "retry-after")) withRetryAfter++
  }
  const group = (connections: number) =>
    new Promise<void>((resolve, reject) => {
      const instance: Instance = autocannon(
        {
          url,
          connections,
          duration: seconds,
          ...("loops" in kind.pace ? {} : { connectionRate: 1 }),
          requests: [{ method: kind.method, path: kind.path, setupRequest, onResponse }]
        },
        (fault) => (fault === null ? resolve() : reject(fault))
      )
      instance.on("response", (_client, status, _bytes, ms) => {
        if (isRefusal(status)) refusedMs.push(ms)
        else if (status < 400) admittedMs.push(ms)
      })
      instance.on("reqError", ({ message }) => failed.push(message))
    })
  await Promise.all(groupsOf(kind).map(({ connections, delayMs }) => wait(delayMs).then(() => group(connections))))
  return { admittedMs, refusedMs, withRetryAfter, failed }
}

export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
