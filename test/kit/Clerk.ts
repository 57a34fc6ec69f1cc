import { Effect } from "effect"
import { createHmac } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { localServer } from "./localServer.ts"

/** How Clerk can fail to publish its keys. */
export const failures = [
  "error 500",
  "HTML 502",
  "401",
  "reset",
  "hang",
  "empty list",
  "no JSON",
  "1 MiB",
  "redirect"
] as const
export type Failure = (typeof failures)[number]

const answer: Readonly<Record<Failure, (response: ServerResponse) => void>> = {
  "error 500": (response) => void response.writeHead(500).end(`{"errors":[]}`),
  "HTML 502": (response) =>
    void response.writeHead(502, { "content-type": "text/html" }).end("<html>Bad gateway</html>"),
  "401": (response) => void response.writeHead(401).end(`{"errors":[{"code":"clerk_key_invalid"}]}`),
  reset: (response) => void response.socket?.destroy(),
  hang: () => undefined,
  "empty list": (response) => void response.end(`{"keys":[]}`),
  "no JSON": (response) => void response.end("keys"),
  "1 MiB": (response) => void response.end(JSON.stringify({ keys: [{ filler: "x".repeat(1_048_576) }] })),
  redirect: (response) => void response.writeHead(302, { location: "/elsewhere" }).end()
}

/** What Clerk's webhook carries in its body and headers; the signature is our own arithmetic, not the library's. */
export const signedWebhook = (secret: string, id: string, event: object, at = Date.now()) => {
  const body = JSON.stringify({ object: "event", timestamp: Date.now(), instance_id: "ins_1", ...event })
  const timestamp = String(Math.floor(at / 1_000))
  const mac = createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64"))
  const signature = `v1,${mac.update(`${id}.${timestamp}.${body}`).digest("base64")}`
  return { headers: { id, timestamp, signature }, body }
}

/** What Clerk's backend API says of a person, among much else. */
export interface Person {
  readonly banned: boolean
  readonly locked: boolean
  readonly updated_at: number
}

const json = (response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}) =>
  void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))

/** How it can fail to say something of somebody. */
const backendAnswer = {
  "error 500": answer["error 500"],
  "HTML 502": answer["HTML 502"],
  "HTML 404": (response: ServerResponse) =>
    void response.writeHead(404, { "content-type": "text/html" }).end("<html>Not found</html>"),
  "404 of something else": (response: ServerResponse) => json(response, 404, { errors: [{ code: "no_such_route" }] }),
  "410": (response: ServerResponse) => void response.writeHead(410).end(`{"errors":[]}`),
  reset: answer.reset,
  hang: answer.hang,
  "no JSON": answer["no JSON"],
  "2 MiB": (response: ServerResponse) => json(response, 200, { filler: "x".repeat(2_097_152) }),
  redirect: answer.redirect,
  "somebody else": (response: ServerResponse) =>
    json(response, 200, { id: "user_else", banned: true, locked: true, updated_at: 1 }),
  "half a person": (response: ServerResponse) => json(response, 200, { id: "user_ann", updated_at: 1 })
} as const
export type BackendFailure = keyof typeof backendAnswer
export const backendFailures = Object.keys(backendAnswer).filter(
  (name): name is BackendFailure => name in backendAnswer
)

export interface ClerkState {
  keys: ReadonlyArray<unknown>
  failure: Failure | null
  fetches: number
  secretKey: string
  readonly people: Map<string, Person>
  /** Whom the backend API was asked about, with the secret key. */
  readonly asked: Array<string>
  backendFailure: BackendFailure | null
  /** Answers 429 this often, with this `Retry-After`. */
  busy: { times: number; readonly retryAfter: string | null }
}

const backend = (state: ClerkState, request: IncomingMessage, response: ServerResponse) => {
  if (request.headers.authorization !== `Bearer ${state.secretKey}`)
    return json(response, 401, { errors: [{ code: "clerk_key_invalid" }] })
  if (request.url === "/v1/jwks") return json(response, 200, { keys: state.keys })
  const id = /^\/v1\/users\/(.+)$/.exec(request.url ?? "")?.[1] ?? ""
  state.asked.push(id)
  if (state.busy.times-- > 0)
    return json(
      response,
      429,
      { errors: [{ code: "too_many_requests" }] },
      state.busy.retryAfter === null ? {} : { "retry-after": state.busy.retryAfter }
    )
  if (state.backendFailure !== null) return backendAnswer[state.backendFailure](response)
  const person = state.people.get(id)
  return person === undefined
    ? json(response, 404, { errors: [{ message: "not found", code: "resource_not_found" }], clerk_trace_id: "1" })
    : json(response, 200, { id, object: "user", email_addresses: [], ...person })
}

/** A Clerk instance on loopback that publishes what it is given, or fails as it is told. */
export const localClerk = Effect.gen(function* () {
  const state: ClerkState = {
    keys: [],
    failure: null,
    fetches: 0,
    secretKey: "sk_test_of_the_local_clerk",
    people: new Map(),
    asked: [],
    backendFailure: null,
    busy: { times: 0, retryAfter: null }
  }
  const issuer = yield* localServer((request, response) => {
    if (request.url?.startsWith("/v1/") === true) return backend(state, request, response)
    state.fetches += 1
    if (state.failure !== null && request.url !== "/elsewhere") return answer[state.failure](response)
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ keys: state.keys }))
  })
  const { host } = new URL(issuer)
  return {
    issuer,
    url: `${issuer}/.well-known/jwks.json`,
    publishableKey: `pk_test_${Buffer.from(`${host}$`).toString("base64")}`,
    state
  }
})
