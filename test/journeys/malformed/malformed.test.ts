import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { asObject, type Json, type JsonObject } from "../../../src/api/openapi/Json.ts"
import { temporaryFolder } from "../../kit/Process.ts"
import { buyBelow50000, client, createKey, paperExchange, service } from "../../kit/Service.ts"
import { Dice } from "./Dice.ts"
import { breakIt, type Draft } from "./faults.ts"
import { type Operation, operationsOf, valueOf } from "./operations.ts"
import { type Answer, makeSend } from "./send.ts"

const requests = 10_000
const connections = 16
const seed = 20_261_128

/** They would end the test's own account, whatever operation got that verb: these are always wrong. */
const isFatal = ({ method, path }: Draft) => method === "DELETE" && /\/account(\/credentials)?$/.test(path)

const draftOf = (document: JsonObject, operation: Operation, token: string, number: number, dice: Dice): Draft => {
  const given = (place: string) =>
    operation.parameters
      .filter((parameter) => parameter.place === place && (parameter.required || dice.chance(0.3)))
      .map(({ name, schema }) => [name, String(valueOf(document, schema, dice))] as const)
  const value = (): Json =>
    operation.body?.example !== undefined && dice.chance(0.6)
      ? operation.body.example
      : valueOf(document, operation.body?.schema ?? {}, dice)
  return {
    method: operation.method,
    path: given("path").reduce(
      (path, [name, text]) => path.replace(`{${name}}`, encodeURIComponent(text)),
      operation.path
    ),
    query: given("query"),
    rawQuery: null,
    headers: {
      authorization: `Bearer ${token}`,
      ...Object.fromEntries(given("header")),
      ...(operation.method === "GET" ? {} : { "idempotency-key": `malformed-${String(number).padStart(8, "0")}` }),
      ...(operation.body === null ? {} : { "content-type": "application/json" })
    },
    body: operation.body === null ? null : Buffer.from(JSON.stringify(value()))
  }
}

const Envelope = Schema.parseJson(
  Schema.Union(
    Schema.Struct({ success: Schema.Literal(true), data: Schema.Unknown }),
    Schema.Struct({
      success: Schema.Literal(false),
      error: Schema.Struct({ code: Schema.NonEmptyString, message: Schema.NonEmptyString, requestId: Schema.String })
    })
  )
)
const decode = Schema.decodeUnknownEither(Envelope)

/** What is wrong with an answer; null when nothing is. */
const complaint = (draft: Draft, { body, headers, status }: Answer): string | null => {
  if (status === 500) return "500"
  const isTable = status === 200 && /^text\/csv/.test(headers["content-type"] ?? "")
  if (draft.method === "HEAD" || isTable) return null
  if (headers["content-type"] !== "application/json; charset=utf-8") return `a ${headers["content-type"]}`
  const envelope = decode(body)
  if (envelope._tag === "Left") return "no envelope"
  if (envelope.right.success !== (status >= 200 && status < 300)) return `success and status ${status} disagree`
  if (!envelope.right.success && envelope.right.error.requestId !== headers["x-request-id"]) return "two request ids"
  return null
}

const show = ({ body, headers, method, path, query, rawQuery }: Draft) =>
  JSON.stringify({ method, path, query, rawQuery, headers, body: body?.toString("latin1") }).slice(0, 2_000)

it.scopedLive(
  "ten thousand malformed requests are each answered by the envelope, none by a fault, and the service goes on",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000", "1")
      const env = { API_RATE_PER_MINUTE: "1000000", LOG_LEVEL: "warn" }
      const { command, process, url } = yield* service(yield* temporaryFolder, paper, env)
      const token = yield* createKey(command)
      const me = yield* client(url, token)
      yield* me.account.getWallet()
      const before = yield* me.trading.createRule({
        payload: buyBelow50000,
        headers: { "idempotency-key": "before-all-of-that" }
      })

      const text = yield* Effect.promise(() => fetch(`${url}/openapi.json`).then((response) => response.text()))
      const document = asObject(JSON.parse(text))
      const operations = operationsOf(document)
      assert.isAtLeast(operations.length, 50)
      const send = yield* makeSend(url, connections)
      const dice = new Dice(seed)
      const drafts = Array.from({ length: requests }, (_, number) => {
        const operation = operations[number % operations.length]
        assert.isDefined(operation)
        const draft = draftOf(document, operation, Redacted.value(token), number, dice)
        breakIt(draft, dice)
        if (isFatal(draft)) draft.rawQuery = "surely=unknown"
        return draft
      })

      const statuses = new Map<number, number>()
      const complaints: Array<string> = []
      const told = () => JSON.stringify(Object.fromEntries([...statuses].sort()))
      yield* Effect.forEach(
        drafts,
        (draft) =>
          // On a loaded machine a list is refused now and then before its content is looked at: again, as it is told.
          Effect.repeat(send(draft), { while: ({ body }) => body.includes('"code":"OVERLOADED"') }).pipe(
            Effect.map((answer) => {
              statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
              const found = complaint(draft, answer)
              if (found !== null) complaints.push(`${found}: ${show(draft)} -> ${answer.body.slice(0, 500)}`)
            }),
            Effect.catchAll((fault) => Effect.sync(() => complaints.push(`${fault}: ${show(draft)}`)))
          ),
        { concurrency: connections, discard: true }
      )
      assert.deepStrictEqual(complaints.slice(0, 20), [], `${complaints.length} in all of ${told()}`)
      // They were what they should be: most wrong by their content, and none because the service had enough.
      assert.isAtLeast(statuses.get(400) ?? 0, requests / 4, told())
      assert.isUndefined(statuses.get(503), told())

      assert.strictEqual((yield* me.status.getReadiness()).status, "up")
      assert.strictEqual((yield* me.trading.getRule({ path: { id: before.id } })).name, before.name)
      assert.notInclude(process.stderr() + process.stdout(), "A request met a fault")
    }),
  180_000
)
