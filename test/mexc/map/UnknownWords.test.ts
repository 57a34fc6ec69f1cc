import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import type { MexcClient } from "../../../src/mexc/MexcClient.ts"
import type { VenueFailure } from "../../../src/mexc/VenueFailure.ts"
import { driftOf, only, withMemoryVenue } from "../kit/memoryVenue.ts"
import { credentials } from "../kit/venueServer.ts"

type Client = typeof MexcClient.Service
type Drift = typeof ContractDrift.Service

const t = 1_790_000_000_000
const json = JSON.stringify

const lastWord = (drift: Drift) =>
  Effect.map(drift.counters, (all) => all.find(({ kind }) => kind === "word")?.last ?? null)

const pair = {
  symbol: "ABCUSDT",
  status: "1",
  baseAsset: "ABC",
  quoteAsset: "USDT",
  baseAssetPrecision: 2,
  quotePrecision: 3,
  isSpotTradingAllowed: true,
  permissions: ["SPOT"],
  orderTypes: ["LIMIT", "MARKET"],
  tradeSideType: 1,
  filters: []
}

/** How a pair is read that differs by `change`, and the alarm it raises. */
const read = (change: object, more: ReadonlyArray<object> = []) =>
  withMemoryVenue(
    ({ endpoint }) =>
      endpoint === "GET /exchangeInfo"
        ? { body: json({ symbols: [{ ...pair, ...change }, ...more] }) }
        : endpoint === "GET /defaultSymbols"
          ? { body: json({ code: 200, data: ["ABCUSDT"] }) }
          : undefined,
    ({ client, drift }) =>
      Effect.gen(function* () {
        const [info] = yield* client.symbols
        return { info, drift: yield* driftOf(drift), last: yield* lastWord(drift) }
      })
  )

const calls = (endpoint: string, body: unknown, call: (client: Client) => Effect.Effect<unknown, VenueFailure>) =>
  withMemoryVenue(only(endpoint, body), ({ client, drift }) => Effect.zipRight(call(client), driftOf(drift)))

describe("a word of a pair that nobody knows", () => {
  it.live("as its status, makes it untradable by that name", () =>
    Effect.gen(function* () {
      const { drift, info, last } = yield* read({ status: "7" })
      assert.deepStrictEqual([info?.tradable, info?.untradableReason], [false, `The pair has the unknown status "7".`])
      assert.deepStrictEqual(drift, { word: 1 })
      assert.strictEqual(last, `GET /exchangeInfo: status "7"`)
      const offline = yield* read({ status: "3" })
      assert.deepInclude(offline.info, { untradableReason: "The venue has taken this pair offline." })
      assert.deepStrictEqual(offline.drift, {})
    })
  )

  it.live("as its open sides, makes it untradable, not open on both", () =>
    Effect.gen(function* () {
      const { drift, info } = yield* read({ tradeSideType: 5 })
      assert.isFalse(info?.tradable)
      assert.strictEqual(info?.untradableReason, `The pair has open sides of the unknown kind "5".`)
      assert.deepStrictEqual(drift, { word: 1 })
    })
  )

  it.live("as an order type or a filter, is told once however many pairs have it", () =>
    Effect.gen(function* () {
      const odd = { orderTypes: ["LIMIT", "ICEBERG"], filters: [{ filterType: "MAX_POSITION" }] }
      const { drift, info, last } = yield* read(odd, [{ ...pair, ...odd, symbol: "XYZUSDT" }])
      assert.isTrue(info?.tradable)
      assert.deepStrictEqual(drift, { word: 2 })
      assert.strictEqual(last, `GET /exchangeInfo: filter "MAX_POSITION"`)
    })
  )
})

describe("a word of a wallet that nobody knows", () => {
  it.live("raises the alarm, once for all rows that have it", () =>
    Effect.gen(function* () {
      const range = { from: Date.now() - 3_600_000 }
      const deposit = { coin: "ABC", netWork: "BSC", amount: 5, insertTime: t, txId: null }
      assert.deepStrictEqual(
        yield* calls(
          "GET /capital/deposit/hisrec",
          [77, 77, 5, "LOST"].map((status, i) => ({ ...deposit, status, txId: `${i}` })),
          (client) => client.deposits(credentials, range)
        ),
        { word: 2 }
      )
      const withdrawal = { id: "1", coin: "ABC", netWork: "BSC", amount: 5, applyTime: t, status: 99 }
      assert.deepStrictEqual(
        yield* calls("GET /capital/withdraw/history", [withdrawal], (client) => client.withdrawals(credentials, range)),
        { word: 1 }
      )
      const transfer = {
        tranId: "1",
        asset: "ABC",
        amount: "5",
        fromAccountType: "SPOT",
        toAccountType: "FUTURES",
        status: "STUCK",
        timestamp: t
      }
      assert.deepStrictEqual(
        yield* calls("GET /capital/transfer", { rows: [transfer], total: 1 }, (client) =>
          client.transfers(credentials, { ...range, source: "SPOT", target: "FUTURES" })
        ),
        { word: 1 }
      )
    })
  )

  it.live("as a level of identity or a state of a pair that is gone, raises it too", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* calls("GET /kyc/status", { status: "9" }, (client) => client.kycLevel(credentials)),
        { word: 1 }
      )
      assert.deepStrictEqual(
        yield* calls(
          "GET /symbol/offline",
          { data: [{ symbol: "OLDUSDT", state: 8 }] },
          (client) => client.offlineSymbols
        ),
        { word: 1 }
      )
    })
  )
})
