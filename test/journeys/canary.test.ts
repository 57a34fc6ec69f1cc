import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { claims, header, jwkOf, keys, kid, party, sign } from "../accounts/clerk/tokens.ts"
import { localClerk } from "../kit/Clerk.ts"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { eventually, paperExchangeOf, service } from "../kit/Service.ts"

/** A secret in the forms in which something that handles it could write it down. */
const formsOf = (secret: string): ReadonlyArray<string> => {
  const bytes = Buffer.from(secret)
  // What base64 makes of it at each place in a longer text, less the letters that its neighbours decide.
  const base64 = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .slice(before === 0 ? 0 : before + 1, -4)
  )
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString("hex"),
    ...base64,
    secret.slice(0, 12),
    secret.slice(-12)
  ]
}

const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

const random = (prefix: string) => `${prefix}${randomBytes(24).toString("base64url").replaceAll("-", "x")}`

it.scopedLive(
  "C01, C05 and T23: no secret is in a log, an answer, the database or anything else that is written down",
  () =>
    Effect.gen(function* () {
      const [access, secret, wrongAccess, wrongSecret] = ["mx0", "s", "mx0", "w"].map(random)
      const webhookSecret = `whsec_${randomBytes(32).toString("base64")}`
      const secretKey = random("sk_test_")
      const clerk = yield* localClerk
      clerk.state.keys = [jwkOf(keys.publicKey, kid)]
      const session = sign(header(), claims({ sub: "user_ann", sid: "sess_ann", iss: clerk.issuer }))
      const stale = sign(header(), claims({ sub: "user_ann", sid: "sess_ann", iss: clerk.issuer, fva: [600, -1] }))
      const paper = yield* paperExchangeOf("--account", `${access}:${secret}:USDT=10000`)
      yield* paper.price("BTCUSDT", "60000")
      const folder = yield* temporaryFolder
      const env = {
        LOG_LEVEL: "trace",
        AUTH_MODE: "clerk",
        CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
        CLERK_AUTHORIZED_PARTIES: party,
        CLERK_WEBHOOK_SECRET: webhookSecret,
        CLERK_SECRET_KEY: secretKey
      }
      const first = yield* service(folder, paper, env)
      const printed: Array<string> = []
      const cli = (stdin: string, ...args: ReadonlyArray<string>) =>
        Effect.map(
          run(args, {
            cwd: folder,
            stdin,
            env: { DATA_DIR: folder, PAPER_URL: paper.url, LOG_FORMAT: "json", ...env }
          }),
          (done) => {
            printed.push(done.stdout, done.stderr)
            return done
          }
        )
      const created = yield* run(["keys", "create", "--user", "me", "--scopes", "read,trade,manage"], {
        cwd: folder,
        env: { DATA_DIR: folder, PAPER_URL: paper.url }
      })
      const key = created.stdout.trim()

      const answers: Array<string> = []
      const ask = (url: string, method: string, path: string, token: string | null, body?: object, more: object = {}) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}${path}`, {
            method,
            headers: {
              "idempotency-key": `canary-key-${String(answers.length).padStart(8, "0")}`,
              ...(token === null ? {} : { authorization: `Bearer ${token}` }),
              ...(body === undefined ? {} : { "content-type": "application/json" }),
              ...more
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) })
          })
          answers.push(JSON.stringify([...response.headers]), await response.text())
          return response.status
        })
      const order = { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "50" }
      const pair = { accessKey: access, secretKey: secret }
      const wrong = { accessKey: wrongAccess, secretKey: wrongSecret }

      const scenario = (url: string) =>
        Effect.gen(function* () {
          const put = (token: string, body: object) => ask(url, "PUT", "/api/v1/account/credentials", token, body)
          assert.strictEqual(yield* put(stale, pair), 403)
          assert.strictEqual(yield* put(session, wrong), 422)
          assert.strictEqual(yield* put(session, { ...pair, secretKey: wrongSecret }), 422)
          assert.strictEqual(yield* put(session, { ...pair, extra: secret }), 400)
          assert.strictEqual(yield* put(session, pair), 200)
          assert.strictEqual(yield* put(key, pair), 403)
          for (const token of [session, key]) {
            yield* ask(url, "GET", "/api/v1/account/credentials", token)
            yield* ask(url, "POST", "/api/v1/account/wallet/refresh", token)
            yield* ask(url, "POST", "/api/v1/trading/orders", token, order)
            yield* ask(url, "POST", "/api/v1/trading/orders", token, { ...order, quoteAmount: "1000000" })
            yield* ask(url, "GET", "/api/v1/account/keys", token)
            yield* ask(url, "GET", "/api/v1/account/events", token)
            yield* ask(url, "GET", "/metrics", token)
          }
          // T23: neither in an address nor in a cookie does a token count, and the log does not keep it.
          assert.strictEqual(yield* ask(url, "GET", `/api/v1/account/wallet?token=${session}`, null), 400)
          assert.strictEqual(yield* ask(url, "GET", `/api/v1/account/wallet?ticket=${key}`, null), 400)
          assert.strictEqual(yield* ask(url, "GET", `/api/v1/account/events?ticket=${key}`, null), 401)
          assert.strictEqual(
            yield* ask(url, "GET", "/api/v1/account/wallet", null, undefined, { cookie: `__session=${session}` }),
            401
          )
          // Whoever sends a secret in an address is told the address, and nobody else is.
          yield* Effect.promise(() => fetch(`${url}/api/v1/${secret}`))
          yield* ask(url, "GET", "/api/v1/account/wallet", `${key.slice(0, -1)}0`)
          yield* ask(url, "GET", "/api/v1/account/wallet", `${session.slice(0, -6)}AAAAAA`)
          yield* ask(url, "POST", "/api/v1/account/webhooks/clerk", null, { note: webhookSecret }, { "svix-id": "m" })
        })

      yield* scenario(first.url)
      yield* cli(`${access}:${secret}\n`, "credentials", "set", "--user", "me")
      yield* cli(`${wrongAccess}:${wrongSecret}\n`, "credentials", "set", "--user", "me")
      yield* cli(`${access}:${secret}:more\n`, "credentials", "set", "--user", "me")
      yield* cli("", "credentials", "test", "--user", "me")
      // C05
      yield* cli("", "config")
      yield* cli("", "config", "--json")
      yield* first.process.stop("SIGKILL")

      const second = yield* service(folder, paper, env)
      yield* scenario(second.url)
      yield* paper.fault("dropAfterBooking")
      yield* ask(second.url, "POST", "/api/v1/trading/orders", session, order)
      yield* eventually(
        "the order",
        ask(second.url, "GET", "/api/v1/trading/orders", session),
        (status) => status === 200
      )
      yield* second.process.stop("SIGTERM")
      const refusedStart = yield* dipper(["serve"], {
        cwd: folder,
        env: { DATA_DIR: folder, PORT: "0", PAPER_URL: paper.url, MASTER_KEYS: "k1:short", ...env }
      })
      assert.strictEqual(yield* refusedStart.exit, 1)

      const master = readFileSync(join(folder, "master.keys"), "utf8").trim().split(":")[1] ?? ""
      const secrets = {
        access,
        secret,
        wrongAccess,
        wrongSecret,
        webhookSecret,
        secretKey,
        session,
        stale,
        key,
        master
      }
      const processes = [first.process, second.process, refusedStart]
      const written = new Map<string, string>([
        ...filesIn(folder)
          .filter((path) => !path.endsWith("master.keys"))
          .map((path): [string, string] => [path, readFileSync(path, "latin1")]),
        ...processes.map((process, n): [string, string] => [`log ${n}`, process.stdout() + process.stderr()]),
        ["answers", answers.join("\n")],
        ["command line", printed.join("\n")]
      ])
      assert.isTrue(existsSync(join(folder, "dipper.db")))
      for (const [place, text] of written) assert.isAbove(text.length, 0, place)
      assert.include(written.get("log 1") ?? "", "user_ann")
      for (const [name, value] of Object.entries(secrets))
        for (const [n, form] of formsOf(value ?? "").entries()) {
          // Tokens of one signer begin alike, and the first letters of an access key are shown.
          if (n === 7 && ["session", "stale", "webhookSecret", "access", "wrongAccess", "key"].includes(name)) continue
          for (const [place, text] of written) assert.isFalse(text.includes(form), `${name} (form ${n}) in ${place}`)
        }
    }),
  120_000
)
