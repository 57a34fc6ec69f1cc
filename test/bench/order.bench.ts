import { it } from "@effect/vitest"
import { createClient } from "@libsql/client"
import { Effect } from "effect"
import { join } from "node:path"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, paperExchange, ruleRequest, service } from "../kit/Service.ts"
import { print } from "./kit.ts"
import { tap } from "./tap.ts"

const orders = 150
/** Below the venue's twelve a second: what is measured is the way of an order, not its wait for the budget. */
const apart = "120 millis"

const quantiles = (values: ReadonlyArray<number>): string => {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(0)
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}`
}

const rule = ruleRequest({
  symbol: "BTCUSDT",
  trigger: { type: "manual" },
  size: { type: "quote", amount: "5" },
  limits: { total: "100000" }
})

/** What nobody can do without: two commits that are on the disk, and a request. */
const floor = (url: string) =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const sql = createClient({ url: `file:${join(folder, "floor.db")}` })
    yield* Effect.addFinalizer(() => Effect.sync(() => sql.close()))
    return yield* Effect.promise(async () => {
      await sql.execute("PRAGMA journal_mode = WAL")
      await sql.execute("PRAGMA synchronous = FULL")
      await sql.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, sent INTEGER)")
      const begins: Array<number> = []
      for (let i = 0; i < orders; i++) {
        begins.push(Date.now())
        await sql.execute({ sql: "INSERT INTO orders VALUES (?, NULL)", args: [i] })
        await sql.execute({ sql: "UPDATE orders SET sent = 1 WHERE id = ?", args: [i] })
        await (await fetch(`${url}/api/v3/ping`, { method: "GET" })).text()
      }
      return begins
    })
  })

it.scopedLive("from a decision to the bytes of its order", () =>
  Effect.gen(function* () {
    const paper = yield* paperExchange
    yield* paper.price("BTCUSDT", "50000")
    const { seen, url } = yield* tap(paper.url)
    const running = yield* service(yield* temporaryFolder, { ...paper, url }, { API_RATE_PER_MINUTE: "100000" })
    const api = yield* client(running.url, yield* createKey(running.command))
    yield* api.account.getWallet()
    const { id } = yield* api.trading.createRule({
      payload: rule,
      headers: { "idempotency-key": "bench-order-rule-1" }
    })
    const path = { id }
    for (let i = 0; i < orders; i++) {
      yield* api.trading.runRule({ path, headers: { "idempotency-key": `bench-order-run-${i}` } })
      yield* Effect.sleep(apart)
    }
    const { items } = yield* api.trading.listRuleExecutions({ path, urlParams: { limit: orders } })
    const decided = items
      .map(({ latency, triggeredAt }) => triggeredAt + (latency.decideMs ?? Number.NaN))
      .toSorted((a, b) => a - b)
    const left = seen.filter(({ request }) => request === "POST /api/v3/order").map(({ at }) => at)
    if (left.length !== decided.length)
      return yield* Effect.dieMessage(`${left.length} orders of ${decided.length} firings`)

    const before = seen.length
    const begins = yield* floor(url)
    const pings = seen.slice(before).filter(({ request }) => request === "GET /api/v3/ping")
    const between = (from: ReadonlyArray<number>, to: ReadonlyArray<number>) =>
      from.map((at, i) => (to[i] ?? Number.NaN) - at)
    print(`${orders} firings one after the other, ms`, [
      ["decision to the first bytes at the exchange", quantiles(between(decided, left))],
      ["firing to decision", quantiles(items.map(({ latency }) => latency.decideMs ?? Number.NaN))],
      [
        "two synced commits and a request of bare node",
        quantiles(
          between(
            begins,
            pings.map(({ at }) => at)
          )
        )
      ]
    ])
  })
)
