import * as FileSystem from "@effect/platform/FileSystem"
import * as Terminal from "@effect/platform/Terminal"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { stdout } from "node:process"
import manifest from "../package.json" with { type: "json" }
import { Accounts } from "./accounts/Accounts.ts"
import { ApiKeys } from "./accounts/ApiKeys.ts"
import { Auth } from "./accounts/Auth.ts"
import { CredentialVault } from "./accounts/CredentialVault.ts"
import { PaperAccounts } from "./accounts/PaperAccounts.ts"
import { KeyRing } from "./accounts/secrets/KeyRing.ts"
import * as Autobuy from "./autobuy/Autobuy.ts"
import { Config, readSettings, type Settings, WrongSetting } from "./Config.ts"
import type { Decimal } from "./domain/Decimal.ts"
import { UserId } from "./domain/Ids.ts"
import { HttpServer } from "./http/HttpServer.ts"
import { Candles } from "./market/Candles.ts"
import { Market } from "./market/Market.ts"
import { OrderBooks } from "./market/OrderBooks.ts"
import { RollingHigh } from "./market/RollingHigh.ts"
import { Symbols } from "./market/Symbols.ts"
import { TickerReader } from "./market/feed/TickerReader.ts"
import { TickerHub } from "./market/TickerHub.ts"
import { Tickers } from "./market/Tickers.ts"
import * as VenueClock from "./market/VenueClock.ts"
import { MarketClock } from "./MarketClock.ts"
import { defaultLimits } from "./mexc/budget/Pools.ts"
import { ContractDrift } from "./mexc/ContractDrift.ts"
import { MexcClient } from "./mexc/MexcClient.ts"
import { MexcStream } from "./mexc/MexcStream.ts"
import { RateBudget } from "./mexc/RateBudget.ts"
import { MexcEndpoint } from "./mexc/wire/Endpoint.ts"
import { Inquiry } from "./orders/Inquiry.ts"
import { OrderChanges } from "./orders/OrderChanges.ts"
import { Orders } from "./orders/Orders.ts"
import { OrdersRepo } from "./orders/OrdersRepo.ts"
import { Reconciler } from "./orders/Reconciler.ts"
import { RiskInputs } from "./orders/RiskInputs.ts"
import { Submission } from "./orders/Submission.ts"
import { UserFeed } from "./orders/UserFeed.ts"
import type { MirrorUnavailable } from "./paper/market/mirror/Mirror.ts"
import { type MarketChoice, PaperExchange, type PaperExchangeOptions } from "./paper/PaperExchange.ts"
import { Books } from "./portfolio/Books.ts"
import { Wallets } from "./portfolio/Wallets.ts"
import * as Demo from "./service/demo/Demo.ts"
import { type Scene, sceneOf } from "./service/demo/Scene.ts"
import * as Logging from "./service/Logging.ts"
import { Readiness } from "./service/Readiness.ts"
import { Cache } from "./store/Cache.ts"
import { Database } from "./store/Database.ts"
import { Events } from "./store/Events.ts"
import { Idempotency } from "./store/Idempotency.ts"
import * as InstanceLease from "./store/InstanceLease.ts"
import * as Migrations from "./store/Migrations.ts"

/** The composition root: which layer stands behind each tag, and in which order they start and stop. */

const configured = <A, E, R>(make: (settings: Settings) => Layer.Layer<A, E, R>) =>
  Layer.unwrapEffect(Effect.map(Config, make))

/** What the database is stamped with for ever: `paper`, or the venue's host. */
const venueOf = (settings: Settings) => (settings.exchange === "paper" ? "paper" : new URL(settings.mexcRestUrl).host)

export const database = configured(({ databaseAuthToken, databaseUrl }) =>
  Database.layer({ url: databaseUrl, authToken: databaseAuthToken })
)

/** The database at this version's schema. */
export const storage = configured((settings) => Migrations.layer({ venue: venueOf(settings) })).pipe(
  Layer.provideMerge(database)
)

export const marketChoice = (text: string): MarketChoice | null =>
  text === "synthetic" || text === "still" || text === "mirror"
    ? text
    : text.startsWith("replay:")
      ? `replay:${text.slice(7)}`
      : null

const endpointOf = (url: string) => MexcEndpoint.layer(url, `${url.replace(/^http/, "ws")}/ws`)

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
      })
    )
  )
).pipe(Layer.provide(NodeHttpClient.layerUndici))

const keyRing = configured(({ dataDir, masterKeys }) => KeyRing.layer({ dataDir, masterKeys }))

/** Where a command that runs beside the server finds the venue. */
const venueBeside = configured((settings) =>
  settings.exchange === "mexc"
    ? MexcEndpoint.layer(settings.mexcRestUrl, settings.mexcWsUrl)
    : endpointOf(settings.paperUrl ?? `http://127.0.0.1:${settings.paperPort}`)
)

/** What `keys` and `credentials` need; works while a server runs on the same data. */
export const offline = Layer.mergeAll(ApiKeys.layer, CredentialVault.layer).pipe(
  Layer.provide([keyRing, venueClient]),
  Layer.provide([storage, venueBeside, MarketClock.layer]),
  Layer.provide(Config.layer)
)

/** A paper exchange on this machine as the venue: its market clock, and accounts on it for new users. */
const paperAt = (url: string, clock: typeof VenueClock.layer = VenueClock.layer) =>
  Layer.mergeAll(PaperAccounts.layerHttp(url), clock).pipe(
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(endpointOf(url))
  )

/** In an invented market at wall speed market time is wall time: nobody need be asked for it. */
const followsWall = ({ paperMarket, paperSpeed }: Settings, { startsAt }: PaperStory) =>
  paperSpeed === 1 && startsAt === undefined && !paperMarket.startsWith("replay:")

const embeddedPaper = (settings: Settings, story: PaperStory) =>
  Layer.unwrapEffect(
    Effect.map(PaperExchange, ({ url }) => paperAt(url, followsWall(settings, story) ? MarketClock.layer : undefined))
  ).pipe(
    Layer.provide(
      PaperExchange.layer({
        host: "127.0.0.1",
        port: settings.paperPort,
        market: marketChoice(settings.paperMarket) ?? "synthetic",
        speed: settings.paperSpeed,
        seed: settings.paperSeed,
        accounts: [],
        control: true,
        dataDir: join(settings.dataDir, "paper"),
        upstream: upstreamOf(settings),
        ...story
      }).pipe(
        // The paper exchange knows no settings; whoever starts the service does.
        Layer.mapError((failure) => {
          const refused = (name: string, example: string) =>
            new WrongSetting({ name, problem: failure.message, example })
          if (failure._tag === "PortTaken") return refused("PAPER_PORT", String(settings.paperPort + 1))
          if (failure._tag === "MirrorUnavailable") return refusedUpstream(failure)
          return failure._tag === "RecordingInvalid" ? refused("PAPER_MARKET", "replay:./BTCUSDT-1m.csv") : failure
        })
      )
    )
  )

/** The venue whose market a paper exchange mirrors. */
const upstreamOf = ({ mexcRestUrl, mexcWsUrl }: Settings) => ({ rest: mexcRestUrl, stream: mexcWsUrl })

const refusedUpstream = ({ message, which }: MirrorUnavailable) => {
  const problem = `the market to mirror cannot be read: ${message}`
  return which === "rest"
    ? new WrongSetting({ name: "MEXC_REST_URL", problem, example: "https://api.mexc.com" })
    : new WrongSetting({ name: "MEXC_WS_URL", problem, example: "wss://wbs-api.mexc.com/ws" })
}

/** What the demo decides about its market. */
type PaperStory = Pick<PaperExchangeOptions, "window" | "startsAt" | "synthetic">

const venue = (settings: Settings, story: PaperStory) => {
  if (settings.exchange === "mexc")
    return Layer.mergeAll(
      MexcEndpoint.layer(settings.mexcRestUrl, settings.mexcWsUrl),
      MarketClock.layer,
      PaperAccounts.layerNone
    )
  if (settings.paperUrl === null) return embeddedPaper(settings, story)
  return paperAt(settings.paperUrl).pipe(
    Layer.mapError(({ message }) => {
      const problem = `${message}; start it first, with --control`
      return new WrongSetting({ name: "PAPER_URL", problem, example: "http://127.0.0.1:3001" })
    })
  )
}

const accounts = Layer.mergeAll(ApiKeys.layer, Auth.layerLocal, Accounts.layer).pipe(
  Layer.provideMerge(CredentialVault.layer),
  Layer.provide(keyRing)
)

const symbols = configured(({ listingPoll }) => Symbols.layerWith({ poll: listingPoll }))

const market = Layer.mergeAll(Market.layer, RollingHigh.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Tickers.layer, Candles.layer, symbols, OrderBooks.layer)),
  Layer.provideMerge(TickerHub.layer),
  Layer.provide([TickerReader.layer, Cache.layerMemory])
)

const portfolio = Wallets.layer.pipe(Layer.provideMerge(Books.layer))

const orders = Layer.mergeAll(Orders.layer, Reconciler.layer, UserFeed.layer).pipe(
  Layer.provide([RiskInputs.layer, Inquiry.layer, Submission.layer, Idempotency.layer]),
  Layer.provide(OrdersRepo.layer),
  Layer.provide(OrderChanges.layer)
)

/** Everything between the database and the API, in the order of the ranks; it stops in the opposite order. */
const capabilities = (story: PaperStory) =>
  configured((settings) =>
    Autobuy.layer({ maxRulesPerUser: settings.maxRulesPerUser }).pipe(
      Layer.provideMerge(orders),
      Layer.provideMerge(portfolio),
      Layer.provideMerge(market),
      Layer.provideMerge(accounts),
      Layer.provideMerge(MexcStream.layer),
      Layer.provideMerge(venueClient),
      Layer.provideMerge(Events.layer),
      Layer.provideMerge(venue(settings, story)),
      // Before the paper exchange opens its journal: the folder must be ours, of this venue and of nobody else now.
      Layer.provideMerge(InstanceLease.layer({ dataDir: settings.dataDir })),
      Layer.provideMerge(storage)
    )
  )

const tlsOf = ({ tlsCertFile, tlsKeyFile }: Settings) =>
  tlsCertFile === null || tlsKeyFile === null
    ? Effect.succeed(null)
    : Effect.all({ cert: readPem("TLS_CERT_FILE", tlsCertFile), key: readPem("TLS_KEY_FILE", tlsKeyFile) })

const readPem = (name: string, file: string) =>
  Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: () => new WrongSetting({ name, problem: `${file} cannot be read`, example: "/etc/dipper/tls.pem" })
  })

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
      tls
    })
  })
)

const service = (story: PaperStory = {}) =>
  api.pipe(Layer.provide(Readiness.layer({ version: manifest.version })), Layer.provideMerge(capabilities(story)))

/** The service; ends by signal. */
export const serve = Effect.gen(function* () {
  const settings = yield* Config
  const { url } = yield* HttpServer
  yield* greet(settings, url)
  yield* Console.log(`dipper ready ${url} exchange=${settings.exchange}`)
  return yield* Effect.never
}).pipe(Effect.provide(service().pipe(Layer.provideMerge(configured(Logging.layer)), Layer.provideMerge(Config.layer))))

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

/** The demo could not show what it is for. */
export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", { message: Schema.String }) {}

/** Five hours of market time in a minute. */
const demoSpeed = 300
const hourMs = 3_600_000

/** Two rules in a crash, in a temporary folder; see `Demo`. */
export const demo = Effect.fn("App.demo")(function* (options: {
  readonly market: MarketChoice
  readonly drop: Decimal
}) {
  const folder = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped({ prefix: "dipper-" }))
  const scene = yield* sceneOf(options.market)
  const settings: Settings = {
    ...(yield* readSettings({ DATA_DIR: folder, LOG_LEVEL: "warn" })),
    port: 0,
    paperPort: 0,
    paperMarket: options.market,
    paperSpeed: demoSpeed
  }
  yield* Console.log(`market     ${scene.title}`)
  const held = yield* tellDemo(scene, options.drop).pipe(
    Effect.provide(
      service(scene.story).pipe(
        Layer.provideMerge(Logging.layer(settings)),
        Layer.provideMerge(Layer.succeed(Config, settings))
      )
    )
  )
  if (!held) return yield* new DemoFailed({ message: "the books do not agree, or a rule did not buy" })
}, Effect.scoped)

const tellDemo = Effect.fnUntraced(function* (scene: Scene, drop: Decimal) {
  const { url } = yield* HttpServer
  const { rest } = yield* MexcEndpoint
  const terminal = yield* Terminal.Terminal
  const keys = yield* ApiKeys
  const userId = Schema.decodeSync(UserId)("local_demo")
  const { token } = yield* keys.create(userId, { name: "demo", scopes: ["read", "trade", "manage"] })
  return yield* Demo.tell({
    apiUrl: url,
    paperUrl: rest,
    token,
    pair: scene.pair,
    drop,
    until: scene.until,
    calendarAt: scene.from + hourMs,
    onProgress: (line) => (stdout.isTTY ? Effect.ignore(terminal.display(`\r${line}\u001b[K\r`)) : Effect.void)
  }).pipe(Effect.provide(NodeHttpClient.layerUndici))
})
