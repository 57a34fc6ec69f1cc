import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Context, Effect, Layer, Option, Schedule, Schema, Scope } from "effect"
import { stdout } from "node:process"
import manifest from "../package.json" with { type: "json" }
import { Accounts } from "./accounts/Accounts.ts"
import { ApiKeys } from "./accounts/ApiKeys.ts"
import { CredentialVault } from "./accounts/CredentialVault.ts"
import * as KeyChecks from "./accounts/KeyChecks.ts"
import { KeyFreezes } from "./accounts/KeyFreezes.ts"
import { MasterKeyRotation } from "./accounts/MasterKeyRotation.ts"
import { KeyRing } from "./accounts/secrets/KeyRing.ts"
import { UsersRepo } from "./accounts/UsersRepo.ts"
import * as Autobuy from "./autobuy/Autobuy.ts"
import { RulesRepo } from "./autobuy/RulesRepo.ts"
import { RuleTransfer } from "./autobuy/transfer/RuleTransfer.ts"
import { Config, type Settings } from "./Config.ts"
import { certificateOf } from "./http/edge/certificateFiles.ts"
import { Listening } from "./http/edge/Listening.ts"
import { HttpServer } from "./http/HttpServer.ts"
import { Candles } from "./market/Candles.ts"
import { Market } from "./market/Market.ts"
import { OrderBooks } from "./market/OrderBooks.ts"
import { RollingHigh } from "./market/RollingHigh.ts"
import { Symbols } from "./market/Symbols.ts"
import { TickerReader } from "./market/feed/TickerReader.ts"
import { TickerHub } from "./market/TickerHub.ts"
import { Tickers } from "./market/Tickers.ts"
import { MarketClock } from "./MarketClock.ts"
import { BudgetMemory } from "./mexc/budget/BudgetMemory.ts"
import { defaultLimits } from "./mexc/budget/Pools.ts"
import { ContractDrift } from "./mexc/ContractDrift.ts"
import { MexcClient } from "./mexc/MexcClient.ts"
import { MexcStream } from "./mexc/MexcStream.ts"
import { RateBudget } from "./mexc/RateBudget.ts"
import { Outbound } from "./notify/Outbound.ts"
import { Inquiry } from "./orders/Inquiry.ts"
import { Halts } from "./orders/limits/Halts.ts"
import { LimitsRepo } from "./orders/limits/LimitsRepo.ts"
import { TradingLimits } from "./orders/limits/TradingLimits.ts"
import { OrderChanges } from "./orders/OrderChanges.ts"
import { Orders } from "./orders/Orders.ts"
import { OrdersRepo } from "./orders/OrdersRepo.ts"
import { Reconciled } from "./orders/reconcile/Reconciled.ts"
import { VenueAccounts } from "./orders/reconcile/VenueAccounts.ts"
import { Reconciler } from "./orders/Reconciler.ts"
import { RiskInputs } from "./orders/RiskInputs.ts"
import { Submission } from "./orders/Submission.ts"
import { UserFeed } from "./orders/UserFeed.ts"
import { PaperExchange, type PaperExchangeOptions } from "./paper/PaperExchange.ts"
import { Books } from "./portfolio/Books.ts"
import { Ledger } from "./portfolio/Ledger.ts"
import { Valuations } from "./portfolio/Valuations.ts"
import { Wallets } from "./portfolio/Wallets.ts"
import { ClerkComparison } from "./service/ClerkComparison.ts"
import { ClerkEvents } from "./service/ClerkEvents.ts"
import * as Auditing from "./service/Auditing.ts"
import { Closing } from "./service/Closing.ts"
import { Halting } from "./service/Halting.ts"
import * as Leaving from "./service/Leaving.ts"
import { Gauges } from "./service/Gauges.ts"
import * as Heartbeat from "./service/Heartbeat.ts"
import { Limiting } from "./service/Limiting.ts"
import * as Logging from "./service/Logging.ts"
import { Readiness } from "./service/Readiness.ts"
import { Snapshots } from "./service/Snapshots.ts"
import * as Telemetry from "./service/Telemetry.ts"
import { UserStates } from "./service/UserStates.ts"
import * as VenueTimeCheck from "./service/VenueTimeCheck.ts"
import { Vitals } from "./service/Vitals.ts"
import { signIn } from "./SignIn.ts"
import { actingAs, service as asService } from "./store/audit/acting.ts"
import { Audit } from "./store/Audit.ts"
import { Cache } from "./store/Cache.ts"
import { Database } from "./store/Database.ts"
import { Events } from "./store/Events.ts"
import { Idempotency } from "./store/Idempotency.ts"
import * as InstanceLease from "./store/InstanceLease.ts"
import * as Migrations from "./store/Migrations.ts"
import { Ownership } from "./store/Ownership.ts"
import { Patience } from "./store/Patience.ts"
import { type PaperStory, refusedUpstream, upstreamOf, venue, venueBeside, venueOf } from "./Venue.ts"

/** The composition root: which layer stands behind each tag, and in which order they start and stop. */

const configured = <A, E, R>(make: (settings: Settings) => Layer.Layer<A, E, R>) =>
  Layer.unwrapEffect(Effect.map(Config, make))

export const database = configured(({ databaseAuthToken, databaseUrl }) =>
  Database.layer({ url: databaseUrl, authToken: databaseAuthToken })
)

/** The database at this version's schema. */
export const storage = configured((settings) => Migrations.layer({ venue: venueOf(settings) })).pipe(
  Layer.provideMerge(database)
)

/** The same for a command; a server may run on it. */
export const sharedStorage = Layer.provide(storage, Patience.layerCommand)

/** The venue's client, inside its rate budget. */
const venueClient = configured((settings) =>
  MexcClient.layer.pipe(
    Layer.provideMerge(ContractDrift.layer),
    Layer.provideMerge(
      RateBudget.layer({
        ...defaultLimits,
        ipWeight: settings.mexcIpWeight,
        uidWeight: settings.mexcUidWeight,
        requestsPerSecond: settings.mexcRequestsPerSecond,
        ordersPerSecond: settings.mexcOrdersPerSecond
      }).pipe(Layer.provide(BudgetMemory.layerFile(settings.dataDir)))
    )
  )
).pipe(Layer.provide(NodeHttpClient.layerUndici))

const keyRing = configured(({ dataDir, masterKeys }) => KeyRing.layer({ dataDir, masterKeys }))

/** What `keys`, `credentials` and `master-key` need; works while a server runs on the same data. */
export const offline = Layer.mergeAll(ApiKeys.layer, CredentialVault.layer, MasterKeyRotation.layer).pipe(
  Layer.provideMerge(UsersRepo.layer),
  Layer.provide([keyRing, venueClient, KeyFreezes.layer]),
  Layer.provide(Events.layer),
  Layer.provide([sharedStorage, configured(venueBeside), MarketClock.layer]),
  Layer.provide(Config.layer)
)

/** What `rules` needs; works while a server runs on the same data, because drafts run nowhere. */
export const offlineRules = configured(({ maxRulesPerUser }) => RuleTransfer.layer({ maxRulesPerUser })).pipe(
  Layer.provide(RulesRepo.layer),
  Layer.provideMerge(UsersRepo.layer),
  Layer.provide(Events.layer),
  Layer.provide([sharedStorage, MarketClock.layer]),
  Layer.provide(Config.layer)
)

/** What `halt`, `limits` and `users` need; works while a server runs on the same data. */
export const beside = Layer.mergeAll(UserStates.layer, LimitsRepo.layer, UsersRepo.layer).pipe(
  Layer.provideMerge(Halts.layer),
  Layer.provide(Events.layer),
  Layer.provide([sharedStorage, MarketClock.layer]),
  Layer.provide(Config.layer)
)

/** What `audit` needs; works while a server runs on the same data. */
export const trail = Layer.mergeAll(Audit.layer, UsersRepo.layer).pipe(
  Layer.provideMerge(sharedStorage),
  Layer.provide(Config.layer)
)

const auth = configured(signIn)

const accounts = Layer.mergeAll(ApiKeys.layer, auth, Accounts.layer).pipe(
  Layer.provideMerge(CredentialVault.layer),
  Layer.provideMerge(KeyFreezes.layer),
  Layer.provide(keyRing)
)

const symbols = configured(({ listingPoll }) => Symbols.layerWith({ poll: listingPoll }))

const market = Layer.mergeAll(Market.layer, RollingHigh.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Tickers.layer, Candles.layer, symbols, OrderBooks.layer)),
  Layer.provideMerge(TickerHub.layer),
  Layer.provide([TickerReader.layer, Cache.layerMemory])
)

const portfolio = Layer.mergeAll(Wallets.layer, Valuations.layer).pipe(
  Layer.provideMerge(Ledger.layer),
  Layer.provideMerge(Books.layer)
)

const firewall = Layer.mergeAll(Halts.layer, TradingLimits.layer).pipe(Layer.provideMerge(LimitsRepo.layer))

/** Who watches the venue: the owner of trading, and nobody in its place. */
const watching = Layer.mergeAll(Reconciler.layer, UserFeed.layer)
const standingBy = Layer.mergeAll(Reconciler.layerIdle, UserFeed.layerIdle)

const ordersWith = (watch: typeof watching | typeof standingBy) =>
  Layer.mergeAll(Orders.layer, watch).pipe(
    Layer.provide([RiskInputs.layer, Inquiry.layer, Submission.layer, Idempotency.layer]),
    Layer.provide([Reconciled.layer, VenueAccounts.layer]),
    Layer.provide(OrdersRepo.layer),
    Layer.provide(OrderChanges.layer),
    Layer.provideMerge(firewall)
  )

/** What every instance has, whether it trades or stands by: the venue, its market, the users and their books. */
const grounds = (story: PaperStory) =>
  configured((settings) =>
    portfolio.pipe(
      Layer.provideMerge(market),
      Layer.provideMerge(accounts),
      Layer.provideMerge(MexcStream.layer),
      Layer.provideMerge(settings.exchange === "mexc" ? VenueTimeCheck.layer : Layer.empty),
      Layer.provideMerge(venueClient),
      Layer.provideMerge(Layer.merge(Events.layer, Audit.layer)),
      Layer.provideMerge(venue(settings, story))
    )
  )

/** Trading, and in front of it the API: built anew with each ownership, so that taking over is a start. */
const front = (watch: typeof watching | typeof standingBy) =>
  configured((settings) =>
    api.pipe(
      Layer.provide([
        Readiness.layer({ version: manifest.version }),
        Gauges.layer({ version: manifest.version }).pipe(
          Layer.provide(OrdersRepo.layer.pipe(Layer.provide(OrderChanges.layer)))
        ),
        Snapshots.layer,
        Halting.layer,
        Limiting.layer,
        Closing.layer,
        Leaving.layer,
        KeyChecks.layer,
        ClerkEvents.layer,
        Heartbeat.layer(settings.heartbeatUrl).pipe(Layer.provide(Outbound.layer))
      ]),
      Layer.provide(ClerkComparison.layer),
      Layer.provide(Vitals.layer),
      Layer.provide(UserStates.layer),
      Layer.provideMerge(Autobuy.layer({ maxRulesPerUser: settings.maxRulesPerUser })),
      Layer.provideMerge(ordersWith(watch))
    )
  )

const auditing = Auditing.layer.pipe(Layer.provide(Audit.layer))

const tlsOf = ({ tlsCertFile: cert, tlsKeyFile: key }: Settings) =>
  cert === null || key === null ? Effect.succeed(null) : certificateOf({ cert, key })

const api = Layer.unwrapEffect(
  Effect.gen(function* () {
    const settings = yield* Config
    const tls = yield* tlsOf(settings)
    return HttpServer.layer({
      host: settings.host,
      port: settings.port,
      venue: venueOf(settings),
      version: manifest.version,
      ratePerMinute: settings.apiRatePerMinute,
      corsOrigins: settings.corsOrigins,
      trustProxy: settings.trustProxy,
      metricsPort: settings.metricsPort,
      traces: settings.otlpEndpoint !== null,
      tls
    })
  })
)

/** One instance alone, with everything in it; a second one on the same folder is refused. */
export const service = (story: PaperStory = {}) =>
  configured(({ dataDir }) =>
    front(watching).pipe(
      Layer.provide(Listening.layerOnce),
      Layer.provideMerge(grounds(story)),
      Layer.provideMerge(auditing),
      // Before the paper exchange opens its journal: the folder must be ours, of this venue and of nobody else now.
      Layer.provideMerge(InstanceLease.layer({ dataDir })),
      Layer.provideMerge(storage)
    )
  )

const tellReady = (settings: Settings, url: string) =>
  Effect.zipRight(greet(settings, url), Console.log(`dipper ready ${url} exchange=${settings.exchange}`))

/** Another instance trades now, and this one cannot stand by: the paper exchange inside it has only one owner. */
export class Overtaken extends Schema.TaggedError<Overtaken>()("Overtaken", { message: Schema.String }) {}

const serveAlone = Effect.gen(function* () {
  yield* tellReady(yield* Config, (yield* HttpServer).url)
  yield* Effect.raceFirst((yield* Ownership).lost, (yield* Database).lost)
  return yield* new Overtaken({ message: "another instance has taken over this data directory; this one stops" })
}).pipe(Effect.provide(service()))

/** A database that is away for a moment must not end an instance that waits for its turn. */
const untilStored = Schedule.spaced("1 second")

/** A role that could not be taken, told in the log each time. The port stays ours and answers meanwhile. */
const untilAble = Schedule.exponential("500 millis").pipe(Schedule.union(Schedule.spaced("10 seconds")))

/**
 * Instances that share a database and an exchange take turns: one trades, the others serve reads and wait. Who waits
 * serves until the lease is its own; to trade is then a start, with all that a start repairs. Only the first turn can
 * fail for good: an instance that has served goes on, because the next owner may need it.
 */
const serveShared = Effect.gen(function* () {
  const settings = yield* Config
  const lease = yield* InstanceLease.InstanceLease
  let hasServed = false
  const serveAs = Effect.fnUntraced(function* (
    ownership: Ownership["Type"],
    watch: typeof watching | typeof standingBy
  ) {
    // Before it trades, as a start alone would.
    const beneath = watch === watching ? auditing : Layer.empty
    const layers = front(watch).pipe(
      Layer.provideMerge(beneath),
      Layer.provideMerge(Layer.succeed(Ownership, ownership))
    )
    const { url } = Context.get(yield* Layer.build(layers), HttpServer)
    if (!hasServed) yield* tellReady(settings, url)
    hasServed = true
  })
  const turn = Effect.gen(function* () {
    const take = Effect.provideService(lease.take, Scope.Scope, yield* Effect.scope)
    const standBy = Effect.gen(function* () {
      yield* serveAs(lease.standby, standingBy)
      yield* Effect.logInfo("Another instance owns trading; this one stands by")
      while (true) {
        yield* lease.free
        const taken = yield* Effect.retry(take, untilStored)
        if (taken._tag === "Ours") return taken.ownership
      }
    })
    // A database that cannot be written now, as while a suspended process is in the middle of it, can still be read.
    const taken = yield* hasServed ? Effect.option(take) : Effect.asSome(Effect.retry(take, untilStored))
    const isOurs = Option.isSome(taken) && taken.value._tag === "Ours"
    const ownership = isOurs ? taken.value.ownership : yield* Effect.scoped(standBy)
    yield* serveAs(ownership, watching)
    yield* Effect.logInfo("This instance owns trading")
    yield* ownership.lost
  })
  return yield* Effect.scoped(turn).pipe(
    Effect.sandbox,
    Effect.tapError((cause) =>
      hasServed ? Effect.logError("This instance could not take its role; trying again", cause) : Effect.void
    ),
    Effect.retry({ schedule: untilAble, while: () => hasServed }),
    Effect.unsandbox,
    Effect.forever,
    Effect.raceFirst((yield* Database).lost)
  )
}).pipe(
  Effect.provide(
    Listening.layerKept.pipe(
      Layer.provideMerge(grounds({})),
      Layer.provideMerge(InstanceLease.InstanceLease.layer),
      Layer.provideMerge(storage)
    )
  )
)

const hasEmbeddedExchange = (settings: Settings) => settings.exchange === "paper" && settings.paperUrl === null

const telemetry = configured(({ otlpEndpoint }) =>
  Telemetry.layer({ endpoint: otlpEndpoint, version: manifest.version })
)

/** The service; ends by signal. */
export const serve = Effect.flatMap(Config, (settings) =>
  hasEmbeddedExchange(settings) ? serveAlone : serveShared
).pipe(
  actingAs(() => asService),
  Effect.provide(telemetry.pipe(Layer.provideMerge(configured(Logging.layer)), Layer.provideMerge(Config.layer)))
)

/** For a person at a terminal: how to get in, and what the prices are. */
const greet = (settings: Settings, url: string) =>
  stdout.isTTY
    ? Console.log(
        [
          `export KEY=$(npm run -s dipper -- keys create --user me --scopes read,trade,manage)`,
          `curl -s -H "Authorization: Bearer $KEY" ${url}/api/v1/account/wallet`,
          `curl -s -X POST ${url}/api/v1/trading/rules -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\`,
          `  -H "Idempotency-Key: my-first-dip-rule" -d '{"symbol":"BTCUSDT","trigger":{"type":"price.drop","percent":"8",` +
            `"from":{"type":"highOf","window":"PT24H"}},"size":{"type":"quote","amount":"50"},"limits":{"total":"1000"}}'`,
          ...(settings.exchange === "paper" && settings.paperUrl === null && settings.paperMarket === "synthetic"
            ? ["synthetic prices, not real"]
            : [])
        ].join("\n")
      )
    : Effect.void

/** The paper exchange alone; ends by signal. */
export const servePaper = Effect.fn("App.servePaper")(function* (options: PaperExchangeOptions) {
  // Only a mirror has anything to do with the settings.
  const upstream = options.market === "mirror" ? upstreamOf(yield* Effect.provide(Config, Config.layer)) : undefined
  const exchange = PaperExchange.layer(upstream === undefined ? options : { ...options, upstream }).pipe(
    Layer.mapError((failure) => (failure._tag === "MirrorUnavailable" ? refusedUpstream(failure) : failure))
  )
  return yield* Effect.flatMap(PaperExchange, ({ url, wsUrl }) =>
    Effect.zipRight(Console.log(`paper exchange ready ${url} stream ${wsUrl}`), Effect.never)
  ).pipe(Effect.provide(exchange))
})
