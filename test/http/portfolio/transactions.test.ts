import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { Transaction } from "../../../src/domain/ledger/LedgerEntry.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { ask, bearer, serve, type Stubs } from "../kit/server.ts"

const entry = (id: number, more: Partial<Transaction> = {}): Transaction => ({
  id: String(id),
  at: 1_772_355_600_000,
  kind: "fill",
  asset: "BTC",
  amount: Decimal.unsafe("-0.5"),
  symbol: SymbolName.make("BTCUSDT"),
  book: "manual",
  reason: null,
  source: `fill:BTCUSDT:${id}`,
  ...more
})

const all = [entry(3), entry(2, { kind: "withdrawal", symbol: null, book: null, reason: `=1+1, "x"` }), entry(1)]

const asked: Array<object> = []
const ledger: Stubs = {
  ledger: {
    transactions: (userId, query) =>
      Effect.sync(() => {
        asked.push({ userId, ...query })
        const rest = all.filter(({ id }) => query.cursor === undefined || Number(id) < Number(query.cursor))
        const items = rest.slice(0, Math.min(2, query.limit))
        return { items, nextCursor: rest.length > items.length ? (items.at(-1)?.id ?? null) : null }
      }),
    costBasis: () => Effect.succeed("average"),
    setCostBasis: () => Effect.void
  }
}

const running = <A, E>(test: (base: string) => Effect.Effect<A, E>) =>
  Effect.flatMap(HttpServer, ({ url }) => test(`${url}/api/v1/account`)).pipe(Effect.provide(serve(ledger)))

const get = (url: string, accept = "application/json") =>
  Effect.promise(async () => {
    const answer = await fetch(url, { headers: { ...bearer("ann:read"), accept } })
    return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() }
  })

const table = [
  "id,at,kind,asset,amount,symbol,book,reason,source",
  "3,2026-03-01T09:00:00.000Z,fill,BTC,-0.5,BTCUSDT,manual,,fill:BTCUSDT:3",
  `2,2026-03-01T09:00:00.000Z,withdrawal,BTC,-0.5,,,"'=1+1, ""x""",fill:BTCUSDT:2`,
  "1,2026-03-01T09:00:00.000Z,fill,BTC,-0.5,BTCUSDT,manual,,fill:BTCUSDT:1",
  ""
].join("\r\n")

describe("The transactions of an account", () => {
  it.live("are listed in pages, by asset, kind and time", () =>
    running((base) =>
      Effect.gen(function* () {
        const page = yield* ask(`${base}/transactions?asset=BTC&kind=fill&from=2026-03-01T00:00:00Z&limit=2`, {
          headers: bearer("ann:read")
        })
        assert.strictEqual(page.status, 200)
        assert.nestedPropertyVal(page.body, "data.items[0].amount", "-0.5")
        assert.nestedPropertyVal(page.body, "data.nextCursor", "2")
        assert.deepInclude(asked.at(-1), { userId: "local_ann", asset: "BTC", kind: "fill", limit: 2 })
        const wrong = yield* ask(`${base}/transactions?kind=gift`, { headers: bearer("ann:read") })
        assert.strictEqual(wrong.code, "VALIDATION_FAILED")
      })
    )
  )

  it.live("are one table for a spreadsheet, all pages of it, in which nothing is a formula", () =>
    running((base) =>
      Effect.gen(function* () {
        for (const answer of [
          yield* get(`${base}/transactions?format=csv`),
          yield* get(`${base}/transactions`, "text/csv")
        ]) {
          assert.strictEqual(answer.status, 200)
          assert.strictEqual(answer.type, "text/csv; charset=utf-8")
          assert.strictEqual(answer.text, table)
        }
        assert.include((yield* get(`${base}/transactions?format=json`, "text/csv")).type ?? "", "application/json")
      })
    )
  )
})

describe("The settings of an account", () => {
  it.live("hold the cost basis, which a key with `manage` may change", () =>
    running((base) =>
      Effect.gen(function* () {
        const now = yield* ask(`${base}/settings`, { headers: bearer("ann:read") })
        assert.nestedPropertyVal(now.body, "data.costBasis", "average")
        const put = (token: string, costBasis: string) =>
          ask(`${base}/settings`, {
            method: "PUT",
            headers: { ...bearer(token), "content-type": "application/json" },
            body: JSON.stringify({ costBasis })
          })
        assert.nestedPropertyVal((yield* put("ann:manage", "fifo")).body, "data.costBasis", "fifo")
        assert.strictEqual((yield* put("ann:trade", "fifo")).code, "FORBIDDEN")
        assert.strictEqual((yield* put("ann:manage", "lifo")).code, "VALIDATION_FAILED")
      })
    )
  )
})
