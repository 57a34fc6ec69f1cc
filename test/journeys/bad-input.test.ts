import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { temporaryFolder } from "../kit/Process.ts"
import { createKey, paperExchange, service } from "../kit/Service.ts"

interface Sent {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly raw?: string
  readonly token?: Redacted.Redacted
  readonly key?: string
}

const Failure = Schema.Struct({
  code: Schema.String,
  message: Schema.String,
  details: Schema.optionalWith(Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })), {
    default: () => []
  })
})
const Named = Schema.Struct({
  id: Schema.optional(Schema.String),
  version: Schema.optional(Schema.Int),
  state: Schema.optional(Schema.String)
})
const Answer = Schema.parseJson(
  Schema.Struct({
    success: Schema.Boolean,
    data: Schema.optional(Schema.Struct({ ...Named.fields, items: Schema.optional(Schema.Array(Named)) })),
    error: Schema.optional(Failure)
  })
)
type Answer = { readonly status: number; readonly headers: Headers } & typeof Answer.Type

const manual = {
  name: "Kept",
  symbol: "BTCUSDT",
  trigger: { type: "manual" },
  size: { type: "quote", amount: "50" },
  limits: { total: "1000" }
}
const buy = { symbol: "BTCUSDT", side: "buy", type: "limit", quantity: "0.001", price: "50000" }

const makeHouse = Effect.gen(function* () {
  const paper = yield* paperExchange
  yield* paper.price("BTCUSDT", "60000")
  const { command, url } = yield* service(yield* temporaryFolder, paper, { API_RATE_PER_MINUTE: "100000" })
  const owner = yield* createKey(command)
  let sent = 0
  const ask = ({ body, key, method, path, raw, token = owner }: Sent): Effect.Effect<Answer> =>
    Effect.promise(async () => {
      const text = raw ?? (body === undefined ? undefined : JSON.stringify(body))
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${Redacted.value(token)}`,
          ...(text === undefined ? {} : { "content-type": "application/json" }),
          ...(method === "GET" ? {} : { "idempotency-key": key ?? `bad-input-${String(++sent).padStart(8, "0")}` }),
          ...(method === "PUT" ? { "if-match": "1" } : {})
        },
        ...(text === undefined ? {} : { body: text })
      })
      const answer = Schema.decodeUnknownSync(Answer)(await response.text())
      return { status: response.status, headers: response.headers, ...answer }
    })
  const kept = yield* ask({ method: "POST", path: "/trading/rules", body: manual })
  const order = yield* ask({ method: "POST", path: "/trading/orders", body: buy })
  const stranger = yield* createKey(command, "stranger")
  // The first request opens the account on the exchange.
  yield* ask({ method: "GET", path: "/account/wallet", token: stranger })
  /** All that a refused request could have left behind, here and on the exchange. */
  const stored = Effect.gen(function* () {
    const lists = yield* Effect.forEach(
      ["/trading/rules", "/trading/rules?state=draft", "/trading/rules?state=archived", "/trading/orders"].concat([
        "/trading/executions",
        "/account/keys"
      ]),
      (path) => Effect.map(ask({ method: "GET", path }), ({ data }) => data?.items)
    )
    return { lists, exchange: yield* paper.journal }
  })
  return {
    ask,
    stored,
    ruleId: kept.data?.id ?? "",
    orderId: order.data?.id ?? "",
    readOnly: yield* createKey(command, "me", "read"),
    stranger
  }
})

class House extends Context.Tag("test/House")<House, Effect.Effect.Success<typeof makeHouse>>() {
  static readonly layer = Layer.scoped(House, Effect.orDie(makeHouse))
}

interface Refused {
  readonly status: number
  readonly code: string
  readonly path?: string
  readonly says: RegExp
}

/** Sends it, looks at the answer and then at what is stored. */
const refused = (send: (house: Context.Tag.Service<House>) => Sent, expected: Refused) =>
  Effect.gen(function* () {
    const house = yield* House
    const before = yield* house.stored
    const { error, headers, status, success } = yield* house.ask(send(house))
    assert.strictEqual(status, expected.status, error?.message)
    assert.isFalse(success)
    assert.strictEqual(error?.code, expected.code)
    assert.match(error?.message ?? "", expected.says)
    const paths = error?.details.map(({ path }) => path) ?? []
    assert.isTrue(expected.path === undefined || paths.includes(expected.path), paths.join(", "))
    assert.isNotNull(headers.get("x-request-id"))
    assert.strictEqual(headers.get("x-dipper-venue"), "paper")
    assert.deepStrictEqual(yield* house.stored, before)
  })

type Row = readonly [what: string, send: (house: Context.Tag.Service<House>) => Sent, expected: Refused]

const rule = (changes: object): Sent => ({ method: "POST", path: "/trading/rules", body: { ...manual, ...changes } })
const order = (changes: object): Sent => ({ method: "POST", path: "/trading/orders", body: { ...buy, ...changes } })
const invalid = (path: string, says: RegExp): Refused => ({ status: 400, code: "VALIDATION_FAILED", path, says })
const calendar = (on: object, at: ReadonlyArray<string>) => ({ trigger: { type: "schedule.calendar", on, at } })

const wrongPrices: ReadonlyArray<readonly [value: unknown, says: RegExp]> = [
  ["", /decimal string such as "12\.5"/],
  ["1e5", /no exponent/],
  ["-1", /above zero/],
  ["0.1234567890123456789", /at most 18 decimals/],
  [5, /write "5"/]
]

const prices: ReadonlyArray<Row> = wrongPrices.flatMap(([value, says]) => {
  const written = JSON.stringify(value)
  const level = { trigger: { type: "price.level", side: "below", price: value } }
  return [
    [`an order at the price ${written}`, () => order({ price: value }), invalid("price", says)],
    [`a rule at the price ${written}`, () => rule(level), invalid("trigger.price", says)],
    [
      `a rule buying for ${written}`,
      () => rule({ size: { type: "quote", amount: value } }),
      invalid("size.amount", says)
    ],
    [`a cap of ${written}`, () => rule({ limits: { total: value } }), invalid("limits.total", says)]
  ]
})

const symbols: ReadonlyArray<Row> = [
  ["an order for an unknown symbol", () => order({ symbol: "NOPEUSDT" }), invalid("symbol", /NOPEUSDT/)],
  ["a rule for an unknown symbol", () => rule({ symbol: "NOPEUSDT" }), invalid("symbol", /NOPEUSDT/)],
  ["an order for a lower-case symbol", () => order({ symbol: "btcusdt" }), invalid("symbol", /upper-case/)],
  ["a rule for a lower-case symbol", () => rule({ symbol: "btcusdt" }), invalid("symbol", /upper-case/)],
  ...["/market/tickers/", "/market/symbols/", "/market/order-book/", "/market/trades/"].flatMap((path): Array<Row> => [
    [
      `${path}NOPEUSDT`,
      () => ({ method: "GET", path: `${path}NOPEUSDT` }),
      { status: 404, code: "SYMBOL_NOT_FOUND", says: /NOPEUSDT/ }
    ],
    [
      `${path}btcusdt`,
      () => ({ method: "GET", path: `${path}btcusdt` }),
      { status: 404, code: "SYMBOL_NOT_FOUND", says: /upper-case/ }
    ]
  ])
]

const rules: ReadonlyArray<Row> = [
  [
    "an unknown trigger",
    () => rule({ trigger: { type: "price.dorp" } }),
    invalid("trigger", /did you mean `price\.drop`/)
  ],
  ["a trigger of a later version", () => rule({ trigger: { type: "indicator" } }), invalid("trigger", /not available/)],
  ["no weekday", () => rule(calendar({ type: "weekly", days: [] }, ["09:00"])), invalid("trigger.on.days", /one day/)],
  [
    "no day of the month",
    () => rule(calendar({ type: "monthly", days: [] }, ["09:00"])),
    invalid("trigger.on.days", /day/)
  ],
  ["no time of day", () => rule(calendar({ type: "daily" }, [])), invalid("trigger.at", /"09:00"/)],
  [
    "an end before the first run",
    () =>
      rule({
        ...calendar({ type: "monthly", days: [15] }, ["09:00"]),
        startAt: "2098-12-31T00:00:00Z",
        endAt: "2099-01-10T00:00:00Z"
      }),
    invalid("endAt", /before the first run, which would be at 2099-01-15/)
  ],
  ["an end in the past", () => rule({ endAt: "2020-01-01T00:00:00Z" }), invalid("endAt", /passed already/)],
  ["an unknown time zone", () => rule({ timezone: "Europe/Atlantis" }), invalid("timezone", /such as Europe\/Berlin/)],
  ["no cap", () => rule({ limits: {} }), invalid("limits", /at least one of total, perDay/)],
  ["caps that are null", () => rule({ limits: { total: null } }), invalid("limits", /at least one of total, perDay/)],
  ["no limits", () => rule({ limits: undefined }), invalid("limits", /at least one of total, perDay/)],
  ["a misspelt field", () => rule({ triger: {} }), invalid("triger", /did you mean "trigger"/)],
  ["a misspelt limit", () => rule({ limits: { perday: "5" } }), invalid("limits.perday", /did you mean "perDay"/)],
  [
    "a rule below the minimum",
    () => rule({ size: { type: "quote", amount: "0.5" } }),
    invalid("size.amount", /minimum of 1 USDT/)
  ],
  [
    "an order below the minimum",
    () => order({ type: "market", quantity: null, price: null, quoteAmount: "0.5" }),
    { status: 422, code: "BELOW_MINIMUM", says: /minimum is 1/ }
  ]
]

const bodies: ReadonlyArray<Row> = [
  [
    "a body of 1 MB",
    () => ({ method: "POST", path: "/trading/rules", raw: JSON.stringify({ note: "a".repeat(1_000_000) }) }),
    { status: 413, code: "PAYLOAD_TOO_LARGE", says: /65536/ }
  ],
  [
    "broken JSON",
    () => ({ method: "POST", path: "/trading/rules", raw: '{"name":' }),
    { status: 400, code: "MALFORMED_JSON", says: /not JSON/ }
  ],
  [
    "an empty body",
    () => ({ method: "POST", path: "/trading/orders", raw: "" }),
    { status: 400, code: "MALFORMED_JSON", says: /empty/ }
  ],
  [
    "a misspelt query parameter",
    () => ({ method: "GET", path: "/trading/rules?limt=5" }),
    invalid("limt", /did you mean "limit"/)
  ]
]

/** `:rule` and `:order` stand for the owner's. */
const request = (house: Context.Tag.Service<House>, method: string, path: string, body?: unknown): Sent => ({
  method,
  path: path.replace(":rule", house.ruleId).replace(":order", house.orderId),
  body
})

const writes: ReadonlyArray<readonly [method: string, path: string, body?: unknown]> = [
  ["POST", "/trading/orders", buy],
  ["DELETE", "/trading/orders/:order"],
  ["POST", "/trading/rules", manual],
  ["PUT", "/trading/rules/:rule", manual],
  ["DELETE", "/trading/rules/:rule"],
  ["POST", "/trading/rules/:rule/run"],
  ["POST", "/trading/rules/:rule/pause"],
  ["POST", "/trading/rules/:rule/resume"],
  ["POST", "/account/keys", { scopes: ["read"] }],
  ["PUT", "/account/credentials", { accessKey: "mx0vgl", secretKey: "secret" }],
  ["DELETE", "/account/credentials"]
]

const reads: ReadonlyArray<readonly [method: string, path: string, body?: unknown]> = [
  ["GET", "/trading/orders/:order"],
  ["GET", "/trading/orders/:order/fills"],
  ...["", "/position", "/executions", "/decisions", "/explain"].map(
    (part) => ["GET", `/trading/rules/:rule${part}`] as const
  )
]

const scopes = writes.map(([method, path, body]): Row => [
  `${method} ${path}`,
  (house) => ({ ...request(house, method, path, body), token: house.readOnly }),
  { status: 403, code: "FORBIDDEN", says: /scope "(trade|manage)"/ }
])

const strangers = [...writes, ...reads]
  .filter(([, path]) => path.includes(":"))
  .map(([method, path, body]): Row => [
    `${method} ${path}`,
    (house) => ({ ...request(house, method, path, body), token: house.stranger }),
    { status: 404, code: "NOT_FOUND", says: /(rule|ord)_/ }
  ])

const misshapen: ReadonlyArray<Row> = ["orders", "rules", "executions"].map((kind) => [
  kind,
  () => ({ method: "GET", path: `/trading/${kind}/nope` }),
  { status: 404, code: "NOT_FOUND", says: /such as "/ }
])

layer(House.layer, { excludeTestServices: true, timeout: "60 seconds" })("Refused with nothing stored", (it) => {
  describe("amounts", () => {
    it.effect.each(prices)("%s", ([, send, expected]) => refused(send, expected))
  })
  describe("symbols", () => {
    it.effect.each(symbols)("%s", ([, send, expected]) => refused(send, expected))
  })
  describe("rules and orders that make no sense", () => {
    it.effect.each(rules)("%s", ([, send, expected]) => refused(send, expected))
  })
  describe("requests that are none", () => {
    it.effect.each(bodies)("%s", ([, send, expected]) => refused(send, expected))
  })
  describe("a key with too few scopes", () => {
    it.effect.each(scopes)("%s", ([, send, expected]) => refused(send, expected))
  })
  describe("another user's ids", () => {
    it.effect.each(strangers)("%s", ([, send, expected]) => refused(send, expected))
  })
  describe("ids that nothing can have", () => {
    it.effect.each(misshapen)("%s", ([, send, expected]) => refused(send, expected))
  })

  it.effect("an idempotency key with another body, on rules and on orders", () =>
    Effect.gen(function* () {
      const { ask } = yield* House
      for (const sent of [rule({ name: "Once" }), order({ price: "40000" })]) {
        const key = `twice-${sent.path}`
        const first = yield* ask({ ...sent, key })
        assert.strictEqual(first.status, 201)
        const other = sent.path === "/trading/orders" ? { ...buy, price: "41000" } : { ...manual, name: "Other" }
        yield* refused(() => ({ ...sent, key, body: other }), {
          status: 422,
          code: "IDEMPOTENCY_KEY_REUSED",
          says: /another body/
        })
        const again = yield* ask({ ...sent, key })
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        assert.strictEqual(again.data?.id, first.data?.id)
      }
    })
  )

  it.effect("a refusal does not use up its idempotency key", () =>
    Effect.gen(function* () {
      const { ask } = yield* House
      const key = "corrected-and-sent-again"
      const wrong = yield* ask({ ...rule({ limits: {} }), key })
      assert.strictEqual(wrong.status, 400)
      const right = yield* ask({ ...rule({ name: "Corrected" }), key })
      assert.strictEqual(right.status, 201)
    })
  )

  it.effect("a missing idempotency key", () =>
    Effect.gen(function* () {
      const { ask } = yield* House
      const { error, status } = yield* ask({ ...rule({}), key: "" })
      assert.include([400, 428], status)
      assert.match(error?.message ?? "", /16 to 64 printable ASCII/)
    })
  )
})
