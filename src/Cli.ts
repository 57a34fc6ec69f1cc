import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Console, Duration, Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import manifest from "../package.json" with { type: "json" }
import { ApiKeys } from "./accounts/ApiKeys.ts"
import { ApiKey } from "./api/Account.ts"
import { NotFound } from "./api/Errors.ts"
import { localUserId, UsersRepo } from "./accounts/UsersRepo.ts"
import { RuleTransfer } from "./autobuy/transfer/RuleTransfer.ts"
import * as App from "./App.ts"
import { Config, describeSettings } from "./Config.ts"
import * as DemoRun from "./DemoRun.ts"
import { AddressRange } from "./domain/AddressRange.ts"
import * as Decimal from "./domain/Decimal.ts"
import { Scope } from "./domain/Principal.ts"
import { formatInstant } from "./domain/Time.ts"
import { readFaultPlan } from "./paper/faults/FaultPlan.ts"
import { auditCommand } from "./service/operator/auditCommand.ts"
import { credentialsCommand } from "./service/operator/credentialsCommand.ts"
import { haltCommand } from "./service/operator/haltCommand.ts"
import { limitsCommand } from "./service/operator/limitsCommand.ts"
import { masterKeyCommand } from "./service/operator/masterKeyCommand.ts"
import { usersCommand } from "./service/operator/usersCommand.ts"
import { actingAs, operator } from "./store/audit/acting.ts"
import * as Migrations from "./store/Migrations.ts"
import { marketChoice } from "./Venue.ts"

/** The command line was understood, but a value in it makes no sense: exit code 2. */
export class WrongUsage extends Schema.TaggedError<WrongUsage>()("WrongUsage", { message: Schema.String }) {}

const usage = (message: string) => new WrongUsage({ message })

const user = Options.text("user").pipe(Options.withDescription("name of the user, such as me"))

const readUser = (name: string) => Effect.mapError(localUserId(name), (why) => usage(`--user: ${why}`))

const whole = (name: string, text: string, low: number, high: number) =>
  /^\d+$/.test(text) && Number(text) >= low && Number(text) <= high
    ? Effect.succeed(Number(text))
    : usage(`${name}: expected a whole number from ${low} to ${high}, got "${text}"`)

const json = Options.boolean("json").pipe(Options.withDescription("print JSON"))

const readScopes = (text: string) =>
  Schema.decodeUnknown(Schema.NonEmptyArray(Scope))(text.split(",")).pipe(
    Effect.mapError(() => usage(`--scopes: expected some of read,trade,manage separated by commas, got "${text}"`))
  )

const readDays = (option: string, text: string) => {
  const days = Number(/^(\d{1,3})d$/.exec(text)?.[1])
  return days >= 1 && days <= 365
    ? Effect.succeed(Duration.days(days))
    : Effect.fail(usage(`${option}: expected days from 1d to 365d, got "${text}"`))
}

const readHours = (option: string, text: string) => {
  const hours = Number(/^(\d{1,3})h$/.exec(text)?.[1])
  return hours >= 0 && hours <= 168
    ? Effect.succeed(Duration.hours(hours))
    : Effect.fail(usage(`${option}: expected hours from 0h to 168h, got "${text}"`))
}

const readAddresses = (text: string) =>
  Schema.decodeUnknown(Schema.Array(AddressRange))(text === "" ? [] : text.split(",")).pipe(
    Effect.mapError(() =>
      usage(`--addresses: expected addresses or blocks such as 203.0.113.7,2001:db8::/32, got "${text}"`)
    )
  )

const keysCreate = Command.make(
  "create",
  {
    user,
    scopes: Options.text("scopes").pipe(Options.withDescription("read,trade,manage"), Options.withDefault("read")),
    expires: Options.text("expires").pipe(Options.withDescription("such as 90d"), Options.withDefault("90d")),
    addresses: Options.text("addresses").pipe(
      Options.withDescription("from which alone it lets in, such as 203.0.113.7,2001:db8::/32"),
      Options.optional
    ),
    name: Options.text("name").pipe(Options.optional)
  },
  Effect.fnUntraced(function* (options) {
    const scopes = yield* readScopes(options.scopes)
    const expiresIn = yield* readDays("--expires", options.expires)
    const addresses = yield* readAddresses(Option.getOrElse(options.addresses, () => ""))
    const userId = yield* readUser(options.user)
    const keys = yield* ApiKeys
    const created = yield* keys.create(userId, { name: Option.getOrNull(options.name), scopes, expiresIn, addresses })
    yield* Console.log(Redacted.value(created.token))
  })
).pipe(Command.withDescription("create a key, and the user if new; prints the key only, once"))

const keysList = Command.make(
  "list",
  { user, json },
  Effect.fnUntraced(function* (options) {
    const keys = yield* (yield* ApiKeys).list(yield* readUser(options.user))
    if (options.json) return yield* Console.log(JSON.stringify(yield* Schema.encode(Schema.Array(ApiKey))(keys)))
    if (keys.length === 0) yield* Console.error(`${options.user} has no keys`)
    for (const key of keys) {
      const state = key.revokedAt === null ? `until ${formatInstant(key.expiresAt)}` : "revoked"
      yield* Console.log(`${key.id}  ${key.scopes.join(",")}  ${state}  ${key.name ?? ""}`)
    }
  })
).pipe(Command.withDescription("list the keys of a user"))

const keyId = Options.text("id").pipe(Options.withDescription("id of the key, as list shows it"))

const keysRotate = Command.make(
  "rotate",
  {
    id: keyId,
    grace: Options.text("grace").pipe(
      Options.withDescription("how long the secret before still lets in, such as 24h"),
      Options.withDefault("24h")
    )
  },
  Effect.fnUntraced(function* (options) {
    const grace = yield* readHours("--grace", options.grace)
    const keys = yield* ApiKeys
    const { token } = yield* keys.rotate(yield* keys.ownerOf(options.id), options.id, grace)
    yield* Console.log(Redacted.value(token))
  })
).pipe(Command.withDescription("give a key another secret; prints the key only, once"))

const keysRevoke = Command.make(
  "revoke",
  { id: keyId },
  Effect.fnUntraced(function* ({ id }) {
    const keys = yield* ApiKeys
    yield* keys.revoke(yield* keys.ownerOf(id), id)
    yield* Console.log(`revoked ${id}`)
  })
).pipe(Command.withDescription("revoke a key; a running server refuses it within two seconds"))

const keys = Command.make("keys").pipe(
  Command.withDescription("API keys of this service"),
  Command.withSubcommands([keysCreate, keysList, keysRotate, keysRevoke]),
  Command.provide(App.offline)
)

const noSuchUser = (name: string) =>
  new NotFound({
    message: `there is no user ${name} yet; make one: keys create --user ${name} --scopes read,trade,manage`
  })

const migrate = Command.make(
  "migrate",
  { plan: Options.boolean("plan").pipe(Options.withDescription("only show what would be done")), json },
  Effect.fnUntraced(function* (options) {
    const plan = Effect.provide(Migrations.plan(), App.database)
    // What was done is what can be read afterwards.
    const planned = yield* options.plan ? plan : Effect.zipRight(Effect.scoped(Layer.build(App.sharedStorage)), plan)
    if (options.json) return yield* Console.log(JSON.stringify(planned))
    for (const { name, state } of planned) yield* Console.log(`${state.padEnd(8)} ${name}`)
  })
).pipe(Command.withDescription("bring the database to this version's schema"), Command.provide(Config.layer))

const config = Command.make(
  "config",
  { json },
  Effect.fnUntraced(function* (options) {
    const lines = describeSettings(yield* Config)
    if (options.json) return yield* Console.log(JSON.stringify(Object.fromEntries(lines)))
    for (const [name, value] of lines) yield* Console.log(`${name}=${value}`)
  })
).pipe(Command.withDescription("show the settings in force, secrets masked"), Command.provide(Config.layer))

const serve = Command.make("serve", {}, () => App.serve).pipe(Command.withDescription("run the service"))

const refuse = (message: string) => Effect.fail(usage(message))

const market = Options.text("market").pipe(
  Options.withDescription("synthetic, replay:FILE_OR_FOLDER of recorded candles, or mirror of the venue's market"),
  Options.withDefault("synthetic")
)

/** `KEY:SECRET:USDT=10000,BTC=1`. */
const readAccount = Effect.fnUntraced(function* (text: string) {
  const wrong = usage(`--account: expected KEY:SECRET:USDT=10000,BTC=1, got "${text.split(":")[0] ?? ""}:…"`)
  const [accessKey = "", secretKey = "", amounts = "", ...rest] = text.split(":")
  if (accessKey === "" || secretKey === "" || rest.length > 0) return yield* wrong
  const balances = yield* Effect.forEach(
    amounts.split(",").filter((part) => part !== ""),
    (part) => {
      const [asset = "", amount = ""] = part.split("=")
      return Effect.mapBoth(Decimal.parse(amount), {
        onSuccess: (value) => [asset, value] as const,
        onFailure: () => wrong
      })
    }
  )
  return { accessKey, secretKey: Redacted.make(secretKey), balances: Object.fromEntries(balances) }
})

const readFaults = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(fs.readFileString(file), () => usage(`--faults: cannot read ${file}`))
  return yield* Effect.mapError(readFaultPlan(text), (why) => usage(`--faults: ${file}: ${why}`))
})

const paper = Command.make(
  "paper",
  {
    port: Options.text("port").pipe(Options.withDescription("0 takes a free one"), Options.withDefault("3001")),
    market,
    speed: Options.text("speed").pipe(Options.withDescription("market seconds per second"), Options.withDefault("1")),
    seed: Options.text("seed").pipe(Options.withDescription("of the synthetic market"), Options.withDefault("1")),
    account: Options.text("account").pipe(Options.withDescription("KEY:SECRET:USDT=10000,BTC=1"), Options.repeated),
    control: Options.boolean("control").pipe(Options.withDescription("serve /paper/v1 to this machine")),
    faults: Options.text("faults").pipe(Options.withDescription("JSON file of planned faults"), Options.optional),
    data: Options.text("data").pipe(Options.withDescription("folder of the journal"), Options.optional)
  },
  Effect.fnUntraced(function* (options) {
    const choice = marketChoice(options.market)
    if (choice === null)
      return yield* refuse(`--market: expected synthetic, still, replay:FILE or mirror, got "${options.market}"`)
    const speed = options.speed.trim() === "" ? Number.NaN : Number(options.speed)
    if (!Number.isFinite(speed) || speed < 0)
      return yield* refuse(`--speed: expected zero or more, got "${options.speed}"`)
    if (choice === "mirror" && speed !== 1)
      return yield* refuse("--speed: a mirrored market moves at the venue's speed; leave it at 1")
    const accounts = yield* Effect.forEach(options.account, readAccount)
    return yield* App.servePaper({
      host: "127.0.0.1",
      port: yield* whole("--port", options.port, 0, 65_535),
      market: choice,
      speed,
      seed: yield* whole("--seed", options.seed, 0, 2_147_483_647),
      accounts,
      control: options.control,
      faults: Option.isNone(options.faults) ? [] : yield* readFaults(options.faults.value),
      dataDir: Option.getOrNull(options.data)
    })
  })
).pipe(Command.withDescription("run the paper exchange alone, for any MEXC client"))

const demo = Command.make(
  "demo",
  {
    market,
    drop: Options.text("drop").pipe(
      Options.withDescription("how far below its 24 h high the dip rule buys, percent"),
      Options.withDefault("8")
    )
  },
  Effect.fnUntraced(function* (options) {
    const choice = marketChoice(options.market)
    if (choice === null || choice === "mirror")
      return yield* refuse(`--market: expected synthetic or replay:FILE, got "${options.market}"`)
    const drop = yield* Effect.mapError(Decimal.parse(options.drop), (why) => usage(`--drop: ${why}`))
    if (!Decimal.isPositive(drop) || Decimal.greaterOrEqual(drop, Decimal.hundred))
      return yield* refuse(`--drop: expected percent above 0 and below 100, got "${options.drop}"`)
    yield* DemoRun.demo({ market: choice, drop })
  })
).pipe(Command.withDescription("watch rules buy in a crash, in about a minute"))

const existing = Effect.fnUntraced(function* (name: string) {
  const userId = yield* readUser(name)
  const users = yield* UsersRepo
  if (Option.isNone(yield* users.find(userId))) return yield* noSuchUser(name)
  return userId
})

const rulesExport = Command.make(
  "export",
  { user },
  Effect.fnUntraced(function* (options) {
    const { exportRules } = yield* RuleTransfer
    yield* Console.log(yield* exportRules(yield* existing(options.user)))
  })
).pipe(Command.withDescription("print a user's rules as a file; orders, lots and secrets stay"))

const rulesImport = Command.make(
  "import",
  { user, json },
  Effect.fnUntraced(function* (options) {
    const userId = yield* existing(options.user)
    const text = yield* NodeStream.stdin.pipe(Stream.decodeText(), Stream.mkString, Effect.orDie)
    const done = yield* Effect.flatMap(RuleTransfer, ({ importRules }) => importRules(userId, text))
    if (options.json) return yield* Console.log(JSON.stringify(done))
    yield* Console.log(`imported ${done.imported} as drafts, ${done.alreadyThere} were there already`)
  })
).pipe(Command.withDescription("read such a file from standard input: all of it as drafts, or nothing"))

const rules = Command.make("rules").pipe(
  Command.withDescription("move rules between installations; works while a server runs"),
  Command.withSubcommands([rulesExport, rulesImport]),
  Command.provide(App.offlineRules)
)

const credentials = Command.provide(credentialsCommand, App.offline)
const halt = Command.provide(haltCommand, App.beside)
const limits = Command.provide(limitsCommand, App.beside)
const users = Command.provide(usersCommand, App.beside)
const audit = auditCommand(App.trail)
const masterKey = Command.provide(masterKeyCommand, App.offline)

const root = Command.make("dipper").pipe(
  Command.withDescription("a self-hosted auto-buy service for the MEXC exchange"),
  Command.withSubcommands([
    serve,
    paper,
    demo,
    keys,
    credentials,
    masterKey,
    users,
    limits,
    halt,
    rules,
    audit,
    migrate,
    config
  ])
)

/** Runs one command line, such as `process.argv`. */
export const run = (args: ReadonlyArray<string>) =>
  actingAs(() => operator)(Command.run(root, { name: "dipper", version: manifest.version })(args))
