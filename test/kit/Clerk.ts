import { Effect } from "effect"
import { createHmac } from "node:crypto"
import { createServer, type ServerResponse } from "node:http"

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

/** A Clerk instance on loopback that publishes what it is given, or fails as it is told. */
export const localClerk = Effect.gen(function* () {
  const state: { keys: ReadonlyArray<unknown>; failure: Failure | null; fetches: number } = {
    keys: [],
    failure: null,
    fetches: 0
  }
  const server = yield* Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>>((resume) => {
      const made = createServer((request, response) => {
        state.fetches += 1
        if (state.failure !== null && request.url !== "/elsewhere") return answer[state.failure](response)
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify({ keys: state.keys }))
      })
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) =>
      Effect.async<void>((resume) => {
        made.close(() => resume(Effect.void))
        made.closeAllConnections()
      })
  )
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  const host = `127.0.0.1:${port}`
  return {
    issuer: `http://${host}`,
    url: `http://${host}/.well-known/jwks.json`,
    publishableKey: `pk_test_${Buffer.from(`${host}$`).toString("base64")}`,
    state
  }
})
