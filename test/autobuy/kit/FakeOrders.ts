import { Context, Effect, Layer, PubSub, Schema, Stream } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { makeOrderId, type OrderId, type UserId } from "../../../src/domain/Ids.ts"
import { isTerminal, type Order, type OrderStatus } from "../../../src/domain/order/Order.ts"
import { reason } from "../../../src/domain/Reason.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { type OrderChange, Orders, type RuleCancelCause, type RuleOrder } from "../../../src/orders/Orders.ts"
import { orderSlot } from "../../../src/orders/record/OrderRequest.ts"
import { Database } from "../../../src/store/Database.ts"
import { d, symbolInfo } from "../../domain/rule/fixtures.ts"
import { settleDown } from "./time.ts"

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
    /** Why each was asked for. */
    readonly cancelCauses: Effect.Effect<ReadonlyArray<RuleCancelCause>>
    readonly loseCancels: (lost: boolean) => Effect.Effect<void>
  }
>() {}

export const orders = (all: Venue) =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const database = yield* Database
      const clock = yield* MarketClock
      const asked: Array<OrderId> = []
      const causes: Array<RuleCancelCause> = []
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
        cancelCauses: Effect.sync(() => causes),
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
            const order = { ...withFate(known.order, status), terminalAt: yield* clock.now }
            all.set(id, { ...known, order })
            yield* PubSub.publish(hub, { userId: known.user, order })
            yield* settleDown
          })
      })
      const real = Layer.mock(Orders, {
        whenReconciled: () => Effect.void,
        unreconciled: Effect.succeed(new Set<UserId>()),
        placeForRule,
        cancelForRule: (_, id, cause) =>
          Effect.gen(function* () {
            asked.push(id)
            causes.push(cause)
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
