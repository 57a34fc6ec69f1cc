import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import { Cycles } from "../../../src/autobuy/cycle/Cycles.ts"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { type Fired, newExecution, type Trigger } from "../../../src/autobuy/firing/records.ts"
import { CycleSignals } from "../../../src/autobuy/record/cycle/CycleSignals.ts"
import { CyclesRepo } from "../../../src/autobuy/record/cycle/CyclesRepo.ts"
import { freshRuntime, type RuleRow, StoredRuntime } from "../../../src/autobuy/record/rows.ts"
import { StoredDocument } from "../../../src/autobuy/record/storedDocument.ts"
import { RuleFiring } from "../../../src/autobuy/RuleFiring.ts"
import { RuleMarket } from "../../../src/autobuy/RuleMarket.ts"
import { RuleProgram } from "../../../src/autobuy/RuleProgram.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import { Timers } from "../../../src/autobuy/Timers.ts"
import { TriggerIndex } from "../../../src/autobuy/TriggerIndex.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { UserId } from "../../../src/domain/Ids.ts"
import type { SymbolName, Ticker } from "../../../src/domain/Market.ts"
import { Candles } from "../../../src/market/Candles.ts"
import { RollingHigh } from "../../../src/market/RollingHigh.ts"
import { Symbols } from "../../../src/market/Symbols.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import type { MarketEvent } from "../../../src/mexc/stream/Events.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { Events } from "../../../src/store/Events.ts"
import { document, symbolInfo } from "../../domain/rule/fixtures.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import { band, decimalOf } from "./scenario.ts"

/**
 * The real engine on a real database and the real hub of prices. What the benchmark plays is the venue's stream, the
 * wallet, and the firing: it counts as decided and is over, so that the rule arms itself again.
 */
export interface World {
  /** Hands an event of a symbol to whoever subscribed it. */
  readonly handlers: Map<SymbolName, (event: MarketEvent) => Effect.Effect<void>>
  readonly decided: (rule: RuleRow, trigger: Trigger) => void
}

const start = decimalOf(band.high)
/** The best prices are those of the whole band: no trade lies outside of them. */
export const lowest = decimalOf(band.low)

const tickerAt = (symbol: SymbolName, asOf: number): Ticker => ({
  symbol,
  last: start,
  bid: lowest,
  bidQuantity: Decimal.one,
  ask: start,
  askQuantity: Decimal.one,
  open: start,
  high: start,
  low: start,
  volume: Decimal.one,
  quoteVolume: null,
  changePercent: 0,
  asOf,
  source: "rest",
  stale: false
})

const venue = (world: World) =>
  Layer.mergeAll(
    Layer.mock(MexcStream, {
      followMarket: (symbol, handle) =>
        Effect.zipRight(
          Effect.sync(() => void world.handlers.set(symbol, handle)),
          Effect.never
        )
    }),
    Layer.mock(TickerReader, { read: (symbol) => Effect.sync(() => tickerAt(symbol, 0)) }),
    Layer.mock(Symbols, { get: (symbol) => Effect.succeed({ ...symbolInfo, symbol }) }),
    Layer.mock(Candles, {})
  )

const market = (world: World) =>
  RuleMarket.layer.pipe(
    Layer.provide(RollingHigh.layer),
    Layer.provideMerge(TickerHub.layer),
    Layer.provide(venue(world))
  )

const plenty = Decimal.unsafe("1000000")

const others = Layer.mergeAll(
  Layer.mock(Orders, {
    whenReconciled: () => Effect.void,
    unreconciled: Effect.succeed(new Set<UserId>()),
    changes: Stream.never
  }),
  Layer.mock(Wallets, { freeOf: () => Effect.succeed(plenty) }),
  Layer.mock(Books, {}),
  Layer.mock(Cycles, { openOf: () => Effect.succeed(Option.none()) }),
  Layer.mock(Ledger, {})
)

const repos = Layer.mergeAll(RulesRepo.layer, ExecutionsRepo.layer, CyclesRepo.layer, CycleSignals.layer).pipe(
  Layer.provideMerge(Events.layer)
)

/** The real firing resumes and judges what a start asks; only what a trigger begins is over at once. */
const firing = (world: World) => {
  let made: Fired | null = null
  return Layer.effect(
    RuleFiring,
    Effect.map(RuleFiring, (real) =>
      RuleFiring.of({
        ...real,
        fire: (rule, trigger) =>
          Effect.suspend(() => {
            world.decided(rule, trigger)
            // A row costs more to make than a decision, and no rule of the benchmark looks at it.
            return made === null
              ? Effect.map(newExecution(rule, trigger), (execution) => (made = { execution, finished: null }))
              : Effect.succeed(made)
          }),
        remember: () => Effect.void
      })
    )
  ).pipe(Layer.provide(RuleFiring.layer))
}

/** Firings that are decided without being made. */
export const layer = (folder: string, world: World) =>
  layerWith(folder, world, { firing: firing(world), clock: MarketClock.layer })

export const layerWith = (
  folder: string,
  world: World,
  parts: { readonly firing: typeof RuleFiring.layer; readonly clock: Layer.Layer<MarketClock> }
) =>
  RuleSupervisor.layer.pipe(
    Layer.provide(RuleProgram.layer),
    Layer.provide(parts.firing),
    Layer.provideMerge(Layer.mergeAll(TriggerIndex.layer, Timers.layer)),
    Layer.provideMerge(market(world)),
    Layer.provide(others),
    Layer.provide(repos),
    Layer.provideMerge(TestDatabase.layerAt(folder)),
    Layer.provideMerge(parts.clock),
    Layer.orDie
  )

const encodeDocument = Schema.encodeSync(StoredDocument)
const atOnce = 500
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
const idOf = (i: number): string => {
  let text = ""
  for (let rest = i, at = 0; at < 10; at++, rest = Math.floor(rest / 32)) text = alphabet.charAt(rest % 32) + text
  return `rule_01hzy3v7k2m4n6p8${text}`
}

/** Stores active rules as their owners would have made them, and leaves the database. */
export const store = (
  folder: string,
  count: number,
  changesOf: (i: number) => { readonly symbol: string; readonly trigger: unknown; readonly mode?: string },
  ownerOf: (i: number) => number
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const now = Date.now()
    const runtime = Schema.encodeSync(StoredRuntime)(freshRuntime)
    const written = JSON.parse(encodeDocument(document({ limits: { perDay: "500", cooldown: "PT0S" } })))
    const userOf = (i: number) => `local_user${ownerOf(i)}`
    yield* sql.withTransaction(
      Effect.gen(function* () {
        for (const user_id of new Set(Array.from({ length: count }, (_, i) => userOf(i))))
          yield* sql`INSERT INTO users ${sql.insert({ user_id, created_at: now })} ON CONFLICT DO NOTHING`
        for (let from = 0; from < count; from += atOnce) {
          const rows = Array.from({ length: Math.min(atOnce, count - from) }, (_, at) => {
            const i = from + at
            const changes = changesOf(i)
            return {
              user_id: userOf(i),
              rule_id: idOf(i),
              version: 1,
              state: "active",
              pause_reason: null,
              symbol: changes.symbol,
              document: JSON.stringify({ ...written, name: `Rule ${i}`, ...changes }),
              runtime,
              failures: 0,
              spent_total: "0",
              executed_count: 0,
              created_at: now,
              updated_at: now
            }
          })
          yield* sql`INSERT INTO rules ${sql.insert(rows)}`
        }
      })
    )
  }).pipe(Effect.provide(TestDatabase.layerAt(folder)))
