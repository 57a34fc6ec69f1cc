import * as SqlClient from "@effect/sql/SqlClient"
import { Duration, Effect, Option, Schedule, Schema, Stream } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { ClientOrderId } from "../../../src/domain/Ids.ts"
import type { Order } from "../../../src/domain/order/Order.ts"
import { isTerminal } from "../../../src/domain/order/Order.ts"
import { PlaceOrder } from "../../../src/domain/order/PlaceOrder.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { Reconciler } from "../../../src/orders/Reconciler.ts"
import { UserFeed } from "../../../src/orders/UserFeed.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { alice, makeClient } from "../../paper/kit/SignedClient.ts"
import { credentials, symbol, user } from "./world.ts"

/** One wish of the user, and what our side says became of it. */
export interface Intent {
  readonly name: string
  readonly clientOrderId: string | null
  /** `refused`: our side is sure that no order exists. */
  readonly said: "order" | "refused"
}

export const operator = Effect.map(PaperExchange, ({ url }) => makeClient(url, alice.accessKey, alice.secretKey))

export const planFaults = (faults: ReadonlyArray<object>) =>
  Effect.flatMap(operator, ({ control }) => control("POST", "/paper/v1/faults", { faults })).pipe(
    Effect.filterOrDieMessage(({ status }) => status === 200, "the faults were not accepted")
  )

const patience = Duration.seconds(25)
const asking = Schedule.spaced("50 millis").pipe(Schedule.upTo(patience))
const again = Schedule.spaced("200 millis").pipe(Schedule.upTo(patience))

/** Real time, within patience. */
export const until = <A, E, R>(what: string, ask: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  ask.pipe(
    Effect.filterOrFail(holds, (value) => `${what}: still ${JSON.stringify(value)}`),
    Effect.retry(asking),
    Effect.orDie
  )

const mayComeLater = new Set(["EXCHANGE_UNAVAILABLE", "EXCHANGE_RATE_LIMITED", "STALE_MARKET_DATA"])

const placeBody = Schema.decodeUnknownSync(PlaceOrder)
const idOf = Schema.decodeSync(ClientOrderId)

/** A user's order through the service, repeated with its key for as long as the answer says that nothing exists yet. */
const place = (name: string, body: typeof PlaceOrder.Encoded) =>
  Effect.flatMap(Orders, (orders) =>
    orders.place(user, placeBody(body), { idempotencyKey: `key-${name}-0123456789`, bodyHash: name }).pipe(
      Effect.retry({ schedule: again, while: (failure) => mayComeLater.has(failure._tag) }),
      Effect.map(({ order }) => Option.some(order)),
      Effect.catchTags({
        ORDER_REJECTED: () => Effect.succeed(Option.none<Order>()),
        INSUFFICIENT_BALANCE: () => Effect.succeed(Option.none<Order>()),
        SYMBOL_NOT_TRADABLE: () => Effect.succeed(Option.none<Order>()),
        BELOW_MINIMUM: () => Effect.succeed(Option.none<Order>())
      }),
      Effect.orDie
    )
  )

const asIntent = (name: string, order: Option.Option<Order>): Intent =>
  Option.match(order, {
    onNone: () => ({ name, clientOrderId: null, said: "refused" }),
    onSome: ({ clientOrderId }) => ({ name, clientOrderId, said: "order" })
  })

/** A market order that has ended, or of which nobody knows yet. */
const trade = (name: string, body: typeof PlaceOrder.Encoded) =>
  Effect.gen(function* () {
    const order = yield* place(name, { waitMs: 3_000, ...body })
    return asIntent(name, order)
  })

/** The kinds our service does not place: straight through the client, asked about when the answer was lost. */
const direct = (
  name: string,
  order: Omit<Parameters<typeof MexcClient.Service.placeOrder>[1], "clientOrderId" | "symbol">
) =>
  Effect.gen(function* () {
    const client = yield* MexcClient
    const clientOrderId = idOf(`dpDirect${name}`)
    const exists = client.order(credentials, symbol, clientOrderId).pipe(
      Effect.retry(again),
      Effect.filterOrFail(Option.isSome, () => "not there"),
      Effect.retry(Schedule.spaced("500 millis").pipe(Schedule.upTo("6 seconds")))
    )
    return yield* client.placeOrder(credentials, { ...order, symbol, clientOrderId }, Effect.void).pipe(
      Effect.retry({
        schedule: again,
        while: ({ _tag }) => _tag === "VenueUnavailable" || _tag === "VenueRateLimited" || _tag === "BudgetUnavailable"
      }),
      Effect.as<Intent>({ name, clientOrderId, said: "order" }),
      Effect.catchTag("OutcomeUnknown", () =>
        Effect.match(exists, {
          onSuccess: (): Intent => ({ name, clientOrderId, said: "order" }),
          onFailure: (): Intent => ({ name, clientOrderId, said: "refused" })
        })
      ),
      Effect.catchTag("VenueRefused", () => Effect.succeed<Intent>({ name, clientOrderId, said: "refused" })),
      Effect.orDie
    )
  })

const cancel = (order: Option.Option<Order>) =>
  Effect.flatMap(Orders, (orders) =>
    Option.match(order, {
      onNone: () => Effect.void,
      onSome: ({ id }) =>
        orders.cancel(user, id).pipe(
          Effect.filterOrFail(
            ({ status }) => isTerminal(status),
            ({ status }) => `still ${status}`
          ),
          Effect.retry(again),
          // What nobody knows of cannot be cancelled; the end of the scenario judges it.
          Effect.ignore
        )
    })
  )

const cancelDirect = (intent: Intent) =>
  Effect.flatMap(MexcClient, (client) =>
    intent.said === "refused" || intent.clientOrderId === null
      ? Effect.void
      : client
          .cancelOrder(credentials, symbol, idOf(intent.clientOrderId))
          .pipe(Effect.retry(again), Effect.orDie, Effect.asVoid)
  )

/** Until the service follows its user's account. */
export const begin = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.orDie(sql`INSERT INTO users ${sql.insert({ user_id: user, created_at: 0 })}`)
  yield* (yield* Reconciler).ready
  yield* isLive
})

const isLive = Effect.flatMap(UserFeed, (feed) => until("the feed is live", feed.isLive(user), (live) => live))

const bidNow = Effect.flatMap(TickerHub, (hub) =>
  Effect.map(Effect.orDie(Effect.retry(hub.latest(symbol), again)), ({ bid }) => bid)
)
const share = (price: Decimal.Decimal, of: string) =>
  Decimal.format(Decimal.quantise(Decimal.multiply(price, Decimal.unsafe(of)), Decimal.unsafe("0.01"), "floor"))

/** A day at the venue: every kind of order, fills of others' making, money from outside, a lost connection. */
export const scenario = Effect.scoped(
  Effect.gen(function* () {
    const { control } = yield* operator
    const client = yield* MexcClient
    const hub = yield* TickerHub
    const streams = yield* MexcStream
    yield* hub.watch(symbol)
    yield* Effect.forkScoped(Stream.runDrain(streams.market(symbol)))
    const bid = yield* bidNow
    yield* Effect.orDie(Effect.retry(client.orderBook(symbol, 20), again))

    const market = yield* trade("marketBuy", { symbol, side: "buy", type: "market", quoteAmount: "60" })
    const protectedBuy = yield* trade("protectedBuy", {
      symbol,
      side: "buy",
      type: "market",
      quoteAmount: "60",
      maxSlippageBps: 50
    })
    const resting = yield* place("restingBuy", {
      symbol,
      side: "buy",
      type: "limit",
      quoteAmount: "70",
      price: share(bid, "0.98"),
      waitMs: 500
    })
    const patient = yield* place("patientBuy", {
      symbol,
      side: "buy",
      type: "limit",
      quoteAmount: "80",
      price: share(bid, "0.995"),
      waitMs: 500
    })
    const killed = yield* direct("Kill", {
      side: "buy",
      type: "fillOrKill",
      quantity: Decimal.unsafe("0.001"),
      price: Decimal.unsafe(share(bid, "0.99"))
    })
    const filledOrKilled = yield* direct("Fill", {
      side: "buy",
      type: "fillOrKill",
      quantity: Decimal.unsafe("0.001"),
      price: Decimal.unsafe(share(bid, "1.004"))
    })
    const postOnly = yield* direct("Post", {
      side: "sell",
      type: "limitMaker",
      quantity: Decimal.unsafe("0.001"),
      price: Decimal.unsafe(share(bid, "1.01"))
    })
    const taking = yield* direct("Take", {
      side: "sell",
      type: "limitMaker",
      quantity: Decimal.unsafe("0.001"),
      price: Decimal.unsafe(share(bid, "0.99"))
    })
    // The market comes to the patient one, and goes back.
    yield* control("POST", "/paper/v1/price", { symbol, price: share(bid, "0.99"), quantity: "5", takerSide: "sell" })
    yield* control("POST", "/paper/v1/price", { symbol, price: Decimal.format(bid), quantity: "5" })
    yield* cancel(resting)
    yield* cancelDirect(postOnly)
    // The connection ends with the push about it.
    yield* planFaults([{ type: "dropStream", channel: "spot@private", count: 1 }])
    yield* control("POST", "/paper/v1/deposit", { accessKey: credentials.accessKey, asset: "USDT", amount: "123.45" })
    const limitSell = yield* trade("limitSell", {
      symbol,
      side: "sell",
      type: "immediateOrCancel",
      quantity: "0.0004",
      price: share(bid, "0.98")
    })
    const last = yield* trade("lastBuy", { symbol, side: "buy", type: "market", quoteAmount: "40" })
    yield* isLive
    return [
      market,
      protectedBuy,
      asIntent("restingBuy", resting),
      asIntent("patientBuy", patient),
      killed,
      filledOrKilled,
      postOnly,
      taking,
      limitSell,
      last
    ]
  })
)
