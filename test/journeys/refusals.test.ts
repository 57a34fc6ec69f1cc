import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { generateKeyPairSync } from "node:crypto"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readSettings } from "../../src/Config.ts"
import { localServer } from "../kit/localServer.ts"
import { run, temporaryFolder } from "../kit/Process.ts"

type Environment = Readonly<Record<string, string>>
type Row = readonly [env: Environment, says: RegExp]

const oneLine = (text: string, says: RegExp) => {
  assert.match(text, says)
  assert.match(text, /^(dipper: )?[A-Z_]+: .+ Example: [A-Z_]+=\S+/)
  assert.notInclude(text.trimEnd(), "\n")
}

/** Refused by the settings alone, before anything is opened. */
const refused = (rows: ReadonlyArray<Row>) =>
  it.each(rows)("%j", (env, says) => {
    const result = readSettings(env)
    oneLine(Either.isLeft(result) ? result.left.message : "accepted", says)
  })

/** Refused by the program, which looks at files, keys and the other side as well. */
const refusedByProgram = (rows: ReadonlyArray<readonly [what: string, env: Environment, says: RegExp]>) =>
  it.live.each(rows)(
    "%s",
    ([, env, says]) =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const { code, stderr, stdout } = yield* run(["serve"], {
          cwd: folder,
          env: { DATA_DIR: join(folder, "data"), PORT: "0", PAPER_PORT: "0", ...env }
        })
        assert.deepStrictEqual([code, stdout], [1, ""], stderr)
        oneLine(stderr, says)
      }).pipe(Effect.scoped),
    60_000
  )

const clerk = {
  AUTH_MODE: "clerk",
  CLERK_PUBLISHABLE_KEY: `pk_test_${Buffer.from("tests.clerk.accounts.dev$").toString("base64")}`,
  CLERK_AUTHORIZED_PARTIES: "https://app.example.com"
}

describe("R01: a value that is none", () =>
  refused([
    [{ PORT: "abc" }, /^PORT: expected a whole number/],
    [{ PORT: "70000" }, /^PORT: expected a whole number from 0 to 65535/],
    [{ TRUST_PROXY: "yes" }, /^TRUST_PROXY: expected a whole number from 0 to 10/],
    [{ API_RATE_PER_MINUTE: "0" }, /^API_RATE_PER_MINUTE: /],
    [{ MAX_RULES_PER_USER: "-1" }, /^MAX_RULES_PER_USER: /],
    [{ METRICS_PORT: "off" }, /^METRICS_PORT: expected a port from 0 to 65535/],
    [{ METRICS_PORT: "3000" }, /^METRICS_PORT: 3000 is the port of the API/],
    [{ LISTING_POLL: "2s" }, /^LISTING_POLL: expected an ISO 8601 duration/],
    [{ LOG_LEVEL: "loud" }, /^LOG_LEVEL: expected trace or debug/],
    [{ LOG_FORMAT: "xml" }, /^LOG_FORMAT: expected pretty or json/],
    [{ DATABASE_URL: "mysql://x" }, /^DATABASE_URL: expected an address that starts with/]
  ]))

describe("R02: a mode that does not exist, and above all one that is open", () =>
  refused([
    [{ AUTH_MODE: "none" }, /^AUTH_MODE: expected local or clerk, got "none"/],
    [{ AUTH_MODE: "open" }, /^AUTH_MODE: /],
    [{ AUTH_MODE: "Local" }, /^AUTH_MODE: /],
    [{ EXCHANGE: "binance" }, /^EXCHANGE: expected paper or mexc/],
    [{ EXCHANGE: "live" }, /^EXCHANGE: /]
  ]))

describe("R03: an address that others reach, where nobody speaks TLS", () =>
  refused(
    ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "example.com", "127.0.0.1.example.com"].map((HOST): Row => [
      { HOST },
      /^HOST: .* is reachable from outside; set TLS_CERT_FILE and TLS_KEY_FILE, or TRUST_PROXY=1/
    ])
  ))

describe("R04: half a certificate, or one that cannot be read", () => {
  refused([
    [{ TLS_CERT_FILE: "a.pem" }, /^TLS_KEY_FILE: certificate and key go together/],
    [{ TLS_KEY_FILE: "a.pem" }, /^TLS_CERT_FILE: certificate and key go together/]
  ])
  refusedByProgram([
    [
      "files that are not there",
      { TLS_CERT_FILE: "a.pem", TLS_KEY_FILE: "b.pem" },
      /TLS_CERT_FILE: a\.pem cannot be read/
    ],
    [
      "files that hold something else",
      { TLS_CERT_FILE: "/etc/hostname", TLS_KEY_FILE: "/etc/hostname" },
      /TLS_CERT_FILE: the certificate and the key of TLS_KEY_FILE do not work together/
    ]
  ])
})

const pem = (modulusLength: number, type: "spki" | "pkcs1") =>
  generateKeyPairSync("rsa", { modulusLength }).publicKey.export({ type, format: "pem" }).toString()

describe("R05: people who sign in, and no way to know them", () => {
  refused([
    [{ AUTH_MODE: "clerk" }, /^CLERK_PUBLISHABLE_KEY: AUTH_MODE=clerk needs it/],
    [{ ...clerk, CLERK_AUTHORIZED_PARTIES: "" }, /^CLERK_AUTHORIZED_PARTIES: AUTH_MODE=clerk needs it/]
  ])
  refusedByProgram([
    [
      "a publishable key that names no instance",
      { ...clerk, CLERK_PUBLISHABLE_KEY: "pk_test_x" },
      /CLERK_PUBLISHABLE_KEY: /
    ],
    ["a public key that is none", { ...clerk, CLERK_JWT_KEY: "random" }, /CLERK_JWT_KEY: /],
    ["one that is too short", { ...clerk, CLERK_JWT_KEY: pem(1_024, "spki") }, /CLERK_JWT_KEY: /]
  ])
})

describe("R06: people who sign in, where nobody does", () =>
  refused(
    [
      ["CLERK_PUBLISHABLE_KEY", clerk.CLERK_PUBLISHABLE_KEY],
      ["CLERK_AUTHORIZED_PARTIES", clerk.CLERK_AUTHORIZED_PARTIES],
      ["CLERK_JWT_KEY", "x"],
      ["CLERK_WEBHOOK_SECRET", "whsec_x"]
    ].map(([name = "", value = ""]): Row => [
      { [name]: value },
      new RegExp(`^${name}: set together with AUTH_MODE=local`)
    ])
  ))

describe("R07: an origin that is none", () =>
  refused([
    ...["https://a.example/app", "https://*.a.example", "a.example", "https://a.example/", "*"].flatMap(
      (origin): ReadonlyArray<Row> => [
        [{ CORS_ORIGINS: origin }, /^CORS_ORIGINS: expected origins without path or star/],
        [{ ...clerk, CLERK_AUTHORIZED_PARTIES: origin }, /^CLERK_AUTHORIZED_PARTIES: /]
      ]
    ),
    [{ ...clerk, CLERK_AUTHORIZED_PARTIES: "http://a.example" }, /^CLERK_AUTHORIZED_PARTIES: .*begin with https/]
  ]))

const key = (bytes: Buffer) => `k1:${bytes.toString("base64")}`

describe("R08: a key ring that protects nothing", () =>
  refusedByProgram([
    ["too short", { MASTER_KEYS: key(Buffer.from("too short")) }, /MASTER_KEYS: .*9 bytes/],
    ["always the same", { MASTER_KEYS: key(Buffer.alloc(32, 7)) }, /MASTER_KEYS: .*not random/],
    ["no key at all", { MASTER_KEYS: "secret" }, /MASTER_KEYS: /]
  ]))

describe("R12: money of one kind and an exchange of the other", () =>
  refused([
    [{ EXCHANGE: "mexc", PAPER_URL: "http://127.0.0.1:3001" }, /^PAPER_URL: set together with EXCHANGE=mexc/],
    [{ PAPER_URL: "http://paper.example.com" }, /^PAPER_URL: a paper exchange is only used on loopback/],
    [{ PAPER_URL: "https://api.mexc.com" }, /^PAPER_URL: /],
    [
      { EXCHANGE: "mexc", MEXC_REST_URL: "http://api.mexc.com" },
      /^MEXC_REST_URL: credentials may only travel over https/
    ],
    [
      { EXCHANGE: "mexc", MEXC_WS_URL: "ws://wbs-api.mexc.com/ws" },
      /^MEXC_WS_URL: credentials may only travel over wss/
    ],
    [{ MEXC_REST_URL: "api.mexc.com" }, /^MEXC_REST_URL: expected an address/],
    [{ PAPER_MARKET: "moon" }, /^PAPER_MARKET: /],
    [{ PAPER_MARKET: "mirror", PAPER_SPEED: "60" }, /^PAPER_SPEED: /]
  ]))

/** An exchange that tells the time, wrongly. */
const clockOffBy = (ms: number) =>
  localServer((request, response) => {
    const time = request.url?.startsWith("/api/v3/time") === true
    response.writeHead(time ? 200 : 404, { "content-type": "application/json" })
    response.end(time ? JSON.stringify({ serverTime: Date.now() + ms }) : "{}")
  })

describe("R13: real money by a clock that is wrong", () => {
  it.scopedLive.each([
    [-60_000, /60\.\d s ahead of the exchange's/],
    [60_000, /(60\.0|59\.\d) s behind the exchange's/]
  ] as const)("%i ms", ([off, says]) =>
    Effect.gen(function* () {
      const url = yield* clockOffBy(off)
      const folder = yield* temporaryFolder
      const { code, stderr } = yield* run(["serve"], {
        cwd: folder,
        env: {
          DATA_DIR: join(folder, "data"),
          PORT: "0",
          EXCHANGE: "mexc",
          MEXC_REST_URL: url,
          MEXC_WS_URL: `${url.replace("http", "ws")}/ws`
        }
      })
      assert.strictEqual(code, 1, stderr)
      assert.match(stderr, says)
      assert.match(stderr, /set it and start again\. Example: timedatectl set-ntp true\n$/)
    })
  )
})

describe("R16: a secret that is given twice, or in a file that is not there", () =>
  refused([
    [
      { MASTER_KEYS: "k1:x", MASTER_KEYS_FILE: "/etc/hostname" },
      /^MASTER_KEYS: set either MASTER_KEYS or MASTER_KEYS_FILE/
    ],
    [{ MASTER_KEYS_FILE: "/does/not/exist" }, /^MASTER_KEYS: the file that MASTER_KEYS_FILE names does not exist/],
    [{ DATABASE_AUTH_TOKEN_FILE: tmpdir() }, /^DATABASE_AUTH_TOKEN: .* cannot be read/]
  ]))

it.scopedLive(
  "R09: a key file that others may read stops the program, with the command that mends it",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      mkdirSync(join(folder, "data"))
      const file = join(folder, "data", "master.keys")
      writeFileSync(file, key(Buffer.from("q8vX1sT0zL5kR7yB2nW4cF6hJ9mPdGaE")))
      chmodSync(file, 0o644)
      const { code, stderr } = yield* run(["serve"], {
        cwd: folder,
        env: { DATA_DIR: join(folder, "data"), PORT: "0", PAPER_PORT: "0" }
      })
      assert.strictEqual(code, 1)
      assert.match(stderr, /master\.keys: .*chmod 600 .*\n$/)
    }),
  60_000
)
