import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type MemoryAsked, symbolOf, withMemoryVenue } from "../kit/memoryVenue.ts"
import { credentials } from "../kit/venueServer.ts"

const day = 86_400_000
const abc = symbolOf("ABCUSDT")

interface Row {
  readonly at: number
  readonly json: object
}

/** A venue that keeps rows and answers with as many of a window as fit, the newest or the oldest. */
const keeping = (endpoint: string, rows: ReadonlyArray<Row>, newestFirst: boolean) => (asked: MemoryAsked) => {
  if (asked.endpoint !== endpoint) return undefined
  const number = (name: string) => Number(asked.query.get(name))
  const inside = rows
    .filter(({ at }) => at >= number("startTime") && at <= number("endTime"))
    .sort((a, b) => (newestFirst ? b.at - a.at : a.at - b.at))
  return { body: JSON.stringify(inside.slice(0, number("limit")).map(({ json }) => json)) }
}

const windowsOf = (asked: ReadonlyArray<MemoryAsked>, endpoint: string) =>
  asked
    .filter((one) => one.endpoint === endpoint)
    .map(({ query }) => [Number(query.get("startTime")), Number(query.get("endTime"))] as const)

describe("deposits and withdrawals", () => {
  it.live("of ninety days come in windows of at most seven, each once, oldest first", () => {
    const now = Date.now()
    const rows = Array.from({ length: 85 }, (_, i): Row => {
      const at = now - i * day - 1
      return {
        at,
        json: { coin: "ABC", amount: `${i + 1}`, status: 5, insertTime: at, txId: `tx${i}`, network: "ABC" }
      }
    })
    const endpoint = "GET /capital/deposit/hisrec"
    return withMemoryVenue(keeping(endpoint, rows, true), ({ asked, client }) =>
      Effect.gen(function* () {
        const deposits = yield* client.deposits(credentials, { from: 0, asset: "ABC" })
        assert.isTrue(deposits.complete)
        assert.deepStrictEqual(
          deposits.rows.map(({ txId }) => txId),
          rows.map((_, i) => `tx${84 - i}`)
        )
        const windows = windowsOf(asked, endpoint)
        assert.lengthOf(windows, 13)
        for (const [from, to] of windows) {
          assert.isAtMost(to - from, 7 * day)
          // Earlier the venue answers with code 400.
          assert.isAbove(from, now - 90 * day)
        }
        assert.strictEqual(asked[1]?.query.get("coin"), "ABC")
      })
    )
  })

  it.live("of a range ask only for that range", () =>
    withMemoryVenue(keeping("GET /capital/withdraw/history", [], true), ({ asked, client }) =>
      Effect.gen(function* () {
        const to = Date.now() - 10 * day
        const found = yield* client.withdrawals(credentials, { from: to - 9 * day, to })
        assert.deepStrictEqual(found, { rows: [], complete: true })
        const windows = windowsOf(asked, "GET /capital/withdraw/history")
        assert.deepStrictEqual(
          [windows.length, Math.min(...windows.flat()), Math.max(...windows.flat())],
          [2, to - 9 * day, to]
        )
      })
    )
  )
})

describe("transfers", () => {
  it.live("come page by page until one is not full", () => {
    const row = (n: number) => ({
      tranId: `${n}`,
      asset: "ABC",
      amount: "1",
      fromAccountType: "SPOT",
      toAccountType: "FUTURES",
      status: "SUCCESS",
      timestamp: Date.now() - 1_000 - n
    })
    const rows = Array.from({ length: 250 }, (_, i) => row(i))
    return withMemoryVenue(
      ({ endpoint, query }) => {
        if (endpoint !== "GET /capital/transfer") return undefined
        const [page, size] = [Number(query.get("page")), Number(query.get("size"))]
        return { body: JSON.stringify({ rows: rows.slice((page - 1) * size, page * size), total: 250 }) }
      },
      ({ asked, client }) =>
        Effect.gen(function* () {
          const query = { from: Date.now() - day, source: "SPOT", target: "FUTURES" }
          const found = yield* client.transfers(credentials, query)
          assert.strictEqual(found.rows.length, 250)
          assert.isTrue(found.complete)
          assert.deepStrictEqual(
            asked.filter(({ endpoint }) => endpoint !== "GET /time").map(({ query: sent }) => sent.get("page")),
            ["1", "2", "3"]
          )
        })
    )
  })
})

describe("orders of a pair", () => {
  const orders = (count: number): ReadonlyArray<Row> =>
    Array.from({ length: count }, (_, i) => {
      const at = Date.now() - 6 * day + i * 1_000
      return {
        at,
        json: {
          symbol: "ABCUSDT",
          orderId: `C${i + 1}`,
          executedQty: "0",
          cummulativeQuoteQty: "0",
          status: "CANCELED",
          type: "LIMIT",
          side: "BUY",
          time: at
        }
      }
    })

  for (const newestFirst of [true, false]) {
    it.live(`come whole from pages of a thousand, ${newestFirst ? "newest" : "oldest"} first`, () => {
      const rows = orders(2_600)
      return withMemoryVenue(keeping("GET /allOrders", rows, newestFirst), ({ asked, client }) =>
        Effect.gen(function* () {
          const found = yield* client.allOrders(credentials, abc, 0)
          assert.isTrue(found.complete)
          assert.deepStrictEqual(
            found.rows.map(({ exchangeOrderId }) => exchangeOrderId),
            rows.map((_, i) => `C${i + 1}`)
          )
          for (const [from, to] of windowsOf(asked, "GET /allOrders")) assert.isAtMost(to - from, 7 * day)
        })
      )
    })
  }

  it.live("of one moment that do not fit on a page make a list that is not whole", () => {
    const at = Date.now() - day
    const rows = orders(1_400).map((row) => ({ at, json: { ...row.json, time: at } }))
    return withMemoryVenue(keeping("GET /allOrders", rows, true), ({ client }) =>
      Effect.map(client.allOrders(credentials, abc, 0), (found) => {
        assert.isFalse(found.complete)
        assert.strictEqual(found.rows.length, 1_000)
      })
    )
  })

  it.live("with an odd row on a full page are read on beyond it, and are not whole", () => {
    const rows = orders(1_500).map((row, i) => (i === 700 ? { ...row, json: { ...row.json, side: "HOLD" } } : row))
    return withMemoryVenue(keeping("GET /allOrders", rows, true), ({ client }) =>
      Effect.map(client.allOrders(credentials, abc, 0), (found) => {
        assert.isFalse(found.complete)
        assert.strictEqual(found.rows.length, 1_499)
      })
    )
  })
})
