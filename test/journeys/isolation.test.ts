import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { examples } from "../../src/api/openapi/examples.ts"
import { Routes } from "../../src/http/gate/Routes.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, ruleRequest, service } from "../kit/Service.ts"

const symbol = SymbolName.make("BTCUSDT")
const parameter = /:(id|ruleId)\b/
const withIds = new Routes().all.filter(({ path }) => parameter.test(path))

/** What bob has, by the first part of the path that names it; each beside one that nobody has. */
interface Pair {
  readonly bobs: string
  readonly nobodys: string
}

const swapped = (id: string) => id.slice(0, -4) + (id.endsWith("0000") ? "1111" : "0000")
const pairOf = (bobs: string): Pair => ({ bobs, nobodys: swapped(bobs) })

const Envelope = Schema.parseJson(
  Schema.Struct({
    success: Schema.Boolean,
    error: Schema.optional(Schema.Unknown),
    data: Schema.optional(Schema.Unknown)
  })
)

let requests = 0
const ask = (url: string, token: Redacted.Redacted, method: string, path: string, body?: unknown, key?: string) =>
  Effect.promise(async () => {
    requests += 1
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${Redacted.value(token)}`,
        "if-match": "1",
        "idempotency-key": key ?? `isolation-key-${String(requests).padStart(6, "0")}`,
        "x-request-id": "the-same",
        ...(body === undefined ? {} : { "content-type": "application/json" })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, text: await response.text() }
  })

/** Two users of one service; bob has one of everything. */
const twoUsers = Effect.gen(function* () {
  const paper = yield* paperExchange
  yield* paper.price("BTCUSDT", "60000")
  const { command, url } = yield* service(yield* temporaryFolder, paper)
  const ann = yield* createKey(command, "ann")
  const bob = yield* createKey(command, "bob")
  const annApi = yield* client(url, ann)
  const bobApi = yield* client(url, bob)
  yield* annApi.account.getWallet()
  const payload = ruleRequest({
    name: "Bob's",
    symbol,
    trigger: { type: "price.level", side: "below", price: "50000" },
    size: { type: "quote", amount: "50" },
    limits: { total: "1000" }
  })
  const rule = yield* bobApi.trading.createRule({ payload, headers: { "idempotency-key": "isolation-bobs-rule" } })
  yield* bobApi.trading.runRule({ path: { id: rule.id }, headers: { "idempotency-key": "isolation-bobs-run1" } })
  const { items } = yield* eventually(
    "bob's buy",
    bobApi.trading.listExecutions({ urlParams: {} }),
    (page) => page.items[0]?.state === "done"
  )
  const order = items[0]?.orders[0] ?? assert.fail("no order")
  const execution = items[0]?.id ?? assert.fail("no execution")
  const key = (yield* bobApi.account.getAccount()).credentialId
  const pairs: Readonly<Record<string, Pair>> = {
    orders: pairOf(order),
    rules: pairOf(rule.id),
    signals: pairOf(rule.id),
    executions: pairOf(execution),
    keys: pairOf(key)
  }
  return { url, ann, bob, annApi, bobApi, pairs, rule }
})

describe("Two users", () => {
  it.scopedLive(
    "Z01: on every route and verb the id of another user answers as an id that nobody has",
    () =>
      Effect.gen(function* () {
        const { ann, bobApi, pairs, rule, url } = yield* twoUsers
        assert.isAtLeast(withIds.length, 20)
        for (const { method, operation, path, takesBody } of withIds) {
          const pair = pairs[path.split("/")[4] ?? ""] ?? assert.fail(`${path} names a kind of thing that bob lacks`)
          const body = takesBody ? examples[operation]?.request : undefined
          const to = (id: string) =>
            Effect.map(ask(url, ann, method, path.replace(parameter, id), body), ({ status, text }) =>
              `${status} ${text}`.replaceAll(id, "ID")
            )
          const [hers, nobodys] = [yield* to(pair.bobs), yield* to(pair.nobodys)]
          assert.strictEqual(hers, nobodys, `${method} ${path}`)
          assert.match(hers, /^(404|401) /, `${method} ${path}`)
        }
        const after = yield* bobApi.trading.getRule({ path: { id: rule.id } })
        assert.deepStrictEqual([after.state, after.version], ["active", 1])
      }),
    90_000
  )

  it.scopedLive(
    "Z02: lists, also with another's cursor, show what is one's own",
    () =>
      Effect.gen(function* () {
        const { ann, bob, pairs, url } = yield* twoUsers
        const lists = new Routes().all.filter(
          ({ method, path, scope }) => method === "GET" && scope !== null && /\/(account|trading)\/[a-z-]+$/.test(path)
        )
        const secrets = Object.values(pairs).map(({ bobs }) => bobs)
        for (const { path } of lists) {
          const { text } = yield* ask(url, ann, "GET", path)
          for (const id of secrets) assert.notInclude(text, id, path)
        }
        for (const path of ["/trading/orders", "/trading/executions", "/trading/rules", "/account/transactions"]) {
          const first = yield* ask(url, bob, "GET", `/api/v1${path}?limit=1`)
          const cursor = /"nextCursor":"([^"]+)"/.exec(first.text)?.[1]
          if (cursor === undefined) continue
          const { text } = yield* ask(url, ann, "GET", `/api/v1${path}?cursor=${cursor}`)
          for (const id of [...secrets, "BTCUSDT"]) assert.notInclude(text, id, path)
        }
        const filtered = yield* ask(url, ann, "GET", `/api/v1/trading/orders?ruleId=${pairs["rules"]?.bobs}`)
        assert.notInclude(filtered.text, "ord_")
      }),
    90_000
  )

  it.scopedLive(
    "Z03 and Z04: nobody writes for somebody else, by a field or by a key of theirs",
    () =>
      Effect.gen(function* () {
        const { ann, annApi, bobApi, url } = yield* twoUsers
        const rule = examples["createRule"]?.request
        for (const field of ["userId", "id", "status", "filledQty", "createdAt", "scopes"]) {
          const body = { ...Object(rule), [field]: "local_bob" }
          assert.strictEqual((yield* ask(url, ann, "POST", "/api/v1/trading/rules", body)).status, 400, field)
          const order = { ...Object(examples["placeOrder"]?.request), [field]: "local_bob" }
          assert.strictEqual((yield* ask(url, ann, "POST", "/api/v1/trading/orders", order)).status, 400, field)
        }
        const made = yield* ask(url, ann, "POST", "/api/v1/trading/rules", rule, "isolation-bobs-rule")
        assert.strictEqual(made.status, 201)
        assert.isTrue((yield* Schema.decode(Envelope)(made.text)).success)
        assert.strictEqual((yield* annApi.trading.listRules({ urlParams: {} })).items.length, 1)
        assert.strictEqual((yield* bobApi.trading.listRules({ urlParams: {} })).items.length, 1)
      }),
    90_000
  )

  it.scopedLive(
    "Z05: a stream has no event of another's",
    () =>
      Effect.gen(function* () {
        const { annApi, bobApi, pairs } = yield* twoUsers
        const [hers, his] = [
          yield* annApi.account.listEvents({ urlParams: {}, headers: {} }),
          yield* bobApi.account.listEvents({ urlParams: {}, headers: {} })
        ]
        assert.include(JSON.stringify(his), pairs["orders"]?.bobs ?? "an order")
        for (const { bobs } of Object.values(pairs)) assert.notInclude(JSON.stringify(hers), bobs)
      }),
    90_000
  )
})
