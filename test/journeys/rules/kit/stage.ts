import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Client from "../../../../src/api/Client.ts"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import type { Event } from "../../../../src/domain/Event.ts"
import type { RuleId } from "../../../../src/domain/Ids.ts"
import { SymbolName } from "../../../../src/domain/Market.ts"
import { Rule, RuleRequest } from "../../../../src/domain/Rule.ts"
import { temporaryFolder } from "../../../kit/Process.ts"
import { client, createKey, eventually, paperExchangeOf, service } from "../../../kit/Service.ts"
import { writeRecording } from "./recording.ts"

const Golden = Schema.parseJson(Schema.Struct({ request: Schema.Unknown, rule: Schema.Unknown }))
const decodeRequest = Schema.decodeUnknownSync(RuleRequest)
const Answer = Schema.encodeSync(
  Rule.omit("id", "version", "state", "pauseReason", "createdAt", "updatedAt", "computed")
)

export const golden = (name: string) => {
  const text = readFileSync(join(import.meta.dirname, "../golden", `${name}.json`), "utf8")
  const { request, rule } = Schema.decodeSync(Golden)(text)
  return { request: decodeRequest(request), rule }
}

/** How often, in a row, nothing may have happened before the stage counts as quiet. */
const quietLooks = 5

/**
 * The service and a paper exchange as processes, on a market whose time and prices only the test moves; one user with
 * 10,000 USDT, who follows the events.
 */
export const stage = Effect.fnUntraced(function* (startsAt: string, prices: Readonly<Record<string, string>>) {
  const recordings = yield* temporaryFolder
  for (const [symbol, price] of Object.entries(prices)) writeRecording(recordings, symbol, startsAt, price)
  const paper = yield* paperExchangeOf("--market", `replay:${recordings}`, "--speed", "0")
  const { command, url } = yield* service(yield* temporaryFolder, paper, { API_RATE_PER_MINUTE: "100000" })
  const token = yield* createKey(command)
  const api = yield* client(url, token)
  yield* api.account.getWallet()

  const events: Array<Event> = []
  yield* Client.stream({ baseUrl: url, token, after: 0 }).pipe(
    Stream.runForEach((message) =>
      message._tag === "Event"
        ? Effect.sync(() => void events.push(message.event))
        : Effect.dieMessage(`a ${message._tag} came`)
    ),
    Effect.provide(NodeHttpClient.layer),
    Effect.forkScoped
  )

  const sequence = Effect.map(
    api.account.listEvents({ urlParams: { since: 0, limit: 1 }, headers: {} }),
    ({ seq }) => seq
  )
  const marketTime = Effect.map(api.status.getStatus(), (status) => status.marketTime)

  /** Waits until nothing has happened for a while: no event of the user, no fact at the exchange. */
  const quiet = Effect.gen(function* () {
    let before = ""
    let same = 0
    yield* eventually(
      "quiet",
      Effect.gen(function* () {
        const now = JSON.stringify([yield* sequence, (yield* paper.journal).length])
        same = now === before ? same + 1 : 0
        before = now
        return same
      }),
      (looks) => looks >= quietLooks
    )
  })

  /** Market time goes on by so much, in the service too. */
  const advance = Effect.fnUntraced(function* (ms: number) {
    const to = (yield* marketTime) + ms
    yield* paper.advance(ms)
    yield* eventually("market time", marketTime, (now) => now >= to)
    yield* quiet
  })

  /** Up to an instant, which lies ahead. */
  const advanceTo = Effect.fnUntraced(function* (instant: string) {
    const now = yield* marketTime
    assert.isAbove(Date.parse(instant), now)
    yield* advance(Date.parse(instant) - now)
  })

  /** One trade at a price; time goes on a second, so that no two trades are at one instant. */
  const trade = Effect.fnUntraced(function* (name: string, price: string) {
    const symbol = Schema.decodeSync(SymbolName)(name)
    yield* paper.advance(1_000)
    yield* paper.price(name, price)
    yield* eventually("the price", api.market.getTicker({ path: { symbol } }), ({ last }) =>
      Decimal.equals(last, Decimal.unsafe(price))
    )
    yield* quiet
  })

  /** Creates the rule of a golden file by its own request; the answer is the golden one. */
  const create = Effect.fnUntraced(function* (name: string) {
    const { request, rule: expected } = golden(name)
    const rule = yield* api.trading.createRule({
      payload: request,
      headers: { "idempotency-key": `golden-${name}` }
    })
    assert.deepStrictEqual(JSON.parse(JSON.stringify(Answer(rule))), expected)
    yield* quiet
    return rule
  })

  /** Oldest first. */
  const executions = (id: RuleId) =>
    Effect.map(api.trading.listRuleExecutions({ path: { id }, urlParams: {} }), ({ items }) => items.toReversed())

  const explain = (id: RuleId) =>
    Effect.map(api.trading.explainRule({ path: { id }, urlParams: {} }), ({ text }) => text)

  /** The account of the user at the exchange. */
  const accessKey = Effect.map(paper.accounts, (accounts) => accounts[0]?.accessKey ?? "")

  return { paper, api, events, sequence, quiet, advance, advanceTo, trade, create, executions, explain, accessKey }
})

export type Stage = Effect.Effect.Success<ReturnType<typeof stage>>
