import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { claims, header, jwkOf, keys, kid, sign } from "../accounts/clerk/tokens.ts"
import { browserPage, hasBrowser } from "../kit/Browser.ts"
import { localClerk } from "../kit/Clerk.ts"
import { localServer } from "../kit/localServer.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { eventually, paperExchange, service } from "../kit/Service.ts"

const guide = readFileSync(join(import.meta.dirname, "../../docs/auth.md"), "utf8")
const snippet = /### From a front end\n.*?```js\n(.*?)```/s.exec(guide)?.[1] ?? ""

/** An empty page of an origin of its own. */
const pageServer = localServer((_, response) => {
  response.setHeader("content-type", "text/html; charset=utf-8")
  response.end(`<!doctype html><link rel="icon" href="data:,"><title>Page</title>`)
})

/** A service that lets in the people of a local Clerk, from the pages of one origin. */
const bot = Effect.gen(function* () {
  const clerk = yield* localClerk
  clerk.state.keys = [jwkOf(keys.publicKey, kid)]
  const origin = yield* pageServer
  const paper = yield* paperExchange
  yield* paper.price("BTCUSDT", "60000")
  const { url } = yield* service(yield* temporaryFolder, paper, {
    AUTH_MODE: "clerk",
    CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
    CLERK_AUTHORIZED_PARTIES: origin,
    CORS_ORIGINS: origin
  })
  const token = (more: object = {}) =>
    sign(header(), claims({ sub: "user_ann", sid: "sess_ann", iss: clerk.issuer, azp: origin, ...more }))
  return { origin, paper, url, token }
})

const Answer = Schema.Struct({
  status: Schema.Int,
  code: Schema.NullOr(Schema.String),
  headers: Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.String) })
})

/** What a page can read of an answer; `fetch` rejects where it may read nothing. */
const read = (url: string, options: object = {}) => `
  fetch(${JSON.stringify(url)}, ${JSON.stringify(options)}).then(async (response) => ({
    status: response.status,
    code: (await response.json()).error?.code ?? null,
    headers: Object.fromEntries(
      ["x-request-id", "ratelimit", "ratelimit-policy", "x-dipper-venue", "x-event-seq"].map((name) => [name, response.headers.get(name)])
    )
  }))`

const Ran = Schema.Struct({
  account: Schema.Struct({ userId: Schema.String }),
  ticker: Schema.Struct({ symbol: Schema.String }),
  rule: Schema.Struct({ id: Schema.String, state: Schema.String })
})
const Heard = Schema.Array(Schema.Tuple(Schema.String, Schema.Unknown))
const Failed = Schema.Struct({ code: Schema.String, requestId: Schema.String })

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe.skipIf(!hasBrowser)("In a browser", () => {
  it.scopedLive(
    "a page of the listed origin does what docs/auth.md shows: reads, makes a rule, and hears its events",
    () =>
      Effect.gen(function* () {
        const { origin, paper, token, url } = yield* bot
        const page = yield* browserPage()
        yield* page.open(origin)

        // Clerk's part of the page; its first token has run out, as after the sleep of a laptop.
        const now = Math.floor(Date.now() / 1_000)
        const old = token({ iat: now - 120, exp: now - 60 })
        yield* page.run(`
          window.heard = []
          window.asked = []
          window.Clerk = { session: { getToken: async (options) => {
            window.asked.push(options?.skipCache === true)
            return window.asked.length === 1 ? ${JSON.stringify(old)} : ${JSON.stringify(token())}
          } } }
          void 0`)
        assert.include(snippet, `"https://bot.example.com/api/v1"`)
        const module = snippet
          .replace("https://bot.example.com", url)
          .replace("console.log(type, data)", "window.heard.push([type, data])")
        const ran = yield* page.run(
          `(async () => { ${module}; window.ask = ask; window.end = end; return { account, ticker, rule } })()`
        )
        const { account, rule, ticker } = Schema.decodeUnknownSync(Ran)(ran)
        assert.strictEqual(account.userId, "user_ann")
        assert.strictEqual(ticker.symbol, "BTCUSDT")
        assert.strictEqual(rule.state, "active")
        const asked = Schema.decodeUnknownSync(Schema.Array(Schema.Boolean))(yield* page.run("window.asked"))
        assert.deepStrictEqual(asked.slice(0, 2), [false, true])

        const heard = Effect.map(page.run("window.heard"), Schema.decodeUnknownSync(Heard))
        yield* eventually("a snapshot", heard, (list) => list[0]?.[0] === "snapshot")
        yield* paper.price("BTCUSDT", "49990")
        yield* eventually("an order", heard, (list) => list.some(([type]) => type === "order.changed"))

        const answer = Schema.decodeUnknownSync(Answer)(
          yield* page.run(read(`${url}/api/v1/account`, { headers: { ...bearer(token()), "x-request-id": "page-1" } }))
        )
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers["x-request-id"], "page-1")
        assert.match(answer.headers["ratelimit"] ?? "", /^"default";r=\d+;t=\d+, "account";r=\d+;t=\d+$/)
        assert.strictEqual(answer.headers["ratelimit-policy"], `"default";q=600;w=60, "account";q=60;w=6`)
        assert.strictEqual(answer.headers["x-dipper-venue"], "paper")
        assert.match(answer.headers["x-event-seq"] ?? "", /^\d+$/)

        // A failure can be read as well.
        const failed = yield* page.run(
          `ask("GET", "/trading/rules/none").catch(({ code, requestId }) => ({ code, requestId }))`
        )
        assert.match(Schema.decodeUnknownSync(Failed)(failed).code, /^(NOT_FOUND|VALIDATION_FAILED)$/)
        yield* page.run("window.end()")
      }),
    60_000
  )

  it.scopedLive(
    "a page of another origin reads nothing, with a good token too, and its preflight is refused",
    () =>
      Effect.gen(function* () {
        const { token, url } = yield* bot
        const page = yield* browserPage()
        yield* page.open(yield* pageServer)
        const refused = (expression: string) =>
          page.run(expression).pipe(
            Effect.match({ onFailure: ({ message }) => message, onSuccess: () => "it was answered" }),
            Effect.map((message) => assert.include(message, "Failed to fetch"))
          )
        const account = `${url}/api/v1/account`
        yield* refused(read(account))
        yield* refused(read(`${url}/api/v1/status/live`))
        const seen = page.sent.length
        yield* refused(read(account, { headers: bearer(token()) }))
        yield* refused(read(`${url}/api/v1/trading/rules`, { method: "POST", headers: bearer(token()), body: "{}" }))
        assert.isTrue(page.complaints.some((text) => text.includes("preflight")))
        // The question alone went out, never the token.
        assert.isFalse(
          page.sent.slice(seen).some((headers) => "authorization" in headers || "Authorization" in headers)
        )

        // A stream ticket that leaked is of no use to it either.
        const given = yield* Effect.promise(() =>
          fetch(`${account}/stream-tickets`, { method: "POST", headers: bearer(token()) }).then((answer) =>
            answer.json()
          )
        )
        const { data } = Schema.decodeUnknownSync(Schema.Struct({ data: Schema.Struct({ ticket: Schema.String }) }))(
          given
        )
        const outcome = yield* page.run(`new Promise((resolve) => {
          const source = new EventSource(${JSON.stringify(`${account}/events?ticket=${data.ticket}`)})
          source.addEventListener("snapshot", () => resolve("heard"))
          source.onerror = () => resolve(source.readyState === EventSource.CLOSED ? "refused" : "again")
        })`)
        assert.strictEqual(outcome, "refused")
      }),
    60_000
  )

  it.scopedLive(
    "/docs asks nobody else for anything, complains of nothing, and its requests reach the API; a cookie lets nobody in",
    () =>
      Effect.gen(function* () {
        const { token, url } = yield* bot
        // By a name, as in production: the page must not behave only on loopback.
        const site = url.replace("127.0.0.1", "bot.test")
        const page = yield* browserPage("--host-resolver-rules=MAP bot.test 127.0.0.1")
        yield* page.open(`${site}/docs`)
        const operations = page.run(`document.querySelectorAll(".opblock").length`)
        yield* eventually("operations", operations, (count) => typeof count === "number" && count > 50)

        // "Try it out" of an open operation, as a reader would.
        const live = `document.querySelector('[id$="getLiveness"]')`
        const click = (selector: string) =>
          eventually(
            selector,
            page.run(
              `((found) => (found?.click(), found != null))(${live}?.querySelector(${JSON.stringify(selector)}))`
            ),
            (found) => found === true
          )
        yield* click(".opblock-summary-control")
        yield* click(".try-out__btn")
        yield* click(".execute")
        yield* eventually(
          "the answer",
          page.run(`${live}?.querySelector(".live-responses-table tbody .response-col_status")?.textContent ?? ""`),
          (text) => typeof text === "string" && text.startsWith("200")
        )
        const origins = page.requests.map((request) => request.url).filter((at) => !/^(data|blob):/.test(at))
        assert.deepStrictEqual([...new Set(origins.map((at) => new URL(at).origin))], [site])
        assert.deepStrictEqual(page.complaints, [])

        // The names that Clerk gives its cookies; the page sends them and is nobody.
        yield* page.run(`document.cookie = "__session=${token()}; path=/"; document.cookie = "__client=1; path=/"`)
        const before = page.sent.length
        const answer = yield* page.run(read("/api/v1/account", { credentials: "include" }))
        const { code, status } = Schema.decodeUnknownSync(Answer)(answer)
        assert.isTrue(page.sent.slice(before).some((headers) => (headers["Cookie"] ?? "").includes("__session=ey")))
        assert.deepStrictEqual([status, code], [401, "UNAUTHENTICATED"])
        const good = yield* page.run(read("/api/v1/account", { headers: bearer(token()) }))
        assert.strictEqual(Schema.decodeUnknownSync(Answer)(good).status, 200)
      }),
    60_000
  )
})
