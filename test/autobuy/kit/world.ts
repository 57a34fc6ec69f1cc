import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Layer, Schema } from "effect"
import { Cycles } from "../../../src/autobuy/cycle/Cycles.ts"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { CycleSignals } from "../../../src/autobuy/record/cycle/CycleSignals.ts"
import { CyclesRepo } from "../../../src/autobuy/record/cycle/CyclesRepo.ts"
import { RuleFiring } from "../../../src/autobuy/RuleFiring.ts"
import { RuleProgram } from "../../../src/autobuy/RuleProgram.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import { Timers } from "../../../src/autobuy/Timers.ts"
import { TriggerIndex } from "../../../src/autobuy/TriggerIndex.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Events } from "../../../src/store/Events.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import { market } from "./FakeMarket.ts"
import { orders, type Venue } from "./FakeOrders.ts"
import { portfolio } from "./FakeWallet.ts"

export const alice = Schema.decodeSync(UserId)("local_alice")
export const bob = Schema.decodeSync(UserId)("local_bob")

const users = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const user_id of [alice, bob])
      yield* sql`INSERT INTO users ${sql.insert({ user_id, created_at: 0 })} ON CONFLICT DO NOTHING`
  })
)

const repos = Layer.mergeAll(RulesRepo.layer, ExecutionsRepo.layer, CyclesRepo.layer, CycleSignals.layer, users).pipe(
  Layer.provideMerge(Events.layer)
)

/** Rules of these tests have no cycles. */
const cycles = Layer.mergeAll(
  Layer.mock(Cycles, { openOf: () => Effect.succeedNone, end: () => Effect.void }),
  Layer.mock(Ledger, { release: () => Effect.succeed(Decimal.zero) })
)

/** Everything below the program: stores on a real database, a market and orders that the test plays. */
export const world = (database = TestDatabase.layer, venue?: Venue) =>
  // A layer that several tests share is built for each of them, and so is its venue.
  Layer.mergeAll(
    market,
    Layer.suspend(() => orders(venue ?? new Map())),
    portfolio,
    cycles
  ).pipe(Layer.provideMerge(repos), Layer.provideMerge(database), Layer.provideMerge(MarketClock.layer), Layer.orDie)

/** What runs rules, on a world that is yet to be given. */
export const runners = RuleSupervisor.layer.pipe(
  Layer.provideMerge(RuleProgram.layer),
  Layer.provideMerge(RuleFiring.layer),
  Layer.provideMerge(Layer.mergeAll(TriggerIndex.layer, Timers.layer))
)

export const engine = (database = TestDatabase.layer, venue?: Venue) =>
  runners.pipe(Layer.provideMerge(world(database, venue)))
