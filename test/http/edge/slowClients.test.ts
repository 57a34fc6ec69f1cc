import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schedule } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { Transaction } from "../../../src/domain/ledger/LedgerEntry.ts"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { ask, raw, serve, type Stubs } from "../kit/server.ts"
import { closed, forEver, sockets } from "../kit/sockets.ts"

describe("Too many connections", () => {
  it.scopedLive("H07: stay open up to their limit, and who watches the service still gets in by the other door", () =>
    Effect.gen(function* () {
      const { metricsPort, port } = yield* HttpServer
      const all = yield* sockets(port, 300, () => "")
      yield* closed(all, 100)
      assert.strictEqual(all.filter((socket) => !socket.destroyed).length, 200)
      assert.strictEqual(yield* raw(port, ["GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n"]), "")
      const probes = `http://127.0.0.1:${metricsPort}`
      for (const path of ["/api/v1/status/live", "/api/v1/status/ready"]) {
        const { body, status } = yield* ask(probes + path)
        assert.deepStrictEqual([status, body], [200, { success: true, data: { status: "up" } }])
      }
      assert.match(String((yield* ask(`${probes}/metrics`)).body), /^dipper_http_active 0$/m)
      assert.strictEqual((yield* ask(`${probes}/api/v1/account`)).code, "ROUTE_NOT_FOUND")
    }).pipe(
      Effect.provide(
        serve(
          { readiness: { ready: Effect.succeed("up") } },
          { maxConnections: 200, metricsPort: 0, timeouts: forEver }
        )
      )
    )
  )
})

const row = (id: number): Transaction => ({
  id: String(id),
  at: 1_772_355_600_000,
  kind: "fill",
  asset: "BTC",
  amount: Decimal.unsafe("-0.5"),
  symbol: null,
  book: "manual",
  reason: "a".repeat(4_000),
  source: `fill:BTCUSDT:${id}`
})
const rows = Array.from({ length: 500 }, (_, id) => row(id))

/** A table that never ends. */
const endless: Stubs = { ledger: { transactions: () => Effect.succeed({ items: rows, nextCursor: "1" }) } }

const eventually = <A>(what: Effect.Effect<A>, holds: (value: A) => boolean) =>
  what.pipe(
    Effect.filterOrFail(holds, (value) => `still ${String(value)}`),
    Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo("60 seconds")))
  )

describe("Slow readers", () => {
  it.scopedLive(
    "H08: a thousand of them hold some places and some memory, and are cut off",
    () =>
      Effect.gen(function* () {
        const { metricsPort, port } = yield* HttpServer
        const before = process.memoryUsage().rss
        const request = (i: number) =>
          `GET /api/v1/account/transactions?format=csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user${i % 100}:read\r\n\r\n`
        const all = yield* sockets(port, 1_000, request)
        const metrics = Effect.map(ask(`http://127.0.0.1:${metricsPort}/metrics`), ({ body }) => String(body))
        const count = (text: string, status: string) =>
          Number(
            new RegExp(
              `^dipper_http_requests_total{.*route="/api/v1/account/transactions",status="${status}"} (\\d+)$`,
              "m"
            ).exec(text)?.[1] ?? 0
          )
        // Those that were let in were cut off (and count as gone), the others were told to come back.
        const text = yield* eventually(metrics, (found) => count(found, "4xx") + count(found, "5xx") === 1_000)
        assert.isAtLeast(count(text, "4xx"), 20)
        assert.isAtMost(count(text, "4xx"), 200)
        assert.match(text, /^dipper_http_active 0$/m)
        assert.isBelow(process.memoryUsage().rss - before, 300e6)
        yield* closed(all, count(text, "4xx"))
      }).pipe(
        Effect.provide(
          serve(endless, { maxActive: 40, metricsPort: 0, timeouts: { ...forEver, stalledMs: 3_000, idleMs: 3_000 } })
        )
      ),
    90_000
  )

  it.scopedLive("H08: who waits for our own answer is no slow reader", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<number>()
      const silent: Stubs = {
        wallets: {
          get: () =>
            Effect.zipRight(
              Deferred.sync(asked, () => performance.now()),
              Effect.never
            )
        }
      }
      yield* Effect.gen(function* () {
        const { port } = yield* HttpServer
        const request = "GET /api/v1/account/wallet HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann:read\r\n\r\n"
        const one = yield* sockets(port, 1, () => request)
        const begun = yield* Deferred.await(asked)
        yield* closed(one, 1)
        assert.isAtLeast(performance.now() - begun, 2_000)
      }).pipe(Effect.provide(serve(silent, { timeouts: { ...forEver, stalledMs: 1_000, idleMs: 3_000 } })))
    })
  )
})
