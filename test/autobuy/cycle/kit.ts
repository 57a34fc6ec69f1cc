import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Layer, Redacted, Schedule, Schema, Stream } from "effect"
import { Accounts } from "../../../src/accounts/Accounts.ts"
import { CredentialVault } from "../../../src/accounts/CredentialVault.ts"
import * as Autobuy from "../../../src/autobuy/Autobuy.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { RuleId, UserId } from "../../../src/domain/Ids.ts"
import { RuleRequest } from "../../../src/domain/Rule.ts"
import { RuleRecords } from "../../../src/autobuy/RuleRecords.ts"
import { Rules } from "../../../src/autobuy/Rules.ts"
import { Candles } from "../../../src/market/Candles.ts"
import { RollingHigh } from "../../../src/market/RollingHigh.ts"
import { Symbols } from "../../../src/market/Symbols.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import * as VenueClock from "../../../src/market/VenueClock.ts"
import { defaultLimits } from "../../../src/mexc/budget/Pools.ts"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { RateBudget } from "../../../src/mexc/RateBudget.ts"
import { MexcEndpoint } from "../../../src/mexc/wire/Endpoint.ts"
import { Inquiry } from "../../../src/orders/Inquiry.ts"
import { OrderChanges } from "../../../src/orders/OrderChanges.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { OrdersRepo } from "../../../src/orders/OrdersRepo.ts"
import { Reconciler } from "../../../src/orders/Reconciler.ts"
import { Reconciled } from "../../../src/orders/reconcile/Reconciled.ts"
import { VenueAccounts } from "../../../src/orders/reconcile/VenueAccounts.ts"
import { RiskInputs } from "../../../src/orders/RiskInputs.ts"
import { Submission } from "../../../src/orders/Submission.ts"
import { UserFeed } from "../../../src/orders/UserFeed.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { Cache } from "../../../src/store/Cache.ts"
import { Events } from "../../../src/store/Events.ts"
import { Idempotency } from "../../../src/store/Idempotency.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import { ann, d } from "../../orders/kit/orders.ts"
import { unlimited } from "../../orders/kit/layers.ts"

const accessKey = "mx0cycle-test"
const secretKey = Redacted.make("0123456789abcdef0123456789abcdef")

const Body = Schema.parseJson(Schema.Unknown)

/** An exchange whose prices and whose clock only the test moves; it outlives the service. */
export const venue = Effect.gen(function* () {
  const context = yield* Layer.build(
    PaperExchange.layer({
      host: "127.0.0.1",
      port: 0,
      market: "still",
      speed: 0,
      seed: 1,
      accounts: [{ accessKey, secretKey, balances: { USDT: d("10000") } }],
      control: true,
      dataDir: null
    })
  )
  const { url, wsUrl } = yield* Effect.provide(PaperExchange, context)
  const control = (method: string, path: string, body?: object) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}/paper/v1/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } })
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
      return text
    })
  return {
    url,
    wsUrl,
    price: (price: number | string) =>
      control("POST", "price", { symbol: "BTCUSDT", price: String(price), quantity: "5" }),
    advance: (ms: number) => control("POST", "advance", { ms }),
    fault: (type: string, more: object = {}) => control("POST", "faults", { faults: [{ type, count: 1, ...more }] }),
    /** An order made elsewhere with the user's key. */
    sell: (quantity: string) =>
      control("POST", "orders", { accessKey, symbol: "BTCUSDT", side: "sell", type: "market", quantity }),
    orders: Effect.map(control("GET", "journal"), (text) =>
      text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => Schema.decodeUnknownSync(Body)(line))
    )
  }
})
export type Venue = Effect.Effect.Success<typeof venue>

const accounts = Layer.mergeAll(
  Layer.mock(Accounts, { isReady: () => true, listActive: Effect.succeed<ReadonlyArray<UserId>>([ann]) }),
  Layer.mock(CredentialVault, {
    get: (userId) => Effect.succeed({ userId, accessKey, secretKey }),
    changes: Stream.never
  })
)

const user = Layer.effectDiscard(
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`INSERT INTO users ${sql.insert({ user_id: ann, created_at: 0 })} ON CONFLICT DO NOTHING`
  )
)

/** Where prices come from; a test may put itself in between. */
interface Sources {
  readonly stream: typeof MexcStream.layer
  readonly reader: typeof TickerReader.layer
}
const sources: Sources = { stream: MexcStream.layer, reader: TickerReader.layer }

const history = RollingHigh.layer.pipe(Layer.provideMerge(Candles.layer), Layer.provide(Cache.layerMemory))

const ground = (folder: string, { url, wsUrl }: Pick<Venue, "url" | "wsUrl">, { reader, stream }: Sources) =>
  history.pipe(
    Layer.provideMerge(TickerHub.layer.pipe(Layer.provide(reader))),
    Layer.provideMerge(Symbols.layer),
    Layer.provideMerge(accounts),
    Layer.provideMerge(stream),
    Layer.provideMerge(MexcClient.layer),
    Layer.provide([ContractDrift.layer, RateBudget.layer(defaultLimits)]),
    Layer.provideMerge(Events.layer),
    Layer.provideMerge(VenueClock.layer),
    Layer.provide(Layer.succeed(MexcEndpoint, MexcEndpoint.make(url, wsUrl))),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(user),
    Layer.provideMerge(TestDatabase.layerAt(folder))
  )

/** The service without its API, on a database that outlives it. */
export const service = (folder: string, { url, wsUrl }: Venue, from = sources) =>
  Autobuy.layer({ maxRulesPerUser: 50 }).pipe(
    Layer.provideMerge(Layer.mergeAll(Orders.layer, UserFeed.layer, Reconciler.layer)),
    Layer.provide([RiskInputs.layer, Inquiry.layer, Submission.layer, Idempotency.layer]),
    Layer.provide([VenueAccounts.layer, Reconciled.layer]),
    Layer.provide(OrdersRepo.layer),
    Layer.provide(OrderChanges.layer),
    Layer.provide(unlimited),
    Layer.provideMerge(Wallets.layer),
    Layer.provideMerge(Ledger.layer),
    Layer.provideMerge(Books.layer),
    Layer.provideMerge(ground(folder, { url, wsUrl }, from)),
    Layer.orDie
  )

type Services = Layer.Layer.Success<ReturnType<typeof service>>

/** One life of the service: what happens in it, and its end. */
export const life = <A, E>(folder: string, at: Venue, effect: Effect.Effect<A, E, Services>, from = sources) =>
  Effect.scoped(
    Effect.flatMap(Layer.build(Layer.fresh(service(folder, at, from))), (context) =>
      Effect.provide(
        Effect.gen(function* () {
          yield* (yield* Reconciler).ready
          const feed = yield* UserFeed
          yield* eventually("the private stream", feed.isLive(ann), (live) => live)
          return yield* effect
        }),
        context
      )
    )
  )

/** Asks again until it holds. */
export const eventually = <A, E, R>(what: string, ask: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  ask.pipe(
    Effect.filterOrFail(holds, (value) => `${what}: still ${JSON.stringify(value, null, 1)}`),
    Effect.retry(Schedule.spaced("25 millis").pipe(Schedule.upTo("12 seconds")))
  )

let keys = 0
/** A rule that fires by hand, with a base buy of 100 USDT. */
export const makeRule = (changes: Readonly<Record<string, unknown>>) =>
  Effect.gen(function* () {
    const request = Schema.decodeUnknownSync(RuleRequest)({
      symbol: "BTCUSDT",
      trigger: { type: "manual" },
      size: { type: "quote", amount: "100" },
      limits: { total: "5000" },
      ...changes
    })
    const key = { idempotencyKey: `cycle-test-key-${keys++}`, bodyHash: "a" }
    const { rule } = yield* (yield* Rules).create(ann, request, key)
    return rule.id
  })

export const buy = (id: RuleId) =>
  Effect.gen(function* () {
    const { execution } = yield* (yield* Rules).run(ann, id, { idempotencyKey: `cycle-test-run-${keys++}-key` })
    return execution
  })

/** `kind level outcome`, oldest first. */
export const executions = (id: RuleId) =>
  Effect.gen(function* () {
    const { items } = yield* (yield* RuleRecords).executionsOf(ann, id, { limit: 100 })
    return [...items].reverse().map((one) => `${one.kind} ${one.level} ${one.outcome ?? one.state}`)
  })

/** `side price status` of what waits at the venue. */
export const resting = (id: RuleId) =>
  Effect.gen(function* () {
    const orders = yield* (yield* Orders).openOfRule(ann, id)
    return orders
      .filter((order) => order.status !== "pending")
      .map((order) => `${order.side} ${Decimal.format(order.price ?? Decimal.zero)} ${order.status}`)
      .toSorted()
  })

export const stateOf = (id: RuleId) =>
  Effect.flatMap(Rules, (rules) =>
    Effect.map(rules.get(ann, id), (rule) => `${rule.state} ${rule.pauseReason?.code ?? ""}`.trim())
  )

export const held = (id: RuleId) =>
  Effect.flatMap(RuleRecords, (records) =>
    Effect.map(records.position(ann, id), ({ quantity }) => Decimal.format(quantity))
  )

export const is =
  <A>(expected: A) =>
  (value: A): boolean =>
    JSON.stringify(value) === JSON.stringify(expected)
