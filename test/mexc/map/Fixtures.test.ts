import { assert, describe, it } from "@effect/vitest"
import { Either, Option, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import { toVenueFill, toVenueOrder } from "../../../src/mexc/map/AccountMapping.ts"
import { toCandle, toOrderBook, toSymbolInfo, toTicker, toTrade } from "../../../src/mexc/map/MarketMapping.ts"
import {
  toBestPrices,
  toPublicTrade,
  toStreamBalance,
  toStreamFill,
  toStreamOrder
} from "../../../src/mexc/map/StreamMapping.ts"
import { readReply } from "../../../src/mexc/Reply.ts"
import * as Account from "../../../src/mexc/wire/RestAccount.ts"
import * as Market from "../../../src/mexc/wire/RestMarket.ts"
import { decodeFrame } from "../../../src/mexc/wire/Stream.ts"
import { fixture, hasFixtures } from "../kit/reference.ts"

const read = <A, I>(schema: Schema.Schema<A, I>, file: string): A => Schema.decodeUnknownSync(schema)(fixture(file))

/** Decimals as their text, so that a difference is readable. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  if ("scale" in value && "value" in value) return Decimal.format(Object(value))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}
const same = (actual: unknown, expected: unknown) => assert.deepStrictEqual(plain(actual), expected)
const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const frame = (file: string) =>
  Either.getOrThrow(decodeFrame(Buffer.from(String(Object(fixture(file)).protobufHex), "hex")))

describe.skipIf(!hasFixtures)("recorded payloads of the venue", () => {
  it("the empty answer of ping is one", () => {
    read(Market.Ping, "get-ping/empty.json")
  })

  it("time is in milliseconds", () => {
    assert.strictEqual(read(Market.ServerTime, "get-time/2022.json").serverTime, 1_647_519_277_579)
    assert.strictEqual(read(Market.ServerTime, "get-time/2025-12.json").serverTime, 1_767_211_150_479)
  })

  it("lists of tradable pairs are read with code 0 and with code 200", () => {
    const all = read(Market.SymbolList, "get-defaultsymbols/2025-12.json").data
    assert.include(all, "SNTUSDT")
    assert.isAbove(all.length, 100)
    assert.deepStrictEqual(read(Market.SymbolList, "get-selfsymbols/docs.json").data, [
      "GENE1USDT",
      "SNTUSDT",
      "SQUAWKUSDT",
      "HEGICUSDT",
      "GUMUSDT"
    ])
  })

  it("a pair switched off for the API is not tradable, whatever its status says", () => {
    const info = read(Market.ExchangeInfo, "get-exchangeinfo/btcusdt-docs-2025-12.json")
    const { rejected, rows } = Market.readExchangeSymbols(info.symbols)
    assert.strictEqual(rejected, 0)
    const [row] = rows
    assert.isDefined(row)
    if (row === undefined) return
    same(toSymbolInfo(row, new Set(["BTCUSDT"]), 5), {
      symbol: "BTCUSDT",
      baseAsset: "BTC",
      quoteAsset: "USDT",
      tradable: false,
      untradableReason: "The venue does not accept orders for this pair through its API.",
      orderTypes: ["limit", "market", "limitMaker", "immediateOrCancel", "fillOrKill"],
      priceTick: "0.01",
      quantityStep: "0.00000001",
      minQuantity: "0.000001",
      minNotional: "1",
      maxNotional: "4000000",
      marketMinNotional: "1",
      marketMaxNotional: "4000000",
      makerFeeRate: "0",
      takerFeeRate: "0.0005",
      asOf: 5
    })
    const open = { ...row, isSpotTradingAllowed: true }
    assert.isTrue(toSymbolInfo(open, new Set(["BTCUSDT"]), 5).tradable)
    for (const closed of [
      toSymbolInfo(open, new Set(), 5),
      toSymbolInfo({ ...open, status: "2" }, new Set(["BTCUSDT"]), 5),
      toSymbolInfo({ ...open, tradeSideType: "4" }, new Set(["BTCUSDT"]), 5),
      toSymbolInfo({ ...open, permissions: [] }, new Set(["BTCUSDT"]), 5)
    ]) {
      assert.isFalse(closed.tradable)
      assert.isNotNull(closed.untradableReason)
    }
  })

  it("pairs of the 2024 layout are read", () => {
    const entries = fixture("get-exchangeinfo/symbol-entries-btc-ltc-ada-2024.json")
    const list = Array.isArray(entries) ? entries : Object(entries).symbols
    const { rejected, rows } = Market.readExchangeSymbols(list)
    assert.deepStrictEqual([rejected, rows.length], [0, 3])
    assert.deepStrictEqual(
      rows.map((row) => plain(toSymbolInfo(row, new Set(), 0).quantityStep)),
      rows.map(({ baseAssetPrecision }) => `0.${"0".repeat(baseAssetPrecision - 1)}1`)
    )
  })

  it("a book keeps its version and order", () => {
    same(toOrderBook(symbol, read(Market.Depth, "get-depth/btcusdt-limit1-2024-01.json"), 0), {
      symbol: "BTCUSDT",
      bids: [["45995.47", "10.337165"]],
      asks: [["45995.48", "13.457322"]],
      version: "20453289489",
      asOf: 1_704_908_526_228,
      source: "rest",
      stale: false
    })
  })

  it("trades know the taker's side, with and without the quote quantity", () => {
    const [full] = read(Market.PublicTrades, "get-trades/btcusdt-limit10-2025-12.json").map(toTrade)
    same(full, {
      price: "87924.49",
      quantity: "0.00722558",
      quoteQuantity: "635.3054364542",
      side: "buy",
      at: 1_767_205_820_300
    })
    const short = read(Market.PublicTrades, "get-trades/btcusdt-two-sides-2026-09.json").map(toTrade)
    assert.deepStrictEqual(
      short.map(({ quoteQuantity, side }) => [side, plain(quoteQuantity)]),
      [
        ["sell", "7723.492"],
        ["buy", "7723.493"]
      ]
    )
    assert.lengthOf(read(Market.PublicTrades, "get-trades/ethusdt-2025-01.json"), 2)
  })

  it("candles are open, high, low, close", () => {
    const [row] = read(Market.Klines, "get-klines/btcusdt-1m-docs.json")
    if (row === undefined) return assert.fail("no row")
    same(toCandle(row, true, 1_640_804_941_000), {
      openTime: 1_640_804_880_000,
      open: "47482.36",
      high: "47482.36",
      low: "47416.57",
      close: "47436.1",
      volume: "3.550717",
      quoteVolume: "168387.3",
      closed: true,
      synthetic: false
    })
    assert.isFalse(toCandle(row, true, 1_640_804_900_000).closed)
    assert.lengthOf(read(Market.Klines, "get-klines/btcusdt-5m-limit100-2025-12.json"), 5)
    assert.lengthOf(read(Market.Klines, "get-klines/btcusdt-5m-nolimit-2025-12.json"), 1)
  })

  it("the day's change is in percent, not the venue's fraction", () => {
    same(toTicker(read(Market.Ticker24h, "get-ticker-24hr/btcusdt-2025-12.json"), 0), {
      symbol: "BTCUSDT",
      last: "87904",
      bid: "87903.99",
      bidQuantity: "0.00011535",
      ask: "87904.5",
      askQuantity: "0.00639626",
      open: "88395.05",
      high: "89190.19",
      low: "87405.97",
      volume: "7670.80936815",
      quoteVolume: "677764373.43",
      changePercent: -0.55,
      asOf: 1_767_206_031_677,
      source: "rest",
      stale: false
    })
    assert.strictEqual(toTicker(read(Market.Ticker24h, "get-ticker-24hr/btcusdt-2024-03.json"), 0)?.changePercent, 1.73)
  })

  it("price lists are read", () => {
    for (const name of ["all-trimmed-2025-12", "symbols-param-ignored-2025-12"]) {
      const rows = read(Market.PriceTickers, `get-ticker-price/${name}.json`)
      same(rows[0], { symbol: "METALUSDT", price: "0.16254" })
      assert.lengthOf(rows, 5)
    }
    same(read(Market.BookTickers, "get-ticker-bookticker/aeusdt-docs.json")[0], {
      symbol: "AEUSDT",
      bidPrice: "0.11001",
      bidQty: "115.59",
      askPrice: "0.11127",
      askQty: "215.48"
    })
    assert.lengthOf(read(Market.BookTickers, "get-ticker-bookticker/all-trimmed-2025-12.json"), 5)
    same(read(Market.AveragePrice, "get-avgprice/docs.json"), { mins: 5, price: "9.35751834" })
  })

  it("an account is its balances", () => {
    same(read(Account.Account, "get-account/available-field-docs-2026.json").balances, [
      { asset: "NBNTEST", free: "1111078", locked: "33" },
      { asset: "MAIN", free: "1020000", locked: "0" }
    ])
  })

  it("an acknowledgement is an order id and a time, nothing more", () => {
    same(read(Account.OrderAcknowledgement, "post-order/kasusdt-market-buy-ack.json"), {
      orderId: "C02__728298455591530497024",
      transactTime: 1_736_409_765_052
    })
    same(read(Account.OrderAcknowledgement, "post-order/netlib-mxusdt.json"), {
      orderId: "06a480e69e604477bfb48dddd5f0b750",
      transactTime: 1_666_676_533_741
    })
  })

  it("cancel answers name the order", () => {
    same(read(Account.CancelAnswer, "delete-order/btcusdt-minimal-2022.json"), {
      symbol: "BTCUSDT",
      orderId: "133734823834447872"
    })
    assert.lengthOf(read(Account.CancelAnswers, "delete-openorders/btcusdt-minimal-2022.json"), 1)
  })

  it("orders carry what was executed, not what their price field says", () => {
    same(toVenueOrder(read(Account.OrderRow, "get-order/kasusdt-market-buy-filled-2025.json"), 0), {
      symbol: "KASUSDT",
      exchangeOrderId: "C02__728298455591530497024",
      clientOrderId: "sbo000077",
      side: "buy",
      type: "market",
      status: "filled",
      price: "0.183503",
      quantity: "32.69",
      quoteAmount: null,
      executedQuantity: "32.69",
      executedQuote: "5.72522853",
      createdAt: 1_736_409_765_000,
      at: 1_736_409_765_000
    })
    const statuses = [
      "get-order/btcusdt-limit-canceled-2022.json",
      "get-order/btcusdt-limit-partially-filled.json"
    ].map((file) => toVenueOrder(read(Account.OrderRow, file), 7))
    assert.deepStrictEqual(
      statuses.map((order) => [order?.status, order?.clientOrderId, order?.at]),
      [
        ["cancelled", null, 1_647_708_567_000],
        ["partiallyFilled", null, 7]
      ]
    )
    const [sold] = read(Account.OrderRows, "get-allorders/atlasusdt-market-sell-filled-2024-02.json")
    same(sold === undefined ? null : toVenueOrder(sold, 0)?.quoteAmount, null)
    const [resting] = read(Account.OrderRows, "get-openorders/btcusdt-limit-sell-2022.json")
    assert.deepStrictEqual(resting?.clientOrderId, null)
  })

  it("fills book the fee in the asset the venue took", () => {
    const [fill] = read(Account.MyTrades, "get-mytrades/self-trade-docs.json").map(toVenueFill)
    same(fill, {
      symbol: "BNBBTC",
      tradeId: "fad2af9e942049b6adbda1a271f990c6",
      exchangeOrderId: "bb41e5663e124046bd9497a3f5692f39",
      clientOrderId: null,
      side: "buy",
      price: "4.000001",
      quantity: "12",
      quoteQuantity: "48.000012",
      fee: { asset: "BNB", amount: "10.1" },
      maker: false,
      at: 1_499_865_549_590
    })
  })

  it("fee rates are exact although the venue sends JSON numbers", () => {
    same(read(Account.TradeFee, "get-tradefee/docs.json").data, { makerCommission: "0.003", takerCommission: "0.003" })
  })

  it("listen keys come as one or as a list", () => {
    for (const verb of ["post", "put", "delete"])
      assert.isAbove(read(Account.ListenKey, `${verb}-userdatastream/docs.json`).listenKey.length, 60)
    assert.lengthOf(read(Account.ListenKeys, "get-userdatastream/three-keys-docs.json").listenKey, 3)
  })

  it("errors are classified by their code", () => {
    const expected: ReadonlyArray<readonly [string, number, string]> = [
      ["-1121-invalid-symbol", 400, "input"],
      ["10072-api-key-invalid", 400, "auth"],
      ["30019-api-market-order-disabled", 400, "symbol"],
      ["700002-bad-signature", 400, "auth"],
      ["70011-pair-banned-for-key", 400, "permission"],
      ["500-maintenance", 500, "VenueUnavailable"]
    ]
    for (const [name, status, outcome] of expected) {
      const text = JSON.stringify(fixture(`errors/${name}.json`))
      const failure = Either.flip(readReply({ status, retryAfter: undefined, text }, (said) => said))
      const said = Either.isRight(failure) ? failure.right : null
      assert.strictEqual(said?._tag === "VenueRefused" ? said.kind : said?._tag, outcome, name)
    }
  })

  it("pushed trades, prices, orders, fills and balances say the same in our words", () => {
    const deal = frame("ws-aggre-deals/btcusdc-100ms-2025-08.json").publicAggreDeals?.deals[0]
    same(deal === undefined ? null : Option.getOrNull(toPublicTrade(deal)), {
      price: "115091.25",
      quantity: "0.000059",
      quoteQuantity: "6.79038375",
      side: "buy",
      at: 1_755_973_886_258
    })
    const ticker = frame("ws-aggre-bookticker/btcusdt-100ms-docs.json").publicAggreBookTicker
    same(ticker === undefined ? null : Option.getOrNull(toBestPrices(ticker)), {
      bid: "93387.28",
      bidQuantity: "3.73485",
      ask: "93387.29",
      askQuantity: "7.669875"
    })
    const pushed = frame("ws-private-orders/mxusdt-market-sell-filled-docs.json")
    same(
      pushed.privateOrders === undefined
        ? null
        : Option.getOrNull(toStreamOrder(symbol, pushed.privateOrders, pushed.sendTime ?? 0)),
      {
        symbol: "BTCUSDT",
        exchangeOrderId: "C02__505979017439002624115",
        clientOrderId: null,
        side: "sell",
        type: "market",
        status: "filled",
        price: "3.5121",
        quantity: "1",
        quoteAmount: null,
        executedQuantity: "1",
        executedQuote: "3.6962",
        createdAt: 1_736_417_034_259,
        at: 1_736_417_034_281
      }
    )
    const fill = frame("ws-private-deals/mxusdt-sell-docs.json").privateDeals
    same(fill === undefined ? null : Option.getOrNull(toStreamFill(symbol, fill)), {
      symbol: "BTCUSDT",
      tradeId: "505979017439002624X1",
      exchangeOrderId: "C02__505979017439002624115",
      clientOrderId: null,
      side: "sell",
      price: "3.6962",
      quantity: "1",
      quoteQuantity: "3.6962",
      fee: { asset: "MX", amount: "0.0003998377369698171" },
      maker: false,
      at: 1_736_417_034_280
    })
    const balance = frame("ws-private-account/usdt-transfer-docs.json").privateAccount
    same(balance === undefined ? null : Option.getOrNull(toStreamBalance(balance)), {
      asset: "USDT",
      free: "21.94210356004384",
      locked: "0"
    })
  })
})
