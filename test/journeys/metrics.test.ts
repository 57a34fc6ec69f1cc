import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { createServer, request } from "node:http"
import { join } from "node:path"
import { client, createKey, buyBelow50000, eventually, paperExchange, service } from "../kit/Service.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { type Parsed, parse } from "../http/metrics/kit/prometheus.ts"

const root = join(import.meta.dirname, "../..")

/** Name, type and labels of each row of the contract. */
const contract = new Map(
  readFileSync(join(root, "docs/monitoring.md"), "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, name, type, labels] = /^\| `([a-z_]+)` *\| (\w+) *\| ([^|]*) \|/.exec(line) ?? []
      if (name === undefined || type === undefined || labels === undefined) return []
      return [[name, { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort() }] as const]
    })
)

const freePort = Effect.async<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const ask = (port: number, path = "/metrics", headers: Record<string, string> = {}, method = "GET") =>
  Effect.async<{ status: number; type: string; body: string }>((resume) => {
    request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk))
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", body }))
      )
    }).end()
  })

const valueOf = (families: ReadonlyMap<string, Parsed>, name: string, labels: Record<string, string> = {}) =>
  families
    .get(name)
    ?.samples.find((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))?.value

describe("The metrics", () => {
  it.scopedLive(
    "are those of docs/monitoring.md, no more and no less, and move when a rule buys",
    () =>
      Effect.gen(function* () {
        const paper = yield* paperExchange
        yield* paper.price("BTCUSDT", "60000")
        const port = yield* freePort
        const running = yield* service(yield* temporaryFolder, paper, { METRICS_PORT: String(port) })
        const key = yield* createKey(running.command)
        const api = yield* client(running.url, key)
        yield* api.account.getWallet()
        yield* api.trading.createRule({
          payload: buyBelow50000,
          headers: { "idempotency-key": "a-rule-for-the-metrics" }
        })
        const scrape = Effect.map(ask(port), ({ body }) => parse(body))
        yield* eventually("armed", scrape, (read) => valueOf(read, "dipper_rules_armed") === 1)
        yield* paper.price("BTCUSDT", "49990")
        const families = yield* eventually(
          "bought",
          scrape,
          // A fill may be told before the answer to its order.
          (read) =>
            valueOf(read, "dipper_rule_firings_total", { outcome: "executed" }) === 1 &&
            valueOf(read, "dipper_orders_total", { outcome: "accepted" }) === 1
        )

        assert.deepStrictEqual([...families.keys()].sort(), [...contract.keys()].sort())
        for (const [name, { samples, type }] of families) {
          const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)).filter((of) => of !== "le"))
          const known = contract.get(name)
          assert.strictEqual(type, known?.type, name)
          assert.deepStrictEqual([...labels].sort(), known?.labels, name)
        }
        const expected: ReadonlyArray<readonly [string, Record<string, string>, number]> = [
          ["dipper_orders_total", { outcome: "accepted" }, 1],
          ["dipper_orders_total", { outcome: "unknown" }, 0],
          ["dipper_orders_unknown", {}, 0],
          ["dipper_rules", { state: "active" }, 1],
          ["dipper_rules", { state: "quarantined" }, 0],
          ["dipper_decision_seconds", {}, 1],
          ["dipper_trading_owner", {}, 1],
          ["dipper_engine_alive", {}, 1],
          ["dipper_database_up", {}, 1],
          ["dipper_symbols_watched", {}, 1],
          ["dipper_stream_connections", { stream: "market" }, 1],
          ["dipper_venue_budget_capacity", { budget: "ipWeight" }, 300],
          ["dipper_info", { venue: "paper" }, 1]
        ]
        for (const [name, labels, value] of expected) {
          const found = name.endsWith("_seconds")
            ? families.get(name)?.samples.find((sample) => sample.name === `${name}_count`)?.value
            : valueOf(families, name, labels)
          assert.strictEqual(found, value, name)
        }
        // No label tells of a user, an order or a rule.
        assert.notMatch((yield* ask(port)).body, /local_|rule_0|ord_|exe_|BTCUSDT/)
      }),
    120_000
  )

  it.scopedLive(
    "have a port of their own that answers this machine only, and stops with the service",
    () =>
      Effect.gen(function* () {
        const paper = yield* paperExchange
        const port = yield* freePort
        const running = yield* service(yield* temporaryFolder, paper, { METRICS_PORT: String(port) })
        assert.match((yield* ask(port)).type, /^text\/plain; version=0\.0\.4/)
        assert.strictEqual((yield* ask(port, "/api/v1/status")).status, 404)
        assert.strictEqual((yield* ask(port, "/metrics", {}, "POST")).status, 405)
        assert.strictEqual((yield* ask(port, "/metrics", { origin: "https://evil.example" })).status, 403)
        assert.strictEqual((yield* ask(port, "/metrics", { host: "evil.example" })).status, 403)
        // A second service on the same port says which setting is in the way.
        const second = yield* Effect.flip(service(yield* temporaryFolder, paper, { METRICS_PORT: String(port) }))
        assert.match(second.stderr, /^dipper: METRICS_PORT: \d+ on 127\.0\.0\.1 is already in use/m)
        assert.strictEqual(yield* running.process.stop("SIGTERM"), 0)
      }),
    120_000
  )
})
