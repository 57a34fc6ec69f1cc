import type { Journal } from "../machine/Journal.ts"
import { parsed, textAt } from "../machine/Json.ts"
import type { Service } from "../machine/Service.ts"
import { sleep } from "../machine/Time.ts"

export interface Ask {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  /** The connection is closed when no answer has come by then. */
  readonly patienceMs?: number
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

export interface Client {
  /** Once; null when no answer came. */
  readonly once: (user: string, ask: Ask) => Promise<Answer | null>
  /** As a good client does: the same request again, key and all, until the service says what became of it. */
  readonly surely: (user: string, ask: Ask) => Promise<Answer>
  readonly outcomes: ReadonlyMap<string, number>
  readonly lastOrderAskAt: () => number
  /** Calls back with each order that is being asked for. */
  readonly onOrder: (listener: (() => void) | null) => void
}

const kept = ["etag", "idempotency-replayed", "x-event-seq", "retry-after"]
const comesAgain = ({ body, status }: Answer) =>
  status === 503 || status === 429 || textAt(body, "error", "code") === "IDEMPOTENCY_IN_PROGRESS"

export const makeClient = (service: Service, journal: Journal, tokens: ReadonlyMap<string, string>): Client => {
  const outcomes = new Map<string, number>()
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  let asked = 0
  let lastOrderAskAt = 0
  let listener: (() => void) | null = null

  const once = async (
    user: string,
    { body, headers = {}, method, path, patienceMs = 25_000 }: Ask
  ): Promise<Answer | null> => {
    const id = ++asked
    const given = body === undefined ? {} : { body }
    journal.synced({ kind: "ask", id, user, method, path, headers, ...given })
    if (method === "POST" && path === "/trading/orders") {
      lastOrderAskAt = Date.now()
      listener?.()
    }
    try {
      const response = await fetch(`${service.url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${tokens.get(user) ?? ""}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(patienceMs)
      })
      const text = await response.text()
      const its = Object.fromEntries(
        kept.flatMap((name) => {
          const value = response.headers.get(name)
          return value === null ? [] : [[name, value]]
        })
      )
      const answer = { status: response.status, body: parsed(text), headers: its }
      journal.note({ kind: "answer", id, ...answer })
      count(
        `${method === "GET" ? "read" : "write"} ${answer.status} ${textAt(answer.body, "error", "code") ?? ""}`.trim()
      )
      return answer
    } catch (failure) {
      journal.note({ kind: "noAnswer", id, why: whyOf(failure) })
      count(`${method === "GET" ? "read" : "write"} without an answer`)
      return null
    }
  }

  const surely = async (user: string, ask: Ask): Promise<Answer> => {
    for (let pause = 200; ; pause = Math.min(2_000, pause * 1.5)) {
      while (!service.isUp()) await sleep(50)
      const answer = await once(user, ask)
      if (answer !== null && !comesAgain(answer)) return answer
      const wait = Number(answer?.headers["retry-after"] ?? 0) * 1_000
      await sleep(Math.max(pause, Math.min(wait, 5_000)))
    }
  }

  return {
    once,
    surely,
    outcomes,
    lastOrderAskAt: () => lastOrderAskAt,
    onOrder: (next) => void (listener = next)
  }
}

const whyOf = (failure: unknown): string => {
  if (!(failure instanceof Error)) return String(failure)
  return failure.cause instanceof Error ? `${failure.message}: ${failure.cause.message}` : failure.message
}
