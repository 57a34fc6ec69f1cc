import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Layer, Logger, LogLevel, Runtime, Schema } from "effect"
import { RuleFiring } from "../../../src/autobuy/RuleFiring.ts"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { band, decimalOf, symbolsOf } from "./scenario.ts"
import { layerWith, type World } from "./world.ts"

/** All rules of a folder are due at the same 09:00; tells when the last was decided, and each user's last. */
const [, , folder = "", rules = "0", count = "0"] = process.argv
const symbols = symbolsOf(Number(count))
/** Long enough for all of them to wait. */
const leadMs = 15_000
const dayMs = 86_400_000

const today = Math.floor(Date.now() / dayMs) * dayMs + 9 * 3_600_000
const nine = today > Date.now() ? today : today + dayMs

/** Market time reaches the next nine o'clock UTC some seconds after the start. */
const offset = nine - leadMs - Date.now()
const clock = Layer.succeed(
  MarketClock,
  MarketClock.of({
    now: Effect.sync(() => Date.now() + offset),
    sleepUntil: (at) => Effect.suspend(() => Effect.sleep(Math.max(0, at - Date.now() - offset))),
    speed: Effect.succeed(1)
  })
)

const world: World = { handlers: new Map(), decided: () => undefined }
const Row = Schema.Struct({ user_id: Schema.String, decided: Schema.Int, last: Schema.NullOr(Schema.Number) })
const Count = Schema.Struct({ done: Schema.Int })

const main = Effect.gen(function* () {
  const hub = yield* TickerHub
  const supervisor = yield* RuleSupervisor
  const sql = yield* SqlClient.SqlClient
  const { now } = yield* MarketClock
  const price = decimalOf(band.high)
  for (const symbol of symbols) yield* hub.watch(symbol)
  yield* Effect.sleep(100)
  const push = Effect.forEach(
    symbols,
    (symbol) => {
      const at = Date.now() + offset
      const handle = world.handlers.get(symbol)
      const trade = { price, quantity: Decimal.one, quoteQuantity: price, side: "buy" as const, at }
      const best = { bid: price, bidQuantity: Decimal.one, ask: price, askQuantity: Decimal.one }
      return handle === undefined
        ? Effect.void
        : Effect.zipRight(
            handle({ type: "bookTicker", symbol, ...best, at, receivedAt: Date.now() }),
            handle({ type: "trades", symbol, trades: [trade], receivedAt: Date.now() })
          )
    },
    { discard: true }
  )
  yield* Effect.forkScoped(Effect.forever(Effect.zipRight(push, Effect.sleep(500))))
  yield* supervisor.start
  const done = Effect.map(
    sql`SELECT count(*) AS done FROM decisions`,
    (rows) => Schema.decodeUnknownSync(Schema.Tuple(Count))(rows)[0].done
  )
  while ((yield* now) < nine) yield* Effect.sleep(10)
  for (let decided = yield* done; decided < Number(rules); decided = yield* done) yield* Effect.sleep(200)
  const rows = Schema.decodeUnknownSync(Schema.Array(Row))(
    yield* sql`SELECT user_id, count(*) AS decided, max(at) AS last FROM decisions GROUP BY user_id`
  )
  return { users: rows.map((row) => ({ decided: row.decided, lastMs: (row.last ?? 0) - nine })) }
}).pipe(
  Effect.scoped,
  Effect.provide(layerWith(folder, world, { firing: RuleFiring.layer, clock })),
  Logger.withMinimumLogLevel(LogLevel.Warning)
)

Runtime.runPromise(Runtime.defaultRuntime)(main).then((measured) => {
  console.log(`measured ${JSON.stringify(measured)}`)
  process.exit(0)
})
