import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { VersionMismatch } from "../../src/api/Errors.ts"
import { examples } from "../../src/api/openapi/examples.ts"
import type { RuleRequest } from "../../src/domain/Rule.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { ask, bearer, client, serve, type Stubs } from "./kit/server.ts"
import { anExecution, aRule } from "./kit/values.ts"

const key = { "idempotency-key": "0123456789abcdef" }
const rule = examples["createRule"]?.request
const write = (method: string, body: unknown, headers: Record<string, string> = key): RequestInit => ({
  method,
  headers: { ...bearer("ann:read+trade"), "content-type": "application/json", ...headers },
  body: JSON.stringify(body)
})

const running = <A, E>(given: Stubs, test: (rules: string) => Effect.Effect<A, E>) =>
  Effect.flatMap(HttpServer, ({ url }) => test(`${url}/api/v1/trading/rules`)).pipe(Effect.provide(serve(given)))

const detailsOf = (body: unknown) => JSON.stringify(body).replace(/^.*"details":/, "")

describe("Creating a rule", () => {
  it.live("gives every field its default, and answers 201 with the version as ETag", () =>
    Effect.gen(function* () {
      const asked: Array<RuleRequest> = []
      const stubs: Stubs = {
        rules: {
          create: (_, request) => {
            asked.push(request)
            return Effect.succeed({ rule: aRule, replayed: false })
          }
        }
      }
      const answer = yield* running(stubs, (rules) => ask(rules, write("POST", rule)))
      assert.strictEqual(answer.status, 201, JSON.stringify(answer.body))
      assert.strictEqual(answer.headers.get("etag"), `"3"`)
      assert.nestedPropertyVal(answer.body, "data.id", aRule.id)
      assert.strictEqual(asked[0]?.timezone, "UTC")
      assert.strictEqual(asked[0]?.onInsufficientFunds, "skip")
    })
  )

  it.live("names the path of what is wrong, in triggers and other parts that come in kinds as well", () =>
    running({}, (rules) =>
      Effect.gen(function* () {
        const base = JSON.stringify(rule)
        const refused: ReadonlyArray<readonly [change: object, path: string]> = [
          [{ trigger: { type: "price.moon" } }, "trigger"],
          [{ trigger: { type: "price.drop", percent: "8", from: { type: "highOf" } } }, "trigger.from.window"],
          [
            { trigger: { type: "price.drop", percent: 8, from: { type: "highOf", window: "PT24H" } } },
            "trigger.percent"
          ],
          [{ trigger: { type: "price.level", side: "below", price: "1e5" } }, "trigger.price"],
          [{ size: { type: "quote", amount: "-5" } }, "size.amount"],
          [{ size: { type: "quote", amount: 5 } }, "size.amount"],
          [{ symbol: "btcusdt" }, "symbol"],
          [{ state: "running" }, "state"],
          [{ limits: { total: "0.1234567890123456789" } }, "limits.total"],
          [{ gates: [{ type: "maxSpread", bps: "10" }] }, "gates.0.bps"]
        ]
        for (const [change, path] of refused) {
          const answer = yield* ask(rules, write("POST", { ...JSON.parse(base), ...change }))
          assert.strictEqual(answer.code, "VALIDATION_FAILED", JSON.stringify(answer.body))
          assert.include(detailsOf(answer.body), `{"path":"${path}`, JSON.stringify(answer.body))
        }
      })
    )
  )

  it.live("says what would have been right", () =>
    running({}, (rules) =>
      Effect.gen(function* () {
        const base = JSON.stringify(rule)
        const told: ReadonlyArray<readonly [change: object, message: string]> = [
          [{ trigger: { type: "price.moon" } }, "price.level, price.drop, price.rebound, balance.available"],
          [{ trigger: { type: "price.dropp", percent: "5" } }, "did you mean `price.drop`?"],
          [{ size: { type: "quote", amount: 5 } }, `expected string, got 5; write \\"5\\"`],
          [{ state: "running" }, `expected \\"draft\\" or \\"active\\" or null, got \\"running\\"`]
        ]
        for (const [change, message] of told) {
          const { body } = yield* ask(rules, write("POST", { ...JSON.parse(base), ...change }))
          assert.include(detailsOf(body), message)
        }
      })
    )
  )

  it.live("finds a misspelt field however deep it is", () =>
    running({}, (rules) =>
      Effect.gen(function* () {
        const changed = { ...JSON.parse(JSON.stringify(rule)), limits: { totl: "1000" }, maxprice: "5" }
        const { body } = yield* ask(rules, write("POST", changed))
        assert.include(
          detailsOf(body),
          `{"path":"limits.totl","message":"is not known here; did you mean \\"total\\"?"}`
        )
        assert.include(
          detailsOf(body),
          `{"path":"maxprice","message":"is not known here; did you mean \\"maxPrice\\"?"}`
        )
      })
    )
  )
})

describe("Updating a rule", () => {
  const stubs: Stubs = {
    rules: {
      update: (_, __, ___, version) =>
        version === 3
          ? Effect.succeed({ rule: { ...aRule, version: 4 }, replayed: false })
          : new VersionMismatch({ message: "The rule has changed." })
    }
  }

  it.live("needs the version it was made from, quoted or not", () =>
    running(stubs, (rules) =>
      Effect.gen(function* () {
        const put = (headers: Record<string, string>) =>
          ask(`${rules}/${aRule.id}`, write("PUT", rule, { ...key, ...headers }))
        for (const version of ["3", `"3"`]) {
          const answer = yield* put({ "if-match": version })
          assert.deepStrictEqual([answer.status, answer.headers.get("etag")], [200, `"4"`], version)
        }
        const missing = yield* put({})
        assert.deepStrictEqual([missing.status, missing.code], [428, "PRECONDITION_REQUIRED"])
        const stale = yield* put({ "if-match": "2" })
        assert.deepStrictEqual([stale.status, stale.code], [412, "VERSION_MISMATCH"])
        for (const bad of ["*", 'W/"3"', "three", `"3`]) {
          assert.strictEqual((yield* put({ "if-match": bad })).code, "VALIDATION_FAILED", bad)
        }
      })
    )
  )
})

describe("Running a rule by hand", () => {
  const stubs: Stubs = { rules: { run: () => Effect.succeed({ execution: anExecution, replayed: true }) } }

  it.live("needs a key, takes no body, and says when it is a repetition", () =>
    running(stubs, (rules) =>
      Effect.gen(function* () {
        const run = `${rules}/${aRule.id}/run`
        const auth = bearer("ann:trade")
        const answer = yield* ask(run, { method: "POST", headers: { ...auth, ...key } })
        assert.strictEqual(answer.status, 201)
        assert.strictEqual(answer.headers.get("idempotency-replayed"), "true")
        assert.strictEqual((yield* ask(run, { method: "POST", headers: auth })).code, "IDEMPOTENCY_KEY_REQUIRED")
        assert.strictEqual((yield* ask(run, write("POST", {}))).status, 201)
        assert.strictEqual((yield* ask(run, write("POST", { now: true }))).code, "VALIDATION_FAILED")
      })
    )
  )
})

describe("The typed client", () => {
  it.live("reads a rule with all that is computed about it", () =>
    Effect.flatMap(client("ann:read"), (api) => api.trading.getRule({ path: { id: aRule.id } })).pipe(
      Effect.map((rule) => assert.deepStrictEqual(rule, aRule)),
      Effect.provide(serve({ rules: { get: () => Effect.succeed(aRule) } }))
    )
  )
})
