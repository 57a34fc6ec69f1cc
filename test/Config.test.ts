import { assert, describe, it } from "@effect/vitest"
import { Either, Redacted } from "effect"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeSettings, readSettings, settings } from "../src/Config.ts"

const refusal = (env: Record<string, string>) => {
  const result = readSettings(env)
  return Either.isLeft(result) ? result.left.message : "accepted"
}

describe("settings", () => {
  it("have a working default each", () => {
    const all = Either.getOrThrow(readSettings({}))
    assert.strictEqual(all.port, 3000)
    assert.strictEqual(all.exchange, "paper")
    assert.strictEqual(all.databaseUrl, "file:data/dipper.db")
  })

  it("stand in .env.example once each, in the same order", () => {
    const example = readFileSync(".env.example", "utf8")
    const names = [...example.matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1])
    assert.deepStrictEqual(
      names,
      Object.values(settings).map((setting) => setting.name)
    )
  })

  it.each([
    [{ PORT: "abc" }, "PORT: expected a whole number from 0 to 65535"],
    [{ EXCHANGE: "binance" }, 'EXCHANGE: expected paper or mexc, got "binance"'],
    [{ HOST: "0.0.0.0" }, "HOST: "],
    [{ TLS_CERT_FILE: "a.pem" }, "TLS_KEY_FILE: certificate and key go together"],
    [{ EXCHANGE: "mexc", PAPER_URL: "http://127.0.0.1:3001" }, "PAPER_URL: set together with EXCHANGE=mexc"],
    [{ MEXC_REST_URL: "http://example.com" }, "MEXC_REST_URL: credentials may only travel over https://"],
    [{ CORS_ORIGINS: "https://a.example/path" }, "CORS_ORIGINS: expected origins without path or star"],
    [{ PAPER_MARKET: "moon" }, "PAPER_MARKET: expected synthetic, replay:FILE or mirror"],
    [{ PAPER_MARKET: "mirror", PAPER_SPEED: "60" }, "PAPER_SPEED: a mirrored market moves at the venue's speed"],
    [{ LISTING_POLL: "2s" }, "LISTING_POLL: expected an ISO 8601 duration"],
    [{ LISTING_POLL: "PT0S" }, "LISTING_POLL: expected an ISO 8601 duration from PT1S to PT1H"],
    [{ HEARTBEAT_URL: "hc-ping.com/x" }, "HEARTBEAT_URL: expected an address that starts with http:// or https://"],
    [{ HEARTBEAT_URL: "https://u:secret@a.example/" }, "HEARTBEAT_URL: expected an address without a name"],
    [{ METRICS_PORT: "off" }, "METRICS_PORT: expected a port from 0 to 65535"],
    [{ AUTH_MODE: "open" }, 'AUTH_MODE: expected local or clerk, got "open"'],
    [{ AUTH_MODE: "clerk" }, "CLERK_PUBLISHABLE_KEY: AUTH_MODE=clerk needs it"],
    [{ AUTH_MODE: "clerk", CLERK_PUBLISHABLE_KEY: "pk_test_x" }, "CLERK_AUTHORIZED_PARTIES: AUTH_MODE=clerk needs it"],
    [{ CLERK_PUBLISHABLE_KEY: "pk_test_x" }, "CLERK_PUBLISHABLE_KEY: set together with AUTH_MODE=local"],
    [{ CLERK_JWT_KEY: "pem" }, "CLERK_JWT_KEY: set together with AUTH_MODE=local"],
    [{ CLERK_SECRET_KEY: "sk_test_x" }, "CLERK_SECRET_KEY: set together with AUTH_MODE=local"],
    [{ CLERK_AUTHORIZED_PARTIES: "https://*.a.example" }, "CLERK_AUTHORIZED_PARTIES: "],
    [
      { CLERK_AUTHORIZED_PARTIES: "https://a.example/app" },
      "CLERK_AUTHORIZED_PARTIES: expected origins without path or star"
    ],
    [{ CLERK_AUTHORIZED_PARTIES: "http://a.example" }, "CLERK_AUTHORIZED_PARTIES: expected origins that begin with"],
    [{ MASTER_KEYS_FILE: "/does/not/exist" }, "MASTER_KEYS: the file that MASTER_KEYS_FILE names does not exist"],
    [{ MASTER_KEYS_FILE: tmpdir() }, "MASTER_KEYS: the file that MASTER_KEYS_FILE names cannot be read"]
  ])("refuse %j in one line with an example", (env, start) => {
    const line = refusal(env)
    assert.isTrue(line.startsWith(start), line)
    assert.match(line, /Example: [A-Z_]+=/)
    assert.notInclude(line, "\n")
  })

  it("read a secret from the file its _FILE variable names, and never show it", () => {
    const file = join(mkdtempSync(join(tmpdir(), "dipper-config-")), "token")
    writeFileSync(file, "very-secret\n")
    const all = Either.getOrThrow(readSettings({ DATABASE_AUTH_TOKEN_FILE: file }))
    assert.strictEqual(all.databaseAuthToken && Redacted.value(all.databaseAuthToken), "very-secret")
    assert.notInclude(JSON.stringify(describeSettings(all)), "very-secret")
    assert.notInclude(JSON.stringify(all), "very-secret")
  })
})
