import { Context, Duration, Effect, Either, Layer, Redacted } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseEnv } from "node:util"
import {
  address,
  define,
  type Environment,
  isLoopback,
  market,
  oneOf,
  optionalText,
  origins,
  parties,
  plain,
  poll,
  port,
  quoted,
  readUrl,
  secret,
  type Setting,
  speed,
  text,
  whole,
  WrongSetting
} from "./Setting.ts"

/** In the order of `.env.example`; a test compares the two. */
export const settings = {
  host: text("HOST", "127.0.0.1", "Address to listen on; another than loopback needs TLS or TRUST_PROXY", "127.0.0.1"),
  port: whole(0, 65_535)("PORT", "3000", "Port of the API; 0 takes a free one", 3000),
  tlsCertFile: optionalText("TLS_CERT_FILE", "/etc/dipper/tls.crt", "PEM certificate for HTTPS", null),
  tlsKeyFile: optionalText("TLS_KEY_FILE", "/etc/dipper/tls.key", "PEM key of the certificate", null),
  trustProxy: whole(0, 10)("TRUST_PROXY", "1", "Number of reverse proxies in front; 0 ignores forwarded headers", 0),
  dataDir: text("DATA_DIR", "./data", "Database, paper exchange state and master.keys", "./data"),
  databaseUrl: define<string>(false)(
    "DATABASE_URL",
    "libsql://my-database.turso.io",
    "libSQL server or file; a file in DATA_DIR unless set",
    readUrl(["file:", "libsql:", "http:", "https:"]),
    (env) => `file:${join(env["DATA_DIR"]?.trim() || "./data", "dipper.db")}`
  ),
  databaseAuthToken: secret("DATABASE_AUTH_TOKEN", "eyJhbGciOi...", "Token of the libSQL server"),
  exchange: oneOf("paper", "mexc")("EXCHANGE", "paper", "paper (simulated money) or mexc (real money)", "paper"),
  paperUrl: address("http:")(
    "PAPER_URL",
    "http://127.0.0.1:3001",
    "An external paper exchange, instead of the embedded one",
    null
  ),
  mexcRestUrl: text("MEXC_REST_URL", "https://api.mexc.com", "REST address of the venue", "https://api.mexc.com"),
  mexcWsUrl: text(
    "MEXC_WS_URL",
    "wss://wbs-api.mexc.com/ws",
    "Stream address of the venue",
    "wss://wbs-api.mexc.com/ws"
  ),
  paperPort: whole(0, 65_535)("PAPER_PORT", "3001", "Port of the embedded paper exchange", 3001),
  paperMarket: market(
    "PAPER_MARKET",
    "replay:./BTCUSDT-1m.csv",
    "synthetic, replay:FILE_OR_FOLDER, or mirror of the venue's market",
    "synthetic"
  ),
  paperSpeed: speed("PAPER_SPEED", "60", "Market seconds per second", 1),
  paperSeed: whole(0, 2_147_483_647)("PAPER_SEED", "7", "Seed of the synthetic market", 1),
  authMode: oneOf("local", "clerk")(
    "AUTH_MODE",
    "local",
    "local: keys made with the command line; clerk: people sign in with Clerk as well",
    "local"
  ),
  clerkPublishableKey: optionalText(
    "CLERK_PUBLISHABLE_KEY",
    "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
    "Names the Clerk instance whose people may sign in",
    null
  ),
  clerkAuthorizedParties: parties(
    "CLERK_AUTHORIZED_PARTIES",
    "https://app.example.com",
    "Origins of the pages whose sign-ins count, separated by commas",
    []
  ),
  clerkJwtKey: secret(
    "CLERK_JWT_KEY",
    "-----BEGIN PUBLIC KEY-----\\n…",
    "The instance's public key as PEM: with it Clerk is never asked for keys"
  ),
  clerkWebhookSecret: secret(
    "CLERK_WEBHOOK_SECRET",
    "whsec_BASE64",
    "Signing secret of the webhook that tells of deleted and banned people and ended sessions"
  ),
  clerkSecretKey: secret(
    "CLERK_SECRET_KEY",
    "sk_live_…",
    "Secret key of the instance: with it Clerk is asked once a day who was deleted or banned"
  ),
  masterKeys: secret(
    "MASTER_KEYS",
    "k1:BASE64_OF_32_BYTES",
    "Key ring id:base64,…; first is current; DATA_DIR/master.keys unless set"
  ),
  mexcIpWeight: whole(30, 10_000)("MEXC_IP_WEIGHT", "300", "Request weight per 10 s and address", 300),
  mexcUidWeight: whole(30, 10_000)("MEXC_UID_WEIGHT", "500", "Request weight per 10 s and exchange account", 500),
  mexcRequestsPerSecond: whole(1, 1_000)("MEXC_REQUESTS_PER_SECOND", "20", "Requests per second and address", 20),
  mexcOrdersPerSecond: whole(1, 1_000)(
    "MEXC_ORDERS_PER_SECOND",
    "12",
    "Order operations per second and exchange account",
    12
  ),
  listingPoll: poll(
    "LISTING_POLL",
    "PT2S",
    "How often the venue's list of tradable pairs is looked at",
    Duration.seconds(2)
  ),
  apiRatePerMinute: whole(1, 1_000_000)("API_RATE_PER_MINUTE", "600", "API requests per minute and user", 600),
  maxRulesPerUser: whole(1, 1_000_000)("MAX_RULES_PER_USER", "500", "Rules that one user may keep", 500),
  corsOrigins: origins(
    "CORS_ORIGINS",
    "https://app.example.com",
    "Browser origins that may call the API; none unless set",
    []
  ),
  metricsPort: port(
    "METRICS_PORT",
    "9464",
    "Port on 127.0.0.1 for metrics and probes without a key; none unless set",
    null
  ),
  logLevel: oneOf(
    "trace",
    "debug",
    "info",
    "warn",
    "error"
  )("LOG_LEVEL", "info", "Least severity that is logged", "info"),
  logFormat: plain<"pretty" | "json" | null>((value) =>
    value === "pretty" || value === "json"
      ? Either.right(value)
      : Either.left(`expected pretty or json, got ${quoted(value)}`)
  )("LOG_FORMAT", "json", "pretty or json; pretty on a terminal unless set", null),
  otlpEndpoint: address("http:", "https:")(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "http://127.0.0.1:4318",
    "OpenTelemetry collector that gets traces and logs (OTLP over HTTP, JSON); off unless set",
    null
  ),
  heartbeatUrl: define<Redacted.Redacted | null>(true)(
    "HEARTBEAT_URL",
    "https://hc-ping.com/UUID",
    "Pinged every minute while the engine works; off unless set",
    (value) =>
      Either.flatMap(readUrl(["http:", "https:"])(value), () =>
        new URL(value).username === "" && new URL(value).password === "" && value.length <= 2_048
          ? Either.right(Redacted.make(value))
          : Either.left("expected an address without a name or a password, of at most 2048 characters")
      ),
    () => null
  )
} as const

export type Settings = {
  readonly [Name in keyof typeof settings]: (typeof settings)[Name] extends Setting<infer A> ? A : never
}

const refuse = (name: string, problem: string, example: string) =>
  Either.left(new WrongSetting({ name, problem, example }))

/** Settings that only make sense together. */
const consistent = (all: Settings): Either.Either<Settings, WrongSetting> => {
  if ((all.tlsCertFile === null) !== (all.tlsKeyFile === null))
    return refuse(
      all.tlsCertFile === null ? "TLS_CERT_FILE" : "TLS_KEY_FILE",
      "certificate and key go together",
      "/etc/dipper/tls.pem"
    )
  if (!isLoopback(all.host) && all.tlsCertFile === null && all.trustProxy === 0)
    return refuse(
      "HOST",
      `"${all.host}" is reachable from outside; set TLS_CERT_FILE and TLS_KEY_FILE, or TRUST_PROXY=1 behind a proxy that speaks TLS`,
      "127.0.0.1"
    )
  const clerk = [
    ["CLERK_PUBLISHABLE_KEY", all.clerkPublishableKey !== null, settings.clerkPublishableKey.example],
    ["CLERK_AUTHORIZED_PARTIES", all.clerkAuthorizedParties.length > 0, settings.clerkAuthorizedParties.example],
    ["CLERK_JWT_KEY", all.clerkJwtKey !== null, settings.clerkJwtKey.example],
    ["CLERK_WEBHOOK_SECRET", all.clerkWebhookSecret !== null, settings.clerkWebhookSecret.example],
    ["CLERK_SECRET_KEY", all.clerkSecretKey !== null, settings.clerkSecretKey.example]
  ] as const
  const needed: ReadonlySet<string> = new Set(["CLERK_PUBLISHABLE_KEY", "CLERK_AUTHORIZED_PARTIES"])
  for (const [name, isSet, example] of clerk) {
    if (all.authMode === "local" && isSet)
      return refuse(name, "set together with AUTH_MODE=local; remove it, or set AUTH_MODE=clerk", example)
    if (all.authMode === "clerk" && !isSet && needed.has(name)) return refuse(name, "AUTH_MODE=clerk needs it", example)
  }
  if (all.metricsPort !== null && all.metricsPort !== 0 && all.metricsPort === all.port)
    return refuse("METRICS_PORT", `${all.port} is the port of the API; choose another`, "9464")
  if (all.exchange === "mexc" && all.paperUrl !== null)
    return refuse("PAPER_URL", "set together with EXCHANGE=mexc; remove one of the two", "http://127.0.0.1:3001")
  if (all.paperUrl !== null && !isLoopback(new URL(all.paperUrl).hostname))
    return refuse("PAPER_URL", "a paper exchange is only used on loopback", "http://127.0.0.1:3001")
  if (all.paperMarket === "mirror" && all.paperSpeed !== 1)
    return refuse("PAPER_SPEED", "a mirrored market moves at the venue's speed; leave it at 1", "1")
  for (const [name, url, tls] of [
    ["MEXC_REST_URL", all.mexcRestUrl, "https:"],
    ["MEXC_WS_URL", all.mexcWsUrl, "wss:"]
  ] as const) {
    if (!URL.canParse(url)) return refuse(name, "expected an address", `${tls}//api.mexc.com`)
    const parsed = new URL(url)
    if (parsed.protocol !== tls && !isLoopback(parsed.hostname))
      return refuse(
        name,
        `credentials may only travel over ${tls}// unless the address is loopback`,
        `${tls}//api.mexc.com`
      )
  }
  return Either.right(all)
}

export const readSettings = (env: Environment): Either.Either<Settings, WrongSetting> =>
  Either.flatMap(
    Either.all({
      host: settings.host.read(env),
      port: settings.port.read(env),
      tlsCertFile: settings.tlsCertFile.read(env),
      tlsKeyFile: settings.tlsKeyFile.read(env),
      trustProxy: settings.trustProxy.read(env),
      dataDir: settings.dataDir.read(env),
      databaseUrl: settings.databaseUrl.read(env),
      databaseAuthToken: settings.databaseAuthToken.read(env),
      exchange: settings.exchange.read(env),
      paperUrl: settings.paperUrl.read(env),
      mexcRestUrl: settings.mexcRestUrl.read(env),
      mexcWsUrl: settings.mexcWsUrl.read(env),
      paperPort: settings.paperPort.read(env),
      paperMarket: settings.paperMarket.read(env),
      paperSpeed: settings.paperSpeed.read(env),
      paperSeed: settings.paperSeed.read(env),
      authMode: settings.authMode.read(env),
      clerkPublishableKey: settings.clerkPublishableKey.read(env),
      clerkAuthorizedParties: settings.clerkAuthorizedParties.read(env),
      clerkJwtKey: settings.clerkJwtKey.read(env),
      clerkWebhookSecret: settings.clerkWebhookSecret.read(env),
      clerkSecretKey: settings.clerkSecretKey.read(env),
      masterKeys: settings.masterKeys.read(env),
      mexcIpWeight: settings.mexcIpWeight.read(env),
      mexcUidWeight: settings.mexcUidWeight.read(env),
      mexcRequestsPerSecond: settings.mexcRequestsPerSecond.read(env),
      mexcOrdersPerSecond: settings.mexcOrdersPerSecond.read(env),
      listingPoll: settings.listingPoll.read(env),
      apiRatePerMinute: settings.apiRatePerMinute.read(env),
      maxRulesPerUser: settings.maxRulesPerUser.read(env),
      corsOrigins: settings.corsOrigins.read(env),
      metricsPort: settings.metricsPort.read(env),
      logLevel: settings.logLevel.read(env),
      logFormat: settings.logFormat.read(env),
      otlpEndpoint: settings.otlpEndpoint.read(env),
      heartbeatUrl: settings.heartbeatUrl.read(env)
    }),
    consistent
  )

/** `name=value` lines as the service sees them, secrets masked. */
export const describeSettings = (all: Settings): ReadonlyArray<readonly [name: string, value: string]> => {
  const values: Readonly<Record<string, unknown>> = all
  return Object.entries(settings).map(([key, setting]) => {
    const value = values[key]
    if (value === null || value === undefined) return [setting.name, ""]
    if (setting.secret) return [setting.name, "<redacted>"]
    return [setting.name, Array.isArray(value) ? value.join(",") : String(value)]
  })
}

const environment: Effect.Effect<Environment> = Effect.sync(() => ({
  ...(existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {}),
  ...process.env
}))

/** The settings of this process: the environment, `./.env` beneath it. */
export class Config extends Context.Tag("dipper/Config")<Config, Settings>() {
  static readonly layer = Layer.effect(
    Config,
    Effect.flatMap(environment, (env) => readSettings(env))
  )
}
