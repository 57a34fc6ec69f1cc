import { it } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, paperExchange, type PaperProcess, service } from "../kit/Service.ts"
import { print, spread } from "./kit.ts"

const users = ["ann", "ben", "cem"]
const openEach = 334
const rounds = 5
/** What earlier requests cost counts at the exchange for ten seconds; a kill in the middle of a burst waits for that. */
const budgetForgets = "11 seconds"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
type Api = Effect.Effect.Success<ReturnType<typeof client>>

const resting = (api: Api, name: string) => {
  const order = {
    symbol,
    side: "buy" as const,
    type: "limit" as const,
    quantity: Decimal.unsafe("0.0001"),
    price: Decimal.unsafe("30000"),
    waitMs: 0
  }
  return api.trading.placeOrder({ payload: order, headers: { "idempotency-key": `recovery-${name}` } })
}

/** A client repeats what was answered 503, under the same key. */
const untilTaken = Schedule.spaced("50 millis").pipe(Schedule.upTo("2 minutes"))

/** A folder with so many open orders, whose service was killed; each restart is killed again. */
const world = (orders: number) =>
  Effect.gen(function* () {
    const paper = yield* paperExchange
    yield* paper.price("BTCUSDT", "50000")
    const folder = yield* temporaryFolder
    const first = yield* service(folder, paper, { API_RATE_PER_MINUTE: "100000" })
    const tokens = yield* Effect.forEach(users, (user) => createKey(first.command, user))
    yield* Effect.forEach(
      tokens,
      (token, user) =>
        Effect.gen(function* () {
          const api = yield* client(first.url, token)
          yield* api.account.getWallet()
          for (let i = 0; i < orders; i++)
            yield* Effect.retry(resting(api, `${user}-${i}-of-the-start`), { schedule: untilTaken })
        }),
      { concurrency: "unbounded" }
    )
    yield* first.process.stop("SIGKILL")
    return { paper, folder, tokens }
  })

interface Restart {
  readonly readyMs: number
  readonly tradingMs: number
}

/** From the start of a process to its ready line, and to the exchange having taken an order of everybody. */
const restart = (
  folder: string,
  paper: PaperProcess,
  tokens: Effect.Effect.Success<ReturnType<typeof world>>["tokens"],
  round: number
) =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.sleep(budgetForgets)
      const began = performance.now()
      const { process, url } = yield* service(folder, paper)
      const readyMs = performance.now() - began
      yield* Effect.forEach(
        tokens,
        (token, user) =>
          Effect.flatMap(client(url, token), (api) =>
            resting(api, `${user}-after-restart-${round}`).pipe(
              Effect.filterOrFail(({ status }) => status === "open" || status === "pending"),
              Effect.retry(untilTaken)
            )
          ),
        { concurrency: "unbounded" }
      )
      const tradingMs = performance.now() - began
      yield* process.stop("SIGKILL")
      return { readyMs, tradingMs } satisfies Restart
    })
  )

it.scopedLive(
  "trading again after a kill",
  () =>
    Effect.gen(function* () {
      const full = yield* world(openEach)
      const empty = yield* world(0)
      const all: Array<{ readonly full: Restart; readonly empty: Restart }> = []
      for (let round = 0; round < rounds; round++)
        all.push({
          empty: yield* restart(empty.folder, empty.paper, empty.tokens, round),
          full: yield* restart(full.folder, full.paper, full.tokens, round)
        })
      print(`a kill with ${openEach * users.length} open orders of ${users.length} users, ${rounds} rounds, ms`, [
        ["without orders, to ready", spread(all.map((each) => each.empty.readyMs))],
        ["without orders, to an order of everybody", spread(all.map((each) => each.empty.tradingMs))],
        ["to ready", spread(all.map((each) => each.full.readyMs))],
        ["to an order of everybody", spread(all.map((each) => each.full.tradingMs))],
        [
          "with ÷ without",
          spread(
            all.map(({ empty: none, full: many }) => many.tradingMs / none.tradingMs),
            2
          )
        ]
      ])
    }),
  600_000
)
