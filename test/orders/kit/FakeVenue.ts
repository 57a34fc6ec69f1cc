import { Context, Deferred, Effect, Layer, Option } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { UserId } from "../../../src/domain/Ids.ts"
import type { VenueFill, VenueOrder } from "../../../src/domain/order/Order.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import type { OrderRequest } from "../../../src/mexc/OrderRequest.ts"
import {
  OutcomeUnknown,
  VenueRefused,
  VenueUnavailable,
  type BudgetUnavailable
} from "../../../src/mexc/VenueFailure.ts"

/** What the venue does with the next orders. */
export type Mood =
  | { readonly type: "fill" }
  | { readonly type: "rest" }
  | { readonly type: "refuse"; readonly code: number; readonly kind: VenueRefused["kind"] }
  /** Books the order, loses the answer. */
  | { readonly type: "loseAnswer" }
  /** Loses the request. */
  | { readonly type: "loseRequest" }
  | { readonly type: "noBudget"; readonly failure: BudgetUnavailable }
  /** Never reached, nothing sent. */
  | { readonly type: "unreachable" }
  /** Refuses the first request for its time; it is sent once more after a while. */
  | { readonly type: "late"; readonly until: Effect.Effect<void> }
  /** Waits before the bytes leave, which an interruption ends, or after they left, which it does not. */
  | { readonly type: "waitBefore"; readonly until: Effect.Effect<void> }
  | { readonly type: "waitAfter"; readonly until: Effect.Effect<void> }

/** A venue of one symbol in memory, which counts the orders it was sent. */
export class FakeVenue extends Context.Tag("test/FakeVenue")<
  FakeVenue,
  {
    mood: Mood
    /** Questions fail while it is down. */
    isDown: boolean
    /** Some rows of its lists cannot be read. */
    isOdd: boolean
    /** Nobody can read what it answers about the order of this name. */
    unreadable: string | null
    /** What a question by an order's name waits for before it is answered. */
    pace: (userId: UserId) => Effect.Effect<void>
    /** Questions for fills are refused, as for a symbol that is gone. */
    refusesFills: boolean
    /** The account of each access key; all keys are of one when left out. */
    readonly accounts: Map<string, string>
    readonly posts: Array<OrderRequest>
    readonly orders: Map<string, VenueOrder>
    readonly fills: Array<VenueFill>
    readonly asked: Array<string>
    readonly reached: Deferred.Deferred<void>
  }
>() {}

const book = (venue: FakeVenue["Type"], request: OrderRequest, price: Decimal.Decimal, fills: boolean) => {
  const exchangeOrderId = `C${venue.orders.size + 1}`
  const quantity = request.quantity ?? Decimal.divide(request.quoteOrderQty ?? Decimal.zero, price, 6, "floor")
  const executed = fills ? quantity : Decimal.zero
  const order: VenueOrder = {
    symbol: request.symbol,
    exchangeOrderId,
    clientOrderId: request.clientOrderId,
    side: request.side,
    type: request.type,
    status: fills ? "filled" : "open",
    price,
    quantity,
    quoteAmount: request.quoteOrderQty ?? null,
    executedQuantity: executed,
    executedQuote: Decimal.multiply(executed, price),
    createdAt: 10,
    at: 10
  }
  venue.orders.set(request.clientOrderId, order)
  if (fills)
    venue.fills.push({
      symbol: request.symbol,
      tradeId: `t${venue.fills.length + 1}`,
      exchangeOrderId,
      clientOrderId: null,
      side: request.side,
      price,
      quantity,
      quoteQuantity: order.executedQuote,
      fee: { asset: "USDT", amount: Decimal.unsafe("0.01") },
      maker: false,
      at: 10
    })
  return exchangeOrderId
}

const lost = new OutcomeUnknown({ message: "the connection was reset" })
const down = new VenueUnavailable({ message: "connection refused" })

const place = (venue: FakeVenue["Type"]) => (request: OrderRequest, beforeSend: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const { mood } = venue
    if (mood.type === "noBudget") return yield* mood.failure
    if (mood.type === "unreachable") return yield* down
    if (mood.type === "waitBefore")
      yield* Effect.zipRight(Deferred.succeed(venue.reached, undefined), Effect.interruptible(mood.until))
    yield* beforeSend
    venue.posts.push(request)
    if (mood.type === "late") {
      yield* Effect.zipRight(Deferred.succeed(venue.reached, undefined), mood.until)
      yield* beforeSend
      venue.posts.push(request)
    }
    if (mood.type === "refuse")
      return yield* new VenueRefused({ message: `refused ${mood.code}`, code: mood.code, kind: mood.kind })
    if (mood.type === "loseRequest") return yield* lost
    const exchangeOrderId = book(venue, request, request.price ?? Decimal.unsafe("100"), mood.type !== "rest")
    if (mood.type === "loseAnswer") return yield* lost
    if (mood.type === "waitAfter") yield* Effect.zipRight(Deferred.succeed(venue.reached, undefined), mood.until)
    return { exchangeOrderId, transactTime: 10 }
  }).pipe(Effect.uninterruptible)

const answering = <A>(venue: FakeVenue["Type"], what: string, answer: () => A) =>
  Effect.suspend(() => {
    venue.asked.push(what)
    return venue.isDown ? Effect.fail(down) : Effect.succeed(answer())
  })

export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const venue = FakeVenue.of({
      mood: { type: "fill" },
      isDown: false,
      isOdd: false,
      unreadable: null,
      pace: () => Effect.void,
      refusesFills: false,
      accounts: new Map(),
      posts: [],
      orders: new Map(),
      fills: [],
      asked: [],
      reached: yield* Deferred.make<void>()
    })
    const all = () => [...venue.orders.values()]
    const listed = <A>(rows: ReadonlyArray<A>) => ({ rows, complete: !venue.isOdd })
    const client = yield* Effect.map(
      Layer.build(
        Layer.mock(MexcClient, {
          placeOrder: (_, request, beforeSend) => place(venue)(request, beforeSend),
          order: ({ userId }, _, id) =>
            Effect.zipRight(
              venue.pace(userId),
              id === venue.unreadable
                ? Effect.fail(down)
                : answering(venue, "order", () => Option.fromNullable(venue.orders.get(id)))
            ),
          uid: ({ accessKey }) => answering(venue, "uid", () => venue.accounts.get(accessKey) ?? "the-account"),
          orderByExchangeId: (_, __, id) =>
            answering(venue, "order", () =>
              Option.fromNullable(all().find(({ exchangeOrderId }) => exchangeOrderId === id))
            ),
          openOrders: () =>
            answering(venue, "openOrders", () => listed(all().filter(({ status }) => status === "open"))),
          allOpenOrders: () =>
            answering(venue, "openOrders", () => listed(all().filter(({ status }) => status === "open"))),
          allOrders: () => answering(venue, "allOrders", () => listed(all())),
          fills: (_, { exchangeOrderId }) =>
            venue.refusesFills
              ? Effect.fail(new VenueRefused({ message: "invalid symbol", code: -1121, kind: "input" }))
              : answering(venue, "fills", () =>
                  listed(
                    venue.fills.filter(
                      (fill) => exchangeOrderId === undefined || fill.exchangeOrderId === exchangeOrderId
                    )
                  )
                ),
          cancelOrder: (_, __, id) =>
            answering(venue, "cancel", () => {
              const order = venue.orders.get(id)
              if (order?.status === "open") venue.orders.set(id, { ...order, status: "cancelled", at: 20 })
            })
        })
      ),
      Context.get(MexcClient)
    ).pipe(Effect.scoped)
    return Context.make(FakeVenue, venue).pipe(Context.add(MexcClient, client))
  })
)
