import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Exit, Redacted, Schedule, Schema } from "effect"
import * as Client from "../../src/api/Client.ts"
import { RuleRequest } from "../../src/domain/Rule.ts"
import { patiently } from "./patience.ts"
import { dipper, ProcessFailed, run, temporaryFolder } from "./Process.ts"

/** A paper exchange as a process of its own, with the given options of the command line. */
export const paperExchangeOf = Effect.fnUntraced(function* (...options: ReadonlyArray<string>) {
  const data = yield* temporaryFolder
  const running = yield* dipper(["paper", "--port", "0", "--control", "--data", data, ...options])
  const [, url = ""] = yield* running.line(/paper exchange ready (\S+)/)
  const control = (method: string, path: string, body?: object) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}/paper/v1/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } })
      })
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
      return response.text()
    })
  return {
    url,
    /** Without a quantity nothing is traded: only a reading tells of it, and no stream of trades. */
    price: (symbol: string, price: string, quantity = "0") =>
      control("POST", "price", { symbol, price, quantity, takerSide: "sell" }),
    /** Moves stepped time; answers when everything up to then has happened. */
    advance: (ms: number) => control("POST", "advance", { ms }),
    pair: (symbol: string, change: object) => control("POST", "pairs", { symbol, ...change }),
    /** What a key may do; with `added`, another key of an account. */
    key: (accessKey: string, change: object) => control("POST", "keys", { accessKey, ...change }),
    deposit: (accessKey: string, asset: string, amount: string) =>
      control("POST", "deposit", { accessKey, asset, amount }),
    withdraw: (accessKey: string, asset: string, amount: string) =>
      control("POST", "withdraw", { accessKey, asset, amount }),
    accounts: Effect.map(control("GET", "accounts"), (text) => Schema.decodeUnknownSync(AccountsAnswer)(text).accounts),
    fault: (type: string, delayMs?: number) =>
      control("POST", "faults", { faults: [{ type, count: 1, ...(delayMs === undefined ? {} : { delayMs }) }] }),
    faultsFired: (type: string) =>
      Effect.map(control("GET", "faults"), (text) => {
        const { faults } = Schema.decodeUnknownSync(FaultsAnswer)(text)
        return faults.find((fault) => fault.type === type)?.fired ?? 0
      }),
    counters: Effect.map(control("GET", "counters"), Schema.decodeUnknownSync(Counters)),
    /** The exchange's own record, read without the project's code. */
    journal: Effect.map(control("GET", "journal"), (text) =>
      text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => Schema.decodeUnknownSync(JournalLine)(line))
    )
  }
})

/** One whose prices only the test moves. */
export const paperExchange = paperExchangeOf("--market", "still")

export type PaperProcess = Effect.Effect.Success<typeof paperExchange>

const AccountsAnswer = Schema.parseJson(
  Schema.Struct({
    accounts: Schema.Array(
      Schema.Struct({
        accessKey: Schema.String,
        balances: Schema.Array(Schema.Struct({ asset: Schema.String, free: Schema.String, locked: Schema.String }))
      })
    )
  })
)
const FaultsAnswer = Schema.parseJson(
  Schema.Struct({ faults: Schema.Array(Schema.Struct({ type: Schema.String, fired: Schema.Int })) })
)
const Counters = Schema.parseJson(Schema.Struct({ maxIpWeight: Schema.Int, refusedByLimit: Schema.Int }))
const JournalLine = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** The service on a data directory and a paper exchange; started again on the same folder it goes on where it was. */
export const service = (
  folder: string,
  paper: PaperProcess,
  env: Readonly<Record<string, string>> = {},
  program?: string
) =>
  Effect.gen(function* () {
    const settings = { DATA_DIR: folder, PORT: "0", PAPER_URL: paper.url, LOG_FORMAT: "json", ...env }
    const process = yield* dipper(["serve"], {
      cwd: folder,
      env: settings,
      ...(program === undefined ? {} : { program })
    })
    const [, url = ""] = yield* process.line(/dipper ready (\S+)/)
    const command = (...args: ReadonlyArray<string>) => run(args, { cwd: folder, env: settings })
    // A failure makes little sense without what the service logged.
    yield* Effect.addFinalizer((exit) =>
      Exit.isFailure(exit) ? Console.error(`${url} logged:\n${process.stderr().slice(-20_000)}`) : Effect.void
    )
    return { process, url, command }
  })

/** A key made with the command line while the server runs. */
export const createKey = (
  command: (...args: ReadonlyArray<string>) => Effect.Effect<{ code: number | null; stdout: string; stderr: string }>,
  user = "me",
  scopes = "read,trade,manage"
) =>
  Effect.flatMap(command("keys", "create", "--user", user, "--scopes", scopes), ({ code, stderr, stdout }) =>
    code === 0
      ? Effect.succeed(Redacted.make(stdout.trim()))
      : Effect.fail(new ProcessFailed({ message: `keys create ended with ${code}: ${stderr}`, stdout, stderr }))
  )

export const client = (baseUrl: string, token: Redacted.Redacted) =>
  Effect.provide(Client.make({ baseUrl, token }), NodeHttpClient.layer)

/** The same for a service that may have too much to do: see `patiently`. */
export const patientClient = (baseUrl: string, token: Redacted.Redacted) =>
  Client.make({ baseUrl, token }).pipe(
    Effect.updateService(HttpClient.HttpClient, patiently),
    Effect.provide(NodeHttpClient.layer)
  )

export const ruleRequest = Schema.decodeUnknownSync(RuleRequest)

/** Buys for 50 when BTC falls below 50,000. */
export const buyBelow50000 = ruleRequest({
  name: "Dip",
  symbol: "BTCUSDT",
  trigger: { type: "price.level", side: "below", price: "50000" },
  size: { type: "quote", amount: "50" },
  limits: { total: "1000" }
})

/** Asks again until it holds; half a minute is far more than anything here takes, on a busy machine too. */
export const eventually = <A, E, R>(what: string, ask: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  ask.pipe(
    Effect.filterOrFail(holds, (value) => `${what}: still ${JSON.stringify(value)}`),
    Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo("30 seconds")))
  )
