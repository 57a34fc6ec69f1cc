import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Route, Routes } from "../../src/http/gate/Routes.ts"
import { plainRoutes } from "../../src/http/HttpGate.ts"
import { HttpServer, type ServerOptions } from "../../src/http/HttpServer.ts"
import { type Answer, ask, bearer, serve } from "./kit/server.ts"

const routes = new Routes(plainRoutes).all

/** The values that never change. A header that is not here or below is one too many. */
const always = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "content-type": "application/json; charset=utf-8",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-dipper-venue": "paper"
}
/** Of the connection, and different each time. */
const passing = ["connection", "content-length", "date", "keep-alive", "transfer-encoding", "x-request-id"]
const quota = ["ratelimit", "ratelimit-policy"]

const pagePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'"

/** Where an answer may differ. */
const exceptions: Readonly<Record<string, Partial<Record<keyof typeof always, string>>>> = {
  "200 /docs": { "content-type": "text/html", "content-security-policy": pagePolicy },
  "200 /metrics": { "content-type": "text/plain; version=0.0.4; charset=utf-8" }
}

const ofStatus: Readonly<Record<number, ReadonlyArray<string>>> = {
  401: ["www-authenticate"],
  405: ["allow"],
  429: ["retry-after"],
  503: ["retry-after"]
}

const expectHeaders = (what: string, route: Route, { headers, status }: Answer, asked: "known" | "unknown") => {
  const exception = exceptions[`${status} ${route.path}`] ?? {}
  for (const [name, value] of Object.entries({ ...always, ...exception })) {
    assert.strictEqual(headers.get(name), value, `${what}: ${name}`)
  }
  assert.match(headers.get("x-request-id") ?? "", /^[\w.-]+$/, what)
  const counted = asked === "known" || (route.scope === null && status !== 405) || status === 429
  const more = [...headers.keys()].filter((name) => !passing.includes(name) && !(name in always))
  const allowed = [...(ofStatus[status] ?? []), ...(counted ? [...quota, "x-event-seq"] : [])]
  for (const name of more) assert.include(allowed, name, what)
  for (const name of ofStatus[status] ?? []) assert.include(more, name, what)
}

const path = (route: Route) => route.path.replaceAll(/:\w+/g, "BTCUSDT")
const body = (route: Route, text: string) =>
  route.takesBody ? { body: text, headers: { "content-type": "application/json" } } : {}

const asked = (route: Route, more: RequestInit & { readonly headers?: Record<string, string> } = {}, query = "") =>
  Effect.flatMap(HttpServer, ({ url }) => {
    const sent = body(route, "{}")
    return ask(url + path(route) + query, {
      method: route.method,
      ...sent,
      ...more,
      headers: { ...sent.headers, ...more.headers }
    })
  })

const onEach = (
  what: string,
  statuses: ReadonlyArray<number>,
  request: (route: Route) => Effect.Effect<Answer, never, HttpServer>,
  which: (route: Route) => boolean = () => true,
  who: "known" | "unknown" = "unknown",
  options: Partial<ServerOptions> = {}
) =>
  it.live(`${what}, on every route`, () =>
    Effect.forEach(routes.filter(which), (route) =>
      Effect.map(request(route), (answer) => {
        const which = `${route.method} ${route.path} ${answer.status}`
        assert.include(statuses, answer.status, which)
        expectHeaders(which, route, answer, who)
      })
    ).pipe(Effect.provide(serve({}, options)))
  )

const manager = bearer("ann:read+trade+manage")
const isSecured = ({ scope }: Route) => scope !== null

describe("The headers of an answer are those that are listed", () => {
  onEach("to somebody without a credential", [401, 429], (route) => asked(route), isSecured)
  onEach("by another method", [405], (route) => asked(route, { method: "PATCH", body: "{}" }))
  onEach("with a parameter that is unknown", [400, 404, 401, 429], (route) => asked(route, {}, "?surely=unknown"))
  onEach("to a key without the scope", [403], (route) => asked(route, { headers: bearer("ann:") }), isSecured, "known")
  onEach(
    "to a body that is none",
    [400, 404, 428],
    (route) => asked(route, { body: "{", headers: manager }),
    ({ operation, takesBody }) => takesBody && operation !== "receiveClerkWebhook" && operation !== "receiveSignal",
    "known"
  )
  onEach(
    "whatever the services behind it do, a fault of ours included",
    [200, 201, 400, 404, 428, 500],
    (route) => asked(route, { headers: manager }),
    ({ streams }) => !streams,
    "known"
  )
  onEach(
    "when the quota of the address is used up",
    [429],
    (route) => Effect.zipRight(asked(route, {}, "?x=1"), asked(route, {}, "?x=1")),
    ({ takesQuery }) => !takesQuery,
    "unknown",
    { ratePerMinute: 1 }
  )
})

describe("A browser asks before it sends", () => {
  const app = "https://app.example.com"
  const served = [204, app, "GET, POST, PUT, DELETE", "600"] as const
  const unheard = [405, null, null, null] as const
  const asking = (origin: string) => ({ origin, "access-control-request-method": "PUT" })
  type Told = readonly [status: number, origin: string | null, methods: string | null, maxAge: string | null]
  const rows: ReadonlyArray<readonly [who: string, method: string, headers: Record<string, string>, told: Told]> = [
    ["a listed origin", "OPTIONS", asking(app), served],
    [
      "one that is to send a header of its own",
      "OPTIONS",
      { ...asking(app), "access-control-request-headers": "x-secret" },
      served
    ],
    ["one that asks nothing", "OPTIONS", { origin: app }, [405, app, null, null]],
    ["another origin", "OPTIONS", asking("https://evil.example.com"), unheard],
    ["a longer name", "OPTIONS", asking(`${app}.evil.com`), unheard],
    ["another port", "OPTIONS", asking(`${app}:444`), unheard],
    ["the same without TLS", "OPTIONS", asking("http://app.example.com"), unheard],
    ["another spelling", "OPTIONS", asking("https://APP.example.com"), unheard],
    ["a page without an origin", "OPTIONS", asking("null"), unheard],
    ["everybody", "OPTIONS", asking("*"), unheard],
    ["nobody", "OPTIONS", { "access-control-request-method": "GET" }, unheard],
    ["a listed origin, with the request itself", "GET", { origin: app }, [401, app, null, null]],
    ["another origin, with the request itself", "GET", { origin: "https://evil.example.com" }, [401, null, null, null]]
  ]

  const allowed = (corsOrigins: ReadonlyArray<string>, headers: Record<string, string>, method: string) =>
    Effect.flatMap(HttpServer, ({ url }) => ask(`${url}/api/v1/trading/orders`, { method, headers })).pipe(
      Effect.provide(serve({}, { corsOrigins }))
    )

  it.live.each(rows)("%s, by %s", ([, method, headers, told]) =>
    Effect.map(allowed([app], headers, method), (answer) => {
      const named = (name: string) => answer.headers.get(`access-control-${name}`)
      assert.deepStrictEqual(
        [answer.status, named("allow-origin"), named("allow-methods"), named("max-age")],
        [...told]
      )
      assert.strictEqual(answer.headers.get("vary"), "Origin")
      assert.isNull(named("allow-credentials"))
      assert.notInclude(named("allow-headers") ?? "", "x-secret")
      if (told === served) assert.include(named("allow-headers"), "Idempotency-Key")
    })
  )

  it.live("which is counted by its address, and takes nothing from anything else", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      const preflight = ask(`${url}/api/v1/trading/orders`, { method: "OPTIONS", headers: asking(app) })
      const first = yield* preflight
      assert.strictEqual(first.status, 204)
      assert.strictEqual(first.headers.get("ratelimit-policy"), `"preflights";q=1;w=60`)
      assert.match(first.headers.get("ratelimit") ?? "", /^"preflights";r=0;t=\d+$/)
      const refused = yield* preflight
      assert.deepStrictEqual([refused.status, refused.code], [429, "RATE_LIMITED"])
      assert.match(JSON.stringify(refused.body), /quota \\"preflights\\" of this address is used up/)
      assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/)
      assert.strictEqual(refused.headers.get("content-type"), "application/json; charset=utf-8")
      // The page's console can tell why: it is no foreign origin.
      assert.strictEqual(refused.headers.get("access-control-allow-origin"), app)
      assert.isNull(refused.headers.get("access-control-allow-methods"))
      assert.strictEqual((yield* ask(`${url}/api/v1/status/live`)).status, 200)
      const { status } = yield* ask(`${url}/api/v1/trading/orders`, { headers: { origin: app, ...bearer("ann:") } })
      assert.strictEqual(status, 403)
    }).pipe(Effect.provide(serve({}, { corsOrigins: [app], ratePerMinute: 1 })))
  )

  it.live("and where no origin is listed nothing is said of origins at all", () =>
    Effect.map(
      allowed([], { origin: app, "access-control-request-method": "GET" }, "OPTIONS"),
      ({ headers, status }) => {
        assert.strictEqual(status, 405)
        assert.deepStrictEqual(
          [...headers.keys()].filter((name) => name.startsWith("access-control") || name === "vary"),
          []
        )
      }
    )
  )
})
