import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert } from "@effect/vitest"
import { Effect, Schedule, Schema, Stream } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import * as Client from "../../../../src/api/Client.ts"
import type { Event } from "../../../../src/domain/Event.ts"
import type { RuleId } from "../../../../src/domain/Ids.ts"
import { SymbolName } from "../../../../src/domain/Market.ts"
import type { Execution } from "../../../../src/domain/order/Execution.ts"
import { Rule, RuleRequest } from "../../../../src/domain/Rule.ts"
import { temporaryFolder } from "../../../kit/Process.ts"
import { createKey, type PaperProcess, paperExchangeOf, patientClient, service } from "../../../kit/Service.ts"
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

const inWords = ({ kind, level, outcome, reason, state }: Execution): string =>
  [kind, ...(kind === "entry" ? [] : [level]), outcome ?? state, ...(reason === null ? [] : [reason.code])].join(" ")

/** How often, in a row, nothing may have happened before the stage counts as quiet. */
const quietLooks = 4

/**
 * The service and a paper exchange as processes, on a market whose time and prices only the test moves; one user with
 * 10,000 USDT, who follows the events.
 */
export const stage = Effect.fnUntraced(function* (
  startsAt: string,
  prices: Readonly<Record<string, string>>,
  /** Before the service looks. */
  prepare: (paper: PaperProcess) => Effect.Effect<unknown> = () => Effect.void
) {
  const recordings = yield* temporaryFolder
  for (const [symbol, price] of Object.entries(prices)) writeRecording(recordings, symbol, startsAt, price)
  const paper = yield* paperExchangeOf("--market", `replay:${recordings}`, "--speed", "0")
  yield* prepare(paper)
  const { command, url } = yield* service(yield* temporaryFolder, paper, { API_RATE_PER_MINUTE: "100000" })
  const token = yield* createKey(command)
  const api = yield* patientClient(url, token)
  yield* api.account.getWallet()
  // What was there at the start and what is bought are told apart by their time.
  yield* paper.advance(1_000)

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

  /** Asks again for half a minute: what has to happen happens, however busy the machine is. */
  const becomes = <A, E, R>(what: string, ask: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
    ask.pipe(
      Effect.filterOrFail(holds, (value) => `${what}: still ${JSON.stringify(value)}`),
      Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo("30 seconds")))
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
    yield* becomes(
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
    yield* becomes("market time", marketTime, (now) => now >= to)
    yield* quiet
  })

  /** Up to an instant, which lies ahead. */
  const advanceTo = Effect.fnUntraced(function* (instant: string) {
    const now = yield* marketTime
    assert.isAbove(Date.parse(instant), now)
    yield* advance(Date.parse(instant) - now)
  })

  /** One trade at a price, seen by the service; time goes on a second, so that no two trades are at one instant. */
  const trade = Effect.fnUntraced(function* (name: string, price: string) {
    const symbol = Schema.decodeSync(SymbolName)(name)
    const at = (yield* marketTime) + 1_000
    yield* paper.advance(1_000)
    yield* paper.price(name, price)
    // A rule may have bought meanwhile, which is a trade too, at another price.
    yield* becomes("the trade", api.market.getTicker({ path: { symbol } }), ({ asOf }) => asOf >= at)
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
    // A window reads its history first, which on a market without ticks takes some seconds.
    yield* becomes(
      "history",
      api.trading.getRule({ path: { id: rule.id } }),
      ({ computed: { next, warmup } }) => warmup === null || next?.price != null
    )
    yield* quiet
    return rule
  })

  /** Oldest first. */
  const executions = (id: RuleId) =>
    Effect.map(api.trading.listRuleExecutions({ path: { id }, urlParams: {} }), ({ items }) => items.toReversed())

  /** Waits until the rule has done exactly this, oldest first: `entry executed`, `level 2 executed`, `entry skipped CAP_DAY`. */
  const did = (id: RuleId, ...expected: ReadonlyArray<string>) =>
    becomes(
      "executions",
      Effect.map(executions(id), (all) => all.map(inWords)),
      (all) => isDeepStrictEqual(all, expected)
    ).pipe(Effect.zipRight(executions(id)))

  const explain = (id: RuleId) =>
    Effect.map(api.trading.explainRule({ path: { id }, urlParams: {} }), ({ text }) => text)

  /** The account of the user at the exchange. */
  const accessKey = Effect.map(paper.accounts, (accounts) => accounts[0]?.accessKey ?? "")

  return {
    paper,
    api,
    events,
    sequence,
    quiet,
    advance,
    advanceTo,
    trade,
    create,
    executions,
    becomes,
    did,
    explain,
    accessKey
  }
})

export type Stage = Effect.Effect.Success<ReturnType<typeof stage>>
