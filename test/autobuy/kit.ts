import * as SqlClient from "@effect/sql/SqlClient"
import { Context, Duration, Effect, Layer, Option, PubSub, Schema, Stream, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { makeOrderId, type OrderId, type RuleId, UserId } from "../../src/domain/Ids.ts"
import { isTerminal, type Order, type OrderStatus } from "../../src/domain/order/Order.ts"
import { reason } from "../../src/domain/Reason.ts"
import { type RuleDocument, type RuleState } from "../../src/domain/Rule.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { type OrderChange, Orders, type RuleOrder } from "../../src/orders/Orders.ts"
import { Books } from "../../src/portfolio/Books.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { CycleSignals } from "../../src/autobuy/cycle/CycleSignals.ts"
import { CyclesRepo } from "../../src/autobuy/cycle/CyclesRepo.ts"
import { ExecutionsRepo } from "../../src/autobuy/ExecutionsRepo.ts"
import { freshRuntime, type RuleRow } from "../../src/autobuy/record/rows.ts"
import { RuleFiring } from "../../src/autobuy/RuleFiring.ts"
import { type PriceTick, RuleMarket } from "../../src/autobuy/RuleMarket.ts"
import { RuleProgram } from "../../src/autobuy/RuleProgram.ts"
import { RulesRepo } from "../../src/autobuy/RulesRepo.ts"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import { Timers } from "../../src/autobuy/Timers.ts"
import { TriggerIndex } from "../../src/autobuy/TriggerIndex.ts"
import { Database } from "../../src/store/Database.ts"
import { Events } from "../../src/store/Events.ts"
import { btc, d, document, symbolInfo } from "../domain/rule/fixtures.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"

export const alice = Schema.decodeSync(UserId)("local_alice")
export const bob = Schema.decodeSync(UserId)("local_bob")

/** A market whose prices the test sets; bid and ask stand one tick beside the last price. */
export class FakeMarket extends Context.Tag("test/FakeMarket")<
  FakeMarket,
  {
    readonly tick: (price: string | number) => Effect.Effect<void>
    readonly setAge: (ms: number) => Effect.Effect<void>
    /** What the venue answers when a price that has grown old is read again; null while it does not answer. */
    readonly setReading: (price: string | null) => Effect.Effect<void>
    readonly setHigh: (price: string | null) => Effect.Effect<void>
    readonly followers: Effect.Effect<number>
  }
>() {}

const market = Layer.effectContext(
  Effect.gen(function* () {
    const clock = yield* MarketClock
    const handlers = new Set<(tick: PriceTick) => void>()
    let last: PriceTick | null = null
    let ageMs = 0
    let reading: string | null = null
    let high: string | null = null
    const fake = FakeMarket.of({
      tick: (price) =>
        Effect.gen(function* () {
          const tick = { price: d(String(price)), at: yield* clock.now }
          last = tick
          for (const handler of handlers) handler(tick)
          // Whatever the tick woke runs before the test goes on.
          yield* settleDown
        }),
      setAge: (ms) => Effect.sync(() => void (ageMs = ms)),
      setReading: (price) => Effect.sync(() => void (reading = price)),
      setHigh: (price) => Effect.sync(() => void (high = price)),
      followers: Effect.sync(() => handlers.size)
    })
    const real = RuleMarket.of({
      symbol: (name) => Effect.succeed(name === btc ? Option.some(symbolInfo) : Option.none()),
      onTick: (_, handler) =>
        Effect.acquireRelease(
          Effect.sync(() => handlers.add(handler)),
          () => Effect.sync(() => handlers.delete(handler))
        ),
      last: () => Effect.sync(() => last),
      age: () => Effect.sync(() => ageMs),
      view: (_, maxAge) =>
        Effect.gen(function* () {
          if (reading !== null && ageMs > Duration.toMillis(maxAge)) {
            last = { price: d(reading), at: yield* clock.now }
            ageMs = 0
            for (const handler of handlers) handler(last)
          }
          return last === null
            ? null
            : {
                last: last.price,
                bid: Decimal.subtract(last.price, d("0.1")),
                ask: Decimal.add(last.price, d("0.1")),
                asOf: last.at,
                ageMs
              }
        }),
      window: () =>
        Effect.succeed({
          read: () => ({ value: high === null ? null : d(high), need: 60, have: high === null ? 10 : 60 }),
          ready: Effect.void
        }),
      history: () => Effect.succeed([])
    })
    return Context.make(FakeMarket, fake).pipe(Context.add(RuleMarket, real))
  })
)

export type Fate = "fill" | "noFill" | "unknown" | "refuse"

/** Orders whose fate the test decides. The intent runs in a transaction, as the real one does. */
export class FakeOrders extends Context.Tag("test/FakeOrders")<
  FakeOrders,
  {
    readonly decideFate: (fate: Fate) => Effect.Effect<void>
    /** Runs before each intent, where a crash or another request may come in between. */
    readonly beforeIntent: (effect: Effect.Effect<void>) => Effect.Effect<void>
    readonly placed: Effect.Effect<ReadonlyArray<Order>>
    readonly resolve: (id: OrderId, status: "filled" | "rejected") => Effect.Effect<void>
  }
>() {}

const orders = Layer.scopedContext(
  Effect.gen(function* () {
    const database = yield* Database
    const clock = yield* MarketClock
    const all = new Map<OrderId, { user: UserId; slot: string; order: Order }>()
    const hub = yield* PubSub.unbounded<OrderChange>()
    let fate: Fate = "fill"
    let before: Effect.Effect<void> = Effect.void

    const withFate = (order: Order, status: OrderStatus): Order => {
      const filled = status === "filled"
      const price = order.price ?? d("100000")
      const quantity = order.quantity ?? Decimal.divide(order.quoteAmount ?? d("0"), price)
      return {
        ...order,
        status,
        version: order.version + 1,
        executedQuantity: filled ? quantity : Decimal.zero,
        executedQuote: filled ? Decimal.multiply(quantity, price) : Decimal.zero,
        averagePrice: filled ? price : null,
        fees: filled
          ? [{ asset: "USDT", amount: Decimal.multiply(Decimal.multiply(quantity, price), symbolInfo.takerFeeRate) }]
          : [],
        rejectReason: status === "rejected" ? reason("NOT_PLACED") : null
      }
    }
    const statusOf: Record<Fate, OrderStatus> = {
      fill: "filled",
      noFill: "cancelled",
      unknown: "unknown",
      refuse: "rejected"
    }

    const placeForRule = <E>(ask: RuleOrder<E>) =>
      Effect.gen(function* () {
        const known = [...all.values()].find(
          ({ order, slot }) => slot === ask.slot && order.origin.ruleId === ask.ruleId
        )
        if (known !== undefined) return known.order
        yield* before
        const now = yield* clock.now
        const id = yield* makeOrderId()
        yield* database.write(ask.withIntent)
        const order: Order = {
          id,
          version: 1,
          venue: "paper",
          book: `rule:${ask.ruleId}`,
          clientOrderId: Schema.decodeSync(clientId)(`dp${id.slice(4, 30)}`),
          exchangeOrderId: null,
          symbol: ask.symbol,
          side: "buy",
          type: ask.type,
          status: "pending",
          price: ask.price ?? null,
          quantity: ask.quantity ?? null,
          quoteAmount: ask.quoteAmount ?? null,
          executedQuantity: Decimal.zero,
          executedQuote: Decimal.zero,
          averagePrice: null,
          fees: [],
          origin: { type: "rule", ruleId: ask.ruleId, executionId: ask.executionId, cycleId: ask.cycleId },
          note: null,
          rejectReason: null,
          unfilledReason: null,
          unknownSince: null,
          requestedAt: now,
          sentAt: now,
          terminalAt: null,
          updatedAt: now
        }
        const done = withFate(order, statusOf[fate])
        all.set(id, { user: ask.userId, slot: ask.slot, order: done })
        return done
      })

    const fake = FakeOrders.of({
      decideFate: (next) => Effect.sync(() => void (fate = next)),
      beforeIntent: (effect) => Effect.sync(() => void (before = effect)),
      placed: Effect.sync(() => [...all.values()].map(({ order }) => order)),
      resolve: (id, status) =>
        Effect.gen(function* () {
          const known = all.get(id)
          if (known === undefined) return
          const order = withFate(known.order, status)
          all.set(id, { ...known, order })
          yield* PubSub.publish(hub, { userId: known.user, order })
          yield* settleDown
        })
    })
    const real = Layer.mock(Orders, {
      placeForRule,
      awaitTerminal: (_, id) =>
        Effect.suspend(() => {
          const known = all.get(id)
          return known === undefined ? Effect.die(`no order ${id}`) : Effect.succeed(known.order)
        }),
      openOfRule: (_, id) =>
        Effect.sync(() =>
          [...all.values()]
            .map(({ order }) => order)
            .filter((order) => order.origin.ruleId === id && !isTerminal(order.status))
        ),
      ofExecution: (_, id) =>
        Effect.sync(() =>
          [...all.values()].map(({ order }) => order).filter((order) => order.origin.executionId === id)
        ),
      changes: Stream.fromPubSub(hub)
    })
    return Context.make(FakeOrders, fake).pipe(Context.merge(yield* Layer.build(real)))
  })
)

const clientId = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9]{1,32}$/), Schema.brand("ClientOrderId"))

const portfolio = Layer.mergeAll(
  // Another rule's intent takes a hundred between the decision and ours.
  Layer.mock(Wallets, { freeOf: () => Effect.succeed(d("10000")), keptFreeOf: () => Effect.succeed(d("9900")) }),
  Layer.mock(Books, {
    lastBuy: () => Effect.succeed(null),
    averageCost: () => Effect.succeed(null),
    lots: () =>
      Effect.succeed({
        quantity: Decimal.zero,
        totalCost: Decimal.zero,
        realisedPnl: Decimal.zero,
        fees: Decimal.zero,
        incomplete: false,
        lastBuy: null
      })
  })
)

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

/** Everything below the program: stores on a real database, a market and orders that the test plays. */
export const world = (database = TestDatabase.layer) =>
  Layer.mergeAll(market, orders, portfolio).pipe(
    Layer.provideMerge(repos),
    Layer.provideMerge(database),
    Layer.provideMerge(MarketClock.layer),
    Layer.orDie
  )

export const engine = (database = TestDatabase.layer) =>
  RuleSupervisor.layer.pipe(
    Layer.provideMerge(RuleProgram.layer),
    Layer.provideMerge(RuleFiring.layer),
    Layer.provideMerge(Layer.mergeAll(TriggerIndex.layer, Timers.layer)),
    Layer.provideMerge(world(database))
  )

/** Lets everything run that can run at this instant of the test clock. */
export const settleDown = Effect.suspend(() =>
  Effect.repeatN(
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }),
    20
  )
)

export const passTime = (duration: Duration.DurationInput) => Effect.zipRight(TestClock.adjust(duration), settleDown)

/** Stores a rule as its owner would have made it. */
export const storeRule = (
  id: RuleId,
  changes: Readonly<Record<string, unknown>> = {},
  state: RuleState = "active",
  more: Partial<RuleRow> = {}
) =>
  Effect.gen(function* () {
    const rules = yield* RulesRepo
    const now = yield* (yield* MarketClock).now
    const stored: RuleDocument = document(changes)
    const row: RuleRow = {
      user_id: alice,
      rule_id: id,
      version: 1,
      state,
      pause_reason: null,
      symbol: stored.symbol,
      document: stored,
      runtime: freshRuntime,
      failures: 0,
      spent_total: Decimal.zero,
      executed_count: 0,
      created_at: now,
      updated_at: now,
      ...more
    }
    yield* rules.insert(row)
    return row
  })

export const stateOf = (id: RuleId) =>
  Effect.gen(function* () {
    const found = yield* (yield* RulesRepo).find(alice, id)
    return Option.getOrThrow(found)
  })

/** Outcomes and reasons of a rule's firings, oldest first. */
export const outcomes = (id: RuleId) =>
  Effect.gen(function* () {
    const rows = yield* (yield* ExecutionsRepo).list(alice, { ruleId: id, limit: 100, before: null })
    return [...rows]
      .reverse()
      .map((row) =>
        [row.slot, row.outcome ?? row.state, row.reason?.code ?? null].filter((part) => part !== null).join(" ")
      )
  })
