import { assert, describe, it } from "@effect/vitest"
import { Clock, type Duration, Effect, Schedule, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, type PaperProcess, paperExchange, ruleRequest, service } from "../kit/Service.ts"
import { hasSqld, sqld } from "../kit/Sqld.ts"

/** Buys every second, so that any moment of a change of owner is in the middle of a firing. */
const fast = ruleRequest({
  name: "Every second",
  symbol: "BTCUSDT",
  trigger: { type: "schedule.every", every: "PT1S" },
  size: { type: "quote", amount: "10" },
  limits: { total: "5000" }
})

const Status = Schema.Struct({ data: Schema.Struct({ role: Schema.Literal("owner", "standby") }) })

/** Nobody listens, whereas an instance that changes its role says that it is not ready. */
class NobodyListens extends Schema.TaggedError<NobodyListens>()("NobodyListens", { url: Schema.String }) {}

/** Cut off, or answered with something else than JSON. */
class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { url: Schema.String, problem: Schema.String }) {}

const isHard = (failure: NobodyListens | NoAnswer | string) => failure instanceof NobodyListens

const roleOf = (url: string) =>
  Effect.tryPromise({
    try: () => fetch(`${url}/api/v1/status`).then((answer) => answer.json()),
    catch: (fault) =>
      fault instanceof Error && String(fault.cause).includes("ECONNREFUSED")
        ? new NobodyListens({ url })
        : new NoAnswer({ url, problem: String(fault) })
  }).pipe(
    Effect.flatMap((answer) =>
      Effect.mapError(Schema.decodeUnknown(Status)(answer), () => `no role in ${JSON.stringify(answer)}`)
    ),
    Effect.retry({ schedule: soon("10 seconds"), until: isHard }),
    Effect.map(({ data }) => data.role)
  )

const soon = (atMost: Duration.DurationInput) => Schedule.spaced("100 millis").pipe(Schedule.upTo(atMost))

/** Milliseconds until the instance says so; a change of role may take fifteen seconds. */
const untilRole = (url: string, role: "owner" | "standby") =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    yield* roleOf(url).pipe(
      Effect.filterOrFail(
        (now) => now === role,
        (now) => `still ${now}`
      ),
      Effect.retry({ schedule: soon("30 seconds"), until: isHard })
    )
    return (yield* Clock.currentTimeMillis) - began
  })

const signal = (pid: number, name: NodeJS.Signals) => Effect.sync(() => process.kill(pid, name))

/**
 * Suspended in the middle of a write, a process keeps a database file locked, and nobody can trade until it goes on; in the
 * middle of sending, its order is unknown and rightly blocks its rule for ten minutes. The journey is about one that was
 * suspended, or killed, between two.
 */
const suspend = <A, E>(
  pid: number,
  other: Effect.Effect.Success<ReturnType<typeof client>>,
  write: Effect.Effect<A, E>
) =>
  Effect.zipRight(signal(pid, "SIGSTOP"), write).pipe(
    Effect.zipRight(
      Effect.filterOrFail(
        other.trading.listOrders({ urlParams: { limit: 10 } }),
        ({ items }) => items.every(({ status }) => status === "filled" || status === "rejected"),
        () => "an order is under way"
      )
    ),
    // Time to make up for the slots it slept through: in the middle of those it writes all the time.
    Effect.tapError(() => Effect.zipRight(signal(pid, "SIGCONT"), Effect.sleep("1350 millis"))),
    Effect.retry(Schedule.recurs(20))
  )

const accepted = (paper: PaperProcess) =>
  Effect.map(paper.journal, (facts) => facts.filter((fact) => fact["_tag"] === "orderAccepted"))

const untilBought = (paper: PaperProcess, more: number) =>
  Effect.gen(function* () {
    const before = (yield* accepted(paper)).length
    yield* accepted(paper).pipe(
      Effect.filterOrFail(
        (orders) => orders.length >= before + more,
        (orders) => `${orders.length - before} of ${more} orders`
      ),
      Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo("30 seconds")))
    )
  })

const takingTurns = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const paper = yield* paperExchange
    yield* paper.price("BTCUSDT", "50000")
    const folder = yield* temporaryFolder
    const first = yield* service(folder, paper, env)
    const second = yield* service(folder, paper, env)
    assert.strictEqual(yield* roleOf(first.url), "owner")
    assert.strictEqual(yield* roleOf(second.url), "standby")

    const token = yield* createKey(second.command)
    const owner = yield* client(first.url, token)
    const standby = yield* client(second.url, token)
    yield* owner.account.getWallet()
    const headers = { "idempotency-key": "two-owners-rule-0001" }
    const refused = yield* Effect.flip(standby.trading.createRule({ payload: fast, headers }))
    assert.strictEqual(refused._tag, "NOT_OWNER")
    const rule = yield* owner.trading.createRule({ payload: fast, headers })
    assert.strictEqual((yield* standby.trading.getRule({ path: { id: rule.id } })).name, "Every second")
    yield* untilBought(paper, 3)

    yield* suspend(first.process.pid, standby, Effect.void)
    yield* first.process.stop("SIGKILL")
    assert.isAtMost(yield* untilRole(second.url, "owner"), 15_000)
    yield* untilBought(paper, 3)

    // Suspended longer than its lease, the owner wakes up in the belief that it still is.
    const third = yield* service(folder, paper, env)
    assert.strictEqual(yield* roleOf(third.url), "standby")
    yield* suspend(second.process.pid, yield* client(third.url, token), createKey(third.command))
    assert.isAtMost(yield* untilRole(third.url, "owner"), 15_000)
    yield* untilBought(paper, 2)
    yield* signal(second.process.pid, "SIGCONT")
    assert.isAtMost(yield* untilRole(second.url, "standby"), 15_000)
    yield* untilBought(paper, 3)
    assert.strictEqual(yield* roleOf(third.url), "owner")

    // A clean stop hands over without waiting for the lease, which is renewed every 3.5 s for 12 s, and it waits for the
    // answer to an order that is on its way.
    yield* third.process.stop("SIGTERM")
    assert.isBelow(yield* untilRole(second.url, "owner"), 8_500)
    yield* untilBought(paper, 2)

    const last = yield* client(second.url, token)
    yield* last.trading.pauseRule({ path: { id: rule.id } })
    const orders = yield* last.trading.listOrders({ urlParams: { limit: 500 } }).pipe(
      Effect.filterOrFail(
        ({ items }) => items.every(({ status }) => status === "filled" || status === "rejected"),
        ({ items }) => `still ${items.map(({ status }) => status).join()}`
      ),
      Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo("20 seconds")))
    )
    const made = (yield* accepted(paper)).map((fact) => String(fact["clientOrderId"])).sort()
    assert.strictEqual(new Set(made).size, made.length, "an order was sent twice")
    const known = orders.items.filter(({ exchangeOrderId }) => exchangeOrderId !== null)
    assert.deepStrictEqual(known.map(({ clientOrderId }): string => clientOrderId).sort(), made)
    const { items: executions } = yield* last.trading.listExecutions({ urlParams: { limit: 500 } })
    const bought = executions.filter(({ outcome }) => outcome === "executed")
    assert.strictEqual(new Set(bought.map(({ slot }) => slot)).size, bought.length, "a slot was bought twice")
    assert.strictEqual(bought.length, made.length)
    const position = yield* last.trading.getRulePosition({ path: { id: rule.id } })
    const filled = (yield* paper.journal)
      .filter((fact) => fact["_tag"] === "filled")
      .map((fact) => Decimal.unsafe(String(fact["quantity"])))
    assert.strictEqual(Decimal.format(position.quantity), Decimal.format(Decimal.sum(filled)))
  })

describe("Two instances on one database", () => {
  it.scopedLive(
    "take turns on a file: killed, suspended or stopped, the other goes on, and no slot is bought twice or lost",
    () => takingTurns({}),
    240_000
  )

  it.scopedLive.skipIf(!hasSqld)(
    "take turns on a libSQL server",
    () => Effect.flatMap(sqld, (url) => takingTurns({ DATABASE_URL: url })),
    240_000
  )
})
