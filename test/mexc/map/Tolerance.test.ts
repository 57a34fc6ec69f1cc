import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { ClientOrderId } from "../../../src/domain/Ids.ts"
import type { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { driftOf, only, symbolOf, withMemoryVenue } from "../kit/memoryVenue.ts"
import { plain } from "../kit/plain.ts"
import { credentials } from "../kit/venueServer.ts"
import { order } from "../fuzz/samples.ts"

type Client = typeof MexcClient.Service

const abc = symbolOf("ABCUSDT")
const t = 1_790_000_000_000
const day = 86_400_000

/** The raw text of an answer, because a test must say `1.50` and eighteen-digit numbers. */
const answers = <A, E>(endpoint: string, text: string, call: (client: Client) => Effect.Effect<A, E>) =>
  withMemoryVenue(
    (asked) => (asked.endpoint === endpoint ? { body: text } : only("", null)(asked)),
    ({ client, drift }) =>
      Effect.gen(function* () {
        const value = plain(yield* call(client))
        return { value: Object(value), drift: yield* driftOf(drift) }
      })
  )

const fails = <A, E extends { readonly _tag: string }>(
  endpoint: string,
  text: string,
  call: (client: Client) => Effect.Effect<A, E>
) =>
  withMemoryVenue(
    (asked) => (asked.endpoint === endpoint ? { body: text } : only("", null)(asked)),
    ({ client }) => Effect.map(Effect.flip(call(client)), (failure) => failure._tag)
  )

const json = JSON.stringify

const orderRow = {
  symbol: "ABCUSDT",
  orderId: "C02__7",
  clientOrderId: null,
  price: "1.5",
  origQty: "2",
  executedQty: "0.5",
  cummulativeQuoteQty: "0.75",
  status: "PARTIALLY_FILLED",
  type: "LIMIT",
  side: "BUY",
  time: t,
  updateTime: null,
  origQuoteOrderQty: "3"
}
const openOrders = (client: Client) => client.openOrders(credentials, abc)
const oneOrder = (client: Client) =>
  Effect.map(client.order(credentials, abc, Schema.decodeSync(ClientOrderId)("dpTol")), Option.getOrNull)

const pairs = (rows: ReadonlyArray<object>) =>
  withMemoryVenue(
    ({ endpoint }) =>
      endpoint === "GET /exchangeInfo"
        ? { body: json({ symbols: rows }) }
        : endpoint === "GET /defaultSymbols"
          ? { body: json(["ABCUSDT"].length === 1 ? { code: 200, data: ["ABCUSDT", "OLDUSDT"], msg: null } : {}) }
          : undefined,
    ({ client, drift }) => Effect.zip(client.symbols, driftOf(drift))
  )

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
  baseSizePrecision: "0",
  quoteAmountPrecision: "1",
  maxQuoteAmount: "1000"
}

describe("what the venue writes in another way means the same:", () => {
  it.live("numbers as numbers, ids as numbers, and lists of one", () =>
    Effect.gen(function* () {
      const ticker = yield* answers(
        "GET /ticker/24hr",
        `[{"symbol":"ABCUSDT","lastPrice":1.50,"bidPrice":1.5e0,"askPrice":"1.6","bidQty":"","askQty":null,"openPrice":"","highPrice":null,"lowPrice":"1.4","volume":null,"quoteVolume":null,"priceChangePercent":"","closeTime":"${t}"}]`,
        (client) => client.ticker(abc)
      )
      assert.deepInclude(ticker.value, { last: "1.5", bid: "1.5", bidQuantity: null, askQuantity: null, high: "1.5" })
      assert.deepInclude(ticker.value, { open: "1.5", low: "1.4", volume: "0", quoteVolume: null, asOf: t })
      const fee = yield* answers(
        "GET /tradeFee",
        `{"data":{"makerCommission":0.000000000000000000,"takerCommission":5e-4,"rpiMakerCommission":0},"code":200,"msg":null}`,
        (client) => client.feeRates(credentials, abc)
      )
      assert.deepStrictEqual(fee.value, { maker: "0", taker: "0.0005" })
      const opened = yield* answers(
        "GET /openOrders",
        `[{"symbol":"ABCUSDT","orderId":133734823834447873,"price":1.5,"origQty":2,"executedQty":0,"cummulativeQuoteQty":"0","status":"NEW","type":"LIMIT","side":"BUY","time":"${t}","extra":{"deep":[1]}}]`,
        openOrders
      )
      // Every digit of it: a JavaScript number would say …872.
      assert.deepInclude(opened.value.rows[0], { exchangeOrderId: "133734823834447873", createdAt: t, at: t })
      for (const { drift } of [ticker, fee, opened]) assert.deepStrictEqual(drift, {})
    })
  )

  it.live("an answer in a wrapper, or out of one", () =>
    Effect.gen(function* () {
      const wrapped = yield* answers("GET /uid", `{"code":0,"data":{"uid":209302839},"msg":"success"}`, (client) =>
        client.uid(credentials)
      )
      assert.strictEqual(String(wrapped.value), "209302839")
      const row = json({ code: 200, data: [orderRow], msg: null })
      const listed = yield* answers("GET /openOrders", row, openOrders)
      assert.lengthOf(listed.value.rows, 1)
      assert.isTrue(listed.value.complete)
    })
  )

  it.live("pairs of older and newer layouts", () =>
    Effect.gen(function* () {
      const [symbols, drift] = yield* pairs([
        { ...pair, tradeSideType: "1", baseAssetPrecision: "2", contractAddress: "", st: true, conceptPlateIds: null },
        { ...pair, symbol: "OLDUSDT", status: "ENABLED", maxQuoteAmountMarket: null, makerCommission: 0.002 }
      ])
      assert.deepStrictEqual(
        symbols.map(({ maxNotional, minQuantity, tradable }) => [tradable, minQuantity, plain(maxNotional)]),
        [
          [true, null, "1000"],
          [true, null, "1000"]
        ]
      )
      assert.deepStrictEqual(drift, {})
    })
  )

  it.live("times in seconds, with a fraction, or as text", () =>
    Effect.gen(function* () {
      for (const time of ["1790000000", "1790000000000.75", '"1790000000000"']) {
        const { value } = yield* answers(
          "GET /trades",
          `[{"price":"1.5","qty":"2","time":${time},"isBuyerMaker":true}]`,
          (client) => client.trades(abc, 1)
        )
        assert.deepInclude(value[0], { at: t, side: "sell", quoteQuantity: "3" }, time)
      }
    })
  )

  it.live("candles with columns more or less", () =>
    Effect.gen(function* () {
      const rows = [
        [t, "1", "2", "0.5", "1.5", "10"],
        [t + 60_000, 1, 2, 0.5, 1.5, 10, t + 120_000],
        [`${t + 120_000}`, "1", "2", "0.5", "1.5", "10", null, ""],
        [t + 180_000, "1", "2", "0.5", "1.5", "10", t + 240_000, "14", 12, "5", "7", "0"]
      ]
      const { drift, value } = yield* answers("GET /klines", json(rows), (client) =>
        client.candles({ symbol: abc, interval: "1m", from: t, to: t + 240_000 })
      )
      assert.deepStrictEqual(
        value.map((candle: { openTime: number; quoteVolume: string }) => [candle.openTime - t, candle.quoteVolume]),
        [
          [0, "15"],
          [60_000, "15"],
          [120_000, "15"],
          [180_000, "14"]
        ]
      )
      assert.deepStrictEqual(drift, {})
    })
  )

  it.live("an account of 2022 with commissions, and one with fields nobody knows", () =>
    Effect.gen(function* () {
      const { value } = yield* answers(
        "GET /account",
        `{"makerCommission":20,"takerCommission":20,"canTrade":true,"updateTime":1647519277579,"balances":[{"asset":"USDT","free":88.12,"locked":"0.000000000000000000","available":null},{"asset":"MX","free":"1e-8","locked":0}],"permissions":null,"x":{}}`,
        (client) => client.balances(credentials)
      )
      assert.deepStrictEqual(value, {
        rows: [
          { asset: "USDT", free: "88.12", locked: "0" },
          { asset: "MX", free: "0.00000001", locked: "0" }
        ],
        complete: true
      })
    })
  )

  it.live("coins and histories with either spelling of a network, and a status as number, text or word", () =>
    Effect.gen(function* () {
      const coins = yield* answers(
        "GET /capital/config/getall",
        json([
          { coin: "ABC", Name: "Alpha", networkList: [{ network: "BNB Smart Chain(BEP20)", netWork: "BSC" }] },
          { coin: "XYZ", name: "Xylo", networkList: null }
        ]),
        (client) => client.coins(credentials)
      )
      assert.deepStrictEqual(
        coins.value.rows.map((coin: { name: string; networks: ReadonlyArray<{ id: string }> }) => [
          coin.name,
          coin.networks.map(({ id }) => id)
        ]),
        [
          ["Alpha", ["BSC"]],
          ["Xylo", []]
        ]
      )
      for (const [status, said] of [
        [5, "success"],
        ["5", "success"],
        ["SUCCESS", "success"],
        [9, "preSuccess"],
        [77, "unrecognised"]
      ]) {
        const { value } = yield* answers(
          "GET /capital/deposit/hisrec",
          json([{ coin: "ABC", netWork: "BSC", amount: 5, status, insertTime: t, txId: null }]),
          (client) => client.deposits(credentials, { from: Date.now() - day })
        )
        assert.deepInclude(value.rows[0], { status: said, network: "BSC", amount: "5", txId: null })
      }
    })
  )
})

describe("what the venue says that nobody knows", () => {
  it.live("a status, is an order that is not over, in a list that is whole", () =>
    Effect.gen(function* () {
      const rows = json([orderRow, { ...orderRow, orderId: "C02__8", status: "EXPIRED_IN_MATCH" }])
      const { drift, value } = yield* answers("GET /openOrders", rows, openOrders)
      assert.deepStrictEqual(
        value.rows.map((one: { status: string }) => one.status),
        ["partiallyFilled", "unrecognised"]
      )
      assert.isTrue(value.complete)
      assert.deepStrictEqual(drift, { orderStatus: 1 })
    })
  )

  it.live("a fill of nothing, is no fill", () =>
    Effect.gen(function* () {
      const row = { ...orderRow, status: "FILLED", executedQty: "0", cummulativeQuoteQty: "0" }
      const { drift, value } = yield* answers("GET /order", json(row), oneOrder)
      assert.strictEqual(value.status, "unrecognised")
      assert.deepStrictEqual(drift, { orderStatus: 1 })
    })
  )

  it.live("a type, raises the alarm, and one of the web's own does not", () =>
    Effect.gen(function* () {
      const rows = json([
        { ...orderRow, type: "ICEBERG" },
        { ...orderRow, orderId: "C02__8", type: "STOP_MARKET_ORDER" }
      ])
      const { drift, value } = yield* answers("GET /openOrders", rows, openOrders)
      assert.deepStrictEqual(
        value.rows.map((one: { type: string }) => one.type),
        ["unrecognised", "unrecognised"]
      )
      assert.deepStrictEqual(drift, { orderType: 1 })
    })
  )

  it.live("in one row, leaves the others, and the list says that it is not whole", () =>
    Effect.gen(function* () {
      const odd = [
        { ...orderRow, side: "HOLD" },
        { ...orderRow, executedQty: null },
        { ...orderRow, cummulativeQuoteQty: "-1" },
        { ...orderRow, orderId: "" },
        null,
        "an order"
      ]
      const { drift, value } = yield* answers("GET /openOrders", json([...odd, orderRow]), openOrders)
      assert.lengthOf(value.rows, 1)
      assert.isFalse(value.complete)
      assert.deepStrictEqual(drift, { row: 6 })
      const fill = { symbol: "ABCUSDT", id: "1", orderId: "2", price: "1", qty: "1", time: t, isBuyer: true }
      const fills = yield* answers(
        "GET /myTrades",
        json([
          { ...fill, commission: "0.1", commissionAsset: "" },
          { ...fill, id: "3", price: "0" },
          { ...fill, id: "4", qty: "0" },
          { ...fill, id: "5", isBuyer: "perhaps" },
          { ...fill, id: "6", commission: null, isBuyer: "true" }
        ]),
        (client) => client.fills(credentials, { symbol: abc })
      )
      assert.deepStrictEqual(
        fills.value.rows.map((one: { tradeId: string }) => one.tradeId),
        ["6"]
      )
      assert.isFalse(fills.value.complete)
      assert.deepStrictEqual(fills.drift, { row: 4 })
    })
  )

  it.live("of a single order, is no answer about it", () =>
    Effect.gen(function* () {
      for (const row of [
        { ...orderRow, symbol: "XYZUSDT" },
        { ...orderRow, clientOrderId: "somebodyElses" },
        { ...orderRow, executedQty: "NaN" },
        {}
      ])
        assert.strictEqual(yield* fails("GET /order", json(row), oneOrder), "VenueUnavailable", json(row))
    })
  )

  it.live("of a price or a book, is no price and no book", () =>
    Effect.gen(function* () {
      const book = { lastUpdateId: 7, bids: [["1.5", "1"]], asks: [["1.6", "1"]] }
      for (const odd of [
        { ...book, bids: [["0", "1"]] },
        { ...book, asks: [["1.6", "-1"]] },
        { ...book, asks: [["1.6"]] },
        { ...book, lastUpdateId: "7a" }
      ])
        assert.strictEqual(
          yield* fails("GET /depth", json(odd), (client) => client.orderBook(abc, 5)),
          "VenueUnavailable",
          json(odd)
        )
      const oneSided = yield* answers("GET /depth", json({ ...book, asks: null }), (client) => client.orderBook(abc, 5))
      assert.deepStrictEqual(oneSided.value.asks, [])
      for (const odd of [
        { symbol: "ABCUSDT", lastPrice: "0", bidPrice: "1", askPrice: "2" },
        { symbol: "ABCUSDT", lastPrice: "1", bidPrice: "", askPrice: "2" },
        { symbol: "ABCUSDT", lastPrice: "-1", bidPrice: "1", askPrice: "2" },
        { symbol: "XYZUSDT", lastPrice: "1", bidPrice: "1", askPrice: "2" }
      ])
        assert.strictEqual(
          yield* fails("GET /ticker/24hr", json(odd), (client) => client.ticker(abc)),
          "VenueUnavailable",
          json(odd)
        )
    })
  )

  it.live("of an acknowledgement, leaves the outcome unknown", () =>
    Effect.gen(function* () {
      for (const odd of [
        {},
        { orderId: null },
        { orderId: "" },
        { orderId: 0 },
        { orderId: ["C1"] },
        { orderId: "a b" }
      ])
        assert.strictEqual(
          yield* fails("POST /order", json(odd), (client) =>
            client.placeOrder(credentials, order("dpTol"), Effect.void)
          ),
          "OutcomeUnknown",
          json(odd)
        )
      const minimal = yield* answers("POST /order", `{"orderId":133734823834447873}`, (client) =>
        client.placeOrder(credentials, order("dpTol"), Effect.void)
      )
      assert.strictEqual(minimal.value.exchangeOrderId, "133734823834447873")
    })
  )
})
