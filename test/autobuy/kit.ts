import * as SqlClient from "@effect/sql/SqlClient"
import { Context, Deferred, Duration, Effect, Layer, Option, PubSub, Schema, Stream, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { makeOrderId, type OrderId, type RuleId, UserId } from "../../src/domain/Ids.ts"
import { isTerminal, type Order, type OrderStatus } from "../../src/domain/order/Order.ts"
import { reason } from "../../src/domain/Reason.ts"
import { type RuleDocument, type RuleState } from "../../src/domain/Rule.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { type OrderChange, Orders, type RuleOrder } from "../../src/orders/Orders.ts"
import { orderSlot } from "../../src/orders/record/OrderRequest.ts"
import { Books } from "../../src/portfolio/Books.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { Cycles } from "../../src/autobuy/cycle/Cycles.ts"
import { CycleSignals } from "../../src/autobuy/record/cycle/CycleSignals.ts"
import { CyclesRepo } from "../../src/autobuy/record/cycle/CyclesRepo.ts"
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
    readonly setVolume: (amount: string | null) => Effect.Effect<void>
    /** The venue does not know the symbol yet, until it is listed. */
    readonly unlist: Effect.Effect<void>
    readonly list: Effect.Effect<void>
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
    let volume: string | null = null
    let listed = true
    const listing = yield* Deferred.make<void>()
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
      setVolume: (amount) => Effect.sync(() => void (volume = amount)),
      unlist: Effect.sync(() => void (listed = false)),
      list: Effect.suspend(() => {
        listed = true
        return Effect.zipRight(Deferred.succeed(listing, undefined), settleDown)
      }),
      followers: Effect.sync(() => handlers.size)
    })
    const real = RuleMarket.of({
      symbol: (name) => Effect.sync(() => (name === btc && listed ? Option.some(symbolInfo) : Option.none())),
      whenTradable: () => Effect.suspend(() => (listed ? Effect.void : Deferred.await(listing))),
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
                ageMs,
                quoteVolume: volume === null ? null : d(volume)
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

/** `rest` stays with the venue, `half` fills half at once and rests with the other, `takes` is a post-only refusal. */
export type Fate = "fill" | "noFill" | "unknown" | "refuse" | "rest" | "half" | "takes"

/** What the venue knows of our orders; given to two engines, it outlives the first. */
export type Venue = Map<OrderId, { user: UserId; slot: string; order: Order }>

/** Orders whose fate the test decides. The intent runs in a transaction, as the real one does. */
export class FakeOrders extends Context.Tag("test/FakeOrders")<
  FakeOrders,
  {
    readonly decideFate: (fate: Fate) => Effect.Effect<void>
    /** Runs before each intent, where a crash or another request may come in between. */
    readonly beforeIntent: (effect: Effect.Effect<void>) => Effect.Effect<void>
    readonly placed: Effect.Effect<ReadonlyArray<Order>>
    readonly resolve: (id: OrderId, status: "filled" | "rejected") => Effect.Effect<void>
    /** What the venue does to an order that rests: fills a share of what is left, or ends it without being asked by us. */
    readonly fillShare: (id: OrderId, share: string) => Effect.Effect<void>
    readonly cancelOutside: (id: OrderId) => Effect.Effect<void>
    /** Cancels that our side asked for; while `lost`, the venue does not act on them. */
    readonly cancels: Effect.Effect<ReadonlyArray<OrderId>>
    readonly loseCancels: (lost: boolean) => Effect.Effect<void>
  }
>() {}

const orders = (all: Venue) =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const database = yield* Database
      const clock = yield* MarketClock
      const asked: Array<OrderId> = []
      let lost = false
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
        refuse: "rejected",
        rest: "open",
        half: "open",
        takes: "cancelled"
      }

      const withShare = (order: Order, share: Decimal.Decimal): Order => {
        const price = order.price ?? d("100000")
        const left = Decimal.subtract(order.quantity ?? Decimal.zero, order.executedQuantity)
        const executedQuantity = Decimal.add(order.executedQuantity, Decimal.multiply(left, share))
        const executedQuote = Decimal.multiply(executedQuantity, price)
        return {
          ...order,
          status: Decimal.equals(share, Decimal.one) ? "filled" : "partiallyFilled",
          version: order.version + 1,
          executedQuantity,
          executedQuote,
          averagePrice: price,
          fees: [{ asset: "USDT", amount: Decimal.multiply(executedQuote, symbolInfo.takerFeeRate) }]
        }
      }

      const cancelled = (order: Order, at: number): Order =>
        isTerminal(order.status)
          ? order
          : {
              ...order,
              status: Decimal.isZero(order.executedQuantity) ? "cancelled" : "partiallyCancelled",
              terminalAt: at,
              unfilledReason: reason("CANCELLED")
            }

      const change = (id: OrderId, to: (order: Order) => Order) =>
        Effect.gen(function* () {
          const known = all.get(id)
          if (known === undefined) return
          const order = to(known.order)
          all.set(id, { ...known, order })
          yield* PubSub.publish(hub, { userId: known.user, order })
        })

      const placeForRule = <E>(ask: RuleOrder<E>) =>
        Effect.gen(function* () {
          const known = [...all.values()].find(
            ({ order, slot }) => slot === orderSlot(ask) && order.origin.ruleId === ask.ruleId
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
          const begun = withFate(order, statusOf[fate])
          const ended = isTerminal(begun.status) ? { ...begun, terminalAt: now } : begun
          const done = fate === "half" ? withShare(ended, d("0.5")) : ended
          all.set(id, { user: ask.userId, slot: orderSlot(ask), order: done })
          return done
        })

      const fake = FakeOrders.of({
        decideFate: (next) => Effect.sync(() => void (fate = next)),
        beforeIntent: (effect) => Effect.sync(() => void (before = effect)),
        placed: Effect.sync(() => [...all.values()].map(({ order }) => order)),
        cancels: Effect.sync(() => asked),
        loseCancels: (next) => Effect.sync(() => void (lost = next)),
        fillShare: (id, share) =>
          Effect.zipRight(
            change(id, (order) => withShare(order, d(share))),
            settleDown
          ),
        cancelOutside: (id) =>
          Effect.flatMap(clock.now, (now) =>
            Effect.zipRight(
              change(id, (order) => cancelled(order, now)),
              settleDown
            )
          ),
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
        whenReconciled: () => Effect.void,
        placeForRule,
        cancelForRule: (_, id) =>
          Effect.gen(function* () {
            asked.push(id)
            const now = yield* clock.now
            if (!lost) yield* change(id, (order) => cancelled(order, now))
            const known = all.get(id)
            return known === undefined ? yield* Effect.die(`no order ${id}`) : known.order
          }),
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

/** The user's free balance; without a word from the test it stands still. */
export class FakeWallet extends Context.Tag("test/FakeWallet")<
  FakeWallet,
  {
    /** What is free from now on, as the venue tells it. */
    readonly setFree: (amount: string) => Effect.Effect<void>
    /** What every rule's own book holds, and the price of its last buy. */
    readonly setHeld: (held: {
      readonly quantity: string
      readonly cost: string
      readonly lastBuy: string | null
    }) => Effect.Effect<void>
    /** How often the venue was asked for it. */
    readonly asked: Effect.Effect<number>
  }
>() {}

const portfolio = Layer.scopedContext(
  Effect.gen(function* () {
    const handlers = new Set<() => void>()
    let free: string | null = null
    let asked = 0
    let held = { quantity: Decimal.zero, totalCost: Decimal.zero, lastBuy: Option.none<Decimal.Decimal>() }
    const fake = FakeWallet.of({
      setHeld: ({ cost, lastBuy, quantity }) =>
        Effect.sync(() => {
          held = { quantity: d(quantity), totalCost: d(cost), lastBuy: Option.map(Option.fromNullable(lastBuy), d) }
        }),
      asked: Effect.sync(() => asked),
      setFree: (amount) =>
        Effect.suspend(() => {
          free = amount
          for (const handler of handlers) handler()
          return settleDown
        })
    })
    const real = Layer.mock(Wallets, {
      freeOf: () => Effect.sync(() => (asked++, d(free ?? "10000"))),
      // Another rule's intent takes a hundred between the decision and ours.
      keptFreeOf: () => Effect.sync(() => d(free ?? "9900")),
      onChange: (_, handler) =>
        Effect.acquireRelease(
          Effect.sync(() => void handlers.add(handler)),
          () => Effect.sync(() => handlers.delete(handler))
        )
    })
    const books = Layer.mock(Books, {
      lastBuy: () => Effect.sync(() => Option.getOrNull(held.lastBuy)),
      averageCost: () => Effect.succeed(null),
      lots: () =>
        Effect.sync(() => ({
          quantity: held.quantity,
          totalCost: held.totalCost,
          realisedPnl: Decimal.zero,
          fees: Decimal.zero,
          incomplete: false,
          lastBuy: null
        }))
    })
    return Context.make(FakeWallet, fake).pipe(Context.merge(yield* Layer.build(Layer.merge(real, books))))
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

export const engine = (database = TestDatabase.layer, venue?: Venue) =>
  RuleSupervisor.layer.pipe(
    Layer.provideMerge(RuleProgram.layer),
    Layer.provideMerge(RuleFiring.layer),
    Layer.provideMerge(Layer.mergeAll(TriggerIndex.layer, Timers.layer)),
    Layer.provideMerge(world(database, venue))
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
