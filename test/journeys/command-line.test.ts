import { assert, describe, it } from "@effect/vitest"
import * as SqlClient from "@effect/sql/SqlClient"
import { Duration, Effect, Fiber, Redacted, Schema, type Scope } from "effect"
import { request } from "node:http"
import { createServer, type AddressInfo } from "node:net"
import { join } from "node:path"
import { Database } from "../../src/store/Database.ts"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { createKey, paperExchange, service } from "../kit/Service.ts"
import { databaseUrl, layerAt, lock } from "../kit/TestDatabase.ts"

type Ended = Effect.Effect.Success<ReturnType<typeof run>>

/** Nothing on stdout, one line on stderr; `code` 1 refused or failed, 2 wrong usage. */
const refusal = ({ code, stderr, stdout }: Ended, expected: { readonly code: 1 | 2; readonly says: RegExp }) => {
  assert.strictEqual(code, expected.code, stderr)
  assert.strictEqual(stdout, "")
  assert.match(stderr, expected.says)
  assert.strictEqual(stderr.trimEnd().split("\n").length, 1, stderr)
}

/** A program of somebody else on a port of ours. */
const takenPort = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const isPort = (value: typeof address): value is AddressInfo => value !== null && typeof value === "object"
      resume(Effect.succeed({ port: isPort(address) ? address.port : 0, close: () => server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const serve = (folder: string, env: Readonly<Record<string, string>>) =>
  run(["serve"], { cwd: folder, env: { DATA_DIR: join(folder, "data"), PORT: "0", PAPER_PORT: "0", ...env } })

const journey = <E>(name: string, test: Effect.Effect<void, E, Scope.Scope>) => it.scopedLive(name, () => test, 60_000)

describe("A start that cannot be", () => {
  const settings: ReadonlyArray<readonly [env: Record<string, string>, says: RegExp]> = [
    [{ PORT: "abc" }, /PORT: expected a whole number .*"abc"\. Example: PORT=3000/],
    [{ EXCHANGE: "binance" }, /EXCHANGE: expected paper or mexc, got "binance"\. Example: EXCHANGE=paper/],
    [{ HOST: "0.0.0.0" }, /HOST: .* TLS_CERT_FILE .* TRUST_PROXY=1 .* Example: HOST=127\.0\.0\.1/],
    [{ PAPER_MARKET: "replay:./nowhere.csv" }, /PAPER_MARKET: .*nowhere\.csv.* Example: PAPER_MARKET=replay:/],
    [
      { PAPER_MARKET: "mirror", MEXC_REST_URL: "http://127.0.0.1:9" },
      /MEXC_REST_URL: the market to mirror cannot be read: http:\/\/127\.0\.0\.1:9 .* Example: MEXC_REST_URL=/
    ],
    [{ PAPER_URL: "http://127.0.0.1:9" }, /PAPER_URL: .*127\.0\.0\.1:9.* --control\. Example: PAPER_URL=/],
    [{ MASTER_KEYS: "short" }, /MASTER_KEYS: .* Example: MASTER_KEYS=/],
    [
      { TLS_CERT_FILE: "a.pem", TLS_KEY_FILE: "b.pem" },
      /TLS_CERT_FILE: a\.pem cannot be read.* Example: TLS_CERT_FILE=/
    ],
    // A folder that even the superuser cannot make.
    [{ DATA_DIR: "/dev/null/data" }, /DATA_DIR: the folder \/dev\/null\/data cannot be written .* Example: DATA_DIR=/]
  ]
  it.live.each(settings)("R15: is refused in one line: %j", ([env, says]) =>
    Effect.scoped(
      Effect.gen(function* () {
        refusal(yield* serve(yield* temporaryFolder, env), { code: 1, says })
      })
    )
  )

  journey(
    "R14: names the port that another program has, of the API, of the paper exchange and of the metrics",
    Effect.gen(function* () {
      const { port } = yield* takenPort
      const folder = yield* temporaryFolder
      for (const name of ["PORT", "PAPER_PORT", "METRICS_PORT"]) {
        const says = new RegExp(`${name}: .*${port}.* already .* Example: ${name}=${port + 1}`)
        refusal(yield* serve(folder, { [name]: String(port) }), { code: 1, says })
      }
    })
  )

  journey(
    "leaves the data of a running instance alone, and starts at once when that one was killed",
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const env = { DATA_DIR: join(folder, "data"), PORT: "0", PAPER_PORT: "0" }
      const first = yield* dipper(["serve"], { cwd: folder, env })
      yield* first.line(/dipper ready/)
      refusal(yield* serve(folder, {}), {
        code: 1,
        says: new RegExp(`DATA_DIR: .* .process ${first.pid} .* Example: `)
      })
      yield* first.stop("SIGKILL")
      const second = yield* dipper(["serve"], { cwd: folder, env })
      yield* second.line(/dipper ready http:\/\/127\.0\.0\.1:\d+ exchange=paper/)
      assert.strictEqual(yield* second.stop("SIGTERM"), 0)
    })
  )

  journey(
    "R10, R11: keeps a data directory with its venue, and with a program that knows its schema",
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const data = join(folder, "data")
      const env = { DATA_DIR: data, PORT: "0" }
      const migrated = yield* run(["migrate"], { env })
      assert.strictEqual(migrated.code, 0, migrated.stderr)
      assert.match(migrated.stdout, /^(applied +\d{4}_\w+\n)+$/)
      const paper = yield* paperExchange
      const mexc = { EXCHANGE: "mexc", MEXC_REST_URL: paper.url, MEXC_WS_URL: paper.url.replace("http", "ws") + "/ws" }
      refusal(yield* serve(folder, mexc), { code: 1, says: /belongs to paper .* Example: DATA_DIR=/ })

      yield* Effect.flatMap(SqlClient.SqlClient, (sql) => sql`UPDATE meta SET min_binary = 9000`).pipe(
        Effect.provide(layerAt(data))
      )
      refusal(yield* serve(folder, {}), { code: 1, says: /migration 9000.*install the newer version/ })
    })
  )
})

journey(
  "SIGTERM ends the service within five seconds, with an active rule and connections that stay open",
  Effect.gen(function* () {
    const paper = yield* paperExchange
    yield* paper.price("BTCUSDT", "60000")
    const { command, process, url } = yield* service(yield* temporaryFolder, paper)
    const token = Redacted.value(yield* createKey(command))
    const body = {
      symbol: "BTCUSDT",
      trigger: { type: "price.level", side: "below", price: "50000" },
      size: { type: "quote", amount: "50" },
      limits: { total: "1000" }
    }
    const made = yield* Effect.promise(() =>
      fetch(`${url}/api/v1/trading/rules`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "idempotency-key": "rule-that-still-waits"
        },
        body: JSON.stringify(body)
      })
    )
    assert.strictEqual(made.status, 201)
    // One connection is idle, one has sent half a request.
    yield* Effect.promise(() => fetch(`${url}/api/v1/status`).then((answer) => answer.text()))
    const half = request(`${url}/api/v1/trading/orders`, { method: "POST", headers: { "content-length": "100" } })
    half.on("error", () => {})
    half.write("{")
    const [lasted, code] = yield* Effect.timed(process.stop("SIGTERM"))
    assert.strictEqual(code, 0, process.stderr())
    assert.isBelow(Duration.toMillis(lasted), 5_000)
    assert.strictEqual(process.stdout().trim().split("\n").length, 1)
    for (const line of process.stderr().trim().split("\n")) assert.doesNotThrow(() => JSON.parse(line))
  })
)

const ListedKeys = Schema.parseJson(
  Schema.Array(
    Schema.Struct({ id: Schema.String, scopes: Schema.Array(Schema.String), createdAt: Schema.DateFromString })
  )
)

describe("Commands", () => {
  const wrong: ReadonlyArray<readonly [args: ReadonlyArray<string>, says: RegExp]> = [
    [["keys", "create", "--user", "me", "--scopes", "buy"], /--scopes: expected some of read,trade,manage .*"buy"/],
    [["keys", "create", "--user", "two words"], /--user: expected .*"two words"/],
    [["keys", "create", "--user", "me", "--addresses", "bot.example.com"], /--addresses: .*got "bot.example.com"/],
    [["keys", "rotate", "--id", "x", "--grace", "1d"], /--grace: expected hours from 0h to 168h, got "1d"/],
    [["keys", "create", "--user", "me", "--expires", "900d"], /--expires: expected days from 1d to 365d, got "900d"/],
    [["paper", "--port", "99999"], /--port: expected a whole number from 0 to 65535, got "99999"/],
    [
      ["paper", "--port", "0", "--market", "moon"],
      /--market: expected synthetic, still, replay:FILE or mirror, got "moon"/
    ],
    [["paper", "--port", "0", "--speed", "fast"], /dipper: --speed: expected zero or more, got "fast"/],
    [["paper", "--port", "0", "--account", "me"], /--account: expected KEY:SECRET:USDT=10000/],
    [["paper", "--port", "0", "--faults", "nowhere.json"], /--faults: cannot read nowhere.json/],
    [["demo", "--drop", "0"], /--drop: expected percent above 0 and below 100, got "0"/],
    [["demo", "--drop", "1e1"], /--drop: expected a decimal string/],
    [
      ["limits", "set", "--user", "me", "--per-day", "much"],
      /--per-day: expected USDT .*"much"\. Example: --per-day 250/
    ],
    [["limits", "set", "--user", "me", "--per-week", "1e3"], /--per-week: .*"1e3"\. Example: --per-week 1000/],
    [["limits", "set", "--user", "me", "--per-month=-5"], /--per-month: .*"-5"\. Example: --per-month 3000/],
    [["limits", "set", "--user", "me", "--max-open-orders", "1.5"], /--max-open-orders: .*"1\.5"\. Example: /],
    [
      ["limits", "set", "--user", "me", "--asset", "BTC", "--max-share", "25"],
      /--max-share: .*"25"\. Example: .* 0\.25/
    ],
    [["limits", "set", "--user", "me", "--asset", "btc"], /--asset: .*"btc"\. Example: --asset BTC/],
    [["limits", "set", "--user", "me", "--max-share", "0.5"], /--max-share .* need --asset\. Example: --asset BTC/],
    [["serve", "--fast"], /--fast/],
    [["sreve"], /serve/]
  ]
  it.live.each(wrong)("refuse wrong usage with exit code 2: %j", ([args, says]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        refusal(yield* run(args, { cwd: folder, env: { DATA_DIR: folder } }), { code: 2, says })
      })
    )
  )

  journey(
    "make, list and revoke keys, with data on stdout only",
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const command = (...args: ReadonlyArray<string>) => run(args, { cwd: folder, env: { DATA_DIR: folder } })
      const created = yield* command("keys", "create", "--user", "me", "--scopes", "read,trade")
      assert.match(created.stdout, /^bk_\S+\n$/)
      assert.strictEqual(created.stderr, "")
      const listed = yield* command("keys", "list", "--user", "me", "--json")
      const [key] = Schema.decodeSync(ListedKeys)(listed.stdout)
      assert.deepStrictEqual(key?.scopes, ["read", "trade"])
      const rotated = yield* command("keys", "rotate", "--id", key?.id ?? "", "--grace", "0h")
      assert.match(rotated.stdout, /^bk_\S+\n$/)
      assert.notStrictEqual(rotated.stdout, created.stdout)
      assert.strictEqual((yield* command("keys", "revoke", "--id", key?.id ?? "")).code, 0)
      assert.match((yield* command("keys", "list", "--user", "me")).stdout, /revoked/)
      refusal(yield* command("keys", "revoke", "--id", "nope"), { code: 1, says: /No such key/ })
      const nobody = yield* command("keys", "list", "--user", "nobody")
      assert.strictEqual(nobody.stdout, "")
      assert.match(nobody.stderr, /nobody has no keys/)
    })
  )

  journey(
    "wait for the database longer than a request would",
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const create = run(["keys", "create", "--user", "me"], { cwd: folder, env: { DATA_DIR: folder } })
      assert.strictEqual((yield* create).code, 0)
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { write } = yield* Database
        const unlock = yield* lock(folder)
        const waiting = yield* Effect.fork(create)
        const impatient = Effect.flip(write(sql`DELETE FROM users`))
        // Begins later than the command, so that this took all of a request's patience since.
        yield* Effect.repeatN(impatient, 1)
        assert.isNull(waiting.unsafePoll())
        yield* Effect.promise(unlock)
        assert.strictEqual((yield* Fiber.join(waiting)).code, 0)
      }).pipe(Effect.provide(Database.layer({ url: databaseUrl(folder), authToken: null })))
    })
  )

  journey(
    "show the settings in force without their secrets",
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const env = { DATA_DIR: folder, MASTER_KEYS: "k1:very-secret", PAPER_SEED: "7" }
      const shown = yield* run(["config"], { cwd: folder, env })
      assert.include(shown.stdout, "PAPER_SEED=7\n")
      assert.include(shown.stdout, "MASTER_KEYS=<redacted>\n")
      assert.notInclude(shown.stdout + shown.stderr, "very-secret")
      const plan = yield* run(["migrate", "--plan"], { cwd: folder, env: { DATA_DIR: folder } })
      assert.match(plan.stdout, /^(pending +\d{4}_\w+\n)+$/)
    })
  )

  journey(
    "store, test and remove an exchange key that the exchange accepts, and no other",
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const exchange = yield* dipper(["paper", "--port", "0", "--account", "mx0vgl:hidden-part:USDT=10"], {
        cwd: folder
      })
      const [, paperUrl = ""] = yield* exchange.line(/paper exchange ready (\S+)/)
      const env = { DATA_DIR: folder, PAPER_URL: paperUrl }
      const command = (stdin: string, ...args: ReadonlyArray<string>) => run(args, { cwd: folder, env, stdin })
      refusal(yield* command("", "credentials", "test", "--user", "me"), { code: 1, says: /No exchange key is stored/ })
      const store = command("mx0vgl:hidden-part", "credentials", "set", "--user", "me")
      refusal(yield* store, { code: 1, says: /no user me yet.*keys create --user me/ })
      yield* command("", "keys", "create", "--user", "me")
      refusal(yield* command("nonsense", "credentials", "set", "--user", "me"), { code: 2, says: /ACCESS_KEY:SECRET/ })
      refusal(yield* command("mx0vgl:wrong", "credentials", "set", "--user", "me"), { code: 1, says: /refused/ })
      const set = yield* store
      assert.strictEqual(set.code, 0, set.stderr)
      assert.match(set.stdout, /^key mx0v/)
      const tested = yield* command("", "credentials", "test", "--user", "me", "--json")
      assert.include(tested.stdout, '"permissions":["read","trade"]')
      assert.notInclude(set.stdout + set.stderr + tested.stdout, "hidden-part")
      assert.strictEqual((yield* command("", "credentials", "remove", "--user", "me")).code, 0)
      refusal(yield* command("", "credentials", "test", "--user", "me"), { code: 1, says: /No exchange key is stored/ })
    })
  )
})
