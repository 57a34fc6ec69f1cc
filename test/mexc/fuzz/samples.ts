import { Effect, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { ClientOrderId } from "../../../src/domain/Ids.ts"
import type { MexcClient } from "../../../src/mexc/MexcClient.ts"
import type { OrderRequest } from "../../../src/mexc/OrderRequest.ts"
import type { OutcomeUnknown, VenueFailure } from "../../../src/mexc/VenueFailure.ts"
import { symbolOf } from "../kit/memoryVenue.ts"
import { credentials } from "../kit/venueServer.ts"

type Client = typeof MexcClient.Service

export interface Sample {
  readonly endpoint: string
  readonly body: unknown
  readonly call: (client: Client) => Effect.Effect<unknown, VenueFailure | OutcomeUnknown>
}

const abc = symbolOf("ABCUSDT")
const clientId = Schema.decodeSync(ClientOrderId)
const t = 1_790_000_000_000

export const order = (id: string): OrderRequest => ({
  symbol: abc,
  side: "buy",
  type: "limit",
  quantity: Decimal.unsafe("2"),
  price: Decimal.unsafe("1.5"),
  clientOrderId: clientId(id)
})

const pair = (symbol: string) => ({
  symbol,
  status: "1",
  baseAsset: symbol.replace("USDT", ""),
  baseAssetPrecision: 4,
  quoteAsset: "USDT",
  quotePrecision: 3,
  orderTypes: ["LIMIT", "MARKET", "LIMIT_MAKER"],
  isSpotTradingAllowed: true,
  permissions: ["SPOT"],
  tradeSideType: 1,
  baseSizePrecision: "0.01",
  quoteAmountPrecision: "1.000",
  quoteAmountPrecisionMarket: "1",
  maxQuoteAmount: "50000",
  maxQuoteAmountMarket: "2500",
  makerCommission: "0",
  takerCommission: "0.0005",
  filters: [{ filterType: "PERCENT_PRICE_BY_SIDE", bidMultiplierUp: "0.2", askMultiplierDown: "0.2" }]
})

const ticker = (symbol: string) => ({
  symbol,
  priceChange: "-0.02",
  priceChangePercent: "-0.0131",
  lastPrice: "1.503",
  bidPrice: "1.502",
  bidQty: "14.2",
  askPrice: "1.504",
  askQty: "",
  openPrice: "1.523",
  highPrice: "1.61",
  lowPrice: "1.49",
  volume: "81234.5",
  quoteVolume: null,
  openTime: t,
  closeTime: t + 4_000,
  count: null
})

const orderRow = (id: string) => ({
  symbol: "ABCUSDT",
  orderId: `C02__${id}`,
  orderListId: -1,
  clientOrderId: "dpSample",
  price: "1.5",
  origQty: "2",
  executedQty: "0.5",
  cummulativeQuoteQty: "0.75",
  status: "PARTIALLY_FILLED",
  timeInForce: null,
  type: "LIMIT",
  side: "BUY",
  stopPrice: null,
  time: t,
  updateTime: t + 20,
  isWorking: true,
  origQuoteOrderQty: "3"
})

const fill = (id: string) => ({
  symbol: "ABCUSDT",
  id: `X${id}`,
  orderId: "C02__1",
  orderListId: -1,
  price: "1.5",
  qty: "0.5",
  quoteQty: "0.75",
  commission: "0.000375",
  commissionAsset: "USDT",
  time: t,
  isBuyer: true,
  isMaker: false,
  isBestMatch: true,
  isSelfTrade: false,
  clientOrderId: null
})

const trade = { id: null, price: "1.5", qty: "0.2", quoteQty: "0.3", time: t, isBuyerMaker: true, tradeType: "ASK" }
const listenKey = "a1".repeat(32)
const wrapped = (data: unknown) => ({ code: 0, data, msg: "success", timestamp: t })
const lately = () => ({ from: Date.now() - 86_400_000 })

export const acknowledgement = {
  symbol: "ABCUSDT",
  orderId: "C02__99",
  orderListId: -1,
  price: "1.5",
  origQty: "2",
  type: "LIMIT",
  side: "BUY",
  stpMode: "",
  transactTime: t
}

/** A valid answer of every endpoint the client calls, but for those that place orders. */
export const samples: ReadonlyArray<Sample> = [
  { endpoint: "GET /ping", body: {}, call: (client) => client.ping },
  { endpoint: "GET /defaultSymbols", body: wrapped(["ABCUSDT"]), call: (client) => client.listedSymbols },
  {
    endpoint: "GET /symbol/offline",
    body: { data: [{ symbol: "OLDUSDT", state: 3, offlineTime: t }] },
    call: (client) => client.offlineSymbols
  },
  {
    endpoint: "GET /exchangeInfo",
    body: { timezone: "CST", serverTime: t, symbols: [pair("ABCUSDT"), pair("XYZUSDT")] },
    call: (client) => client.symbols
  },
  {
    endpoint: "GET /depth",
    body: {
      lastUpdateId: 56_217_769_552,
      bids: [
        ["1.5", "3"],
        ["1.49", "2"]
      ],
      asks: [["1.51", "1"]],
      timestamp: t
    },
    call: (client) => client.orderBook(abc, 5)
  },
  { endpoint: "GET /trades", body: [trade, trade], call: (client) => client.trades(abc, 5) },
  { endpoint: "GET /historicalTrades", body: [trade], call: (client) => client.historicalTrades(abc, 5) },
  {
    endpoint: "GET /aggTrades",
    body: [{ a: null, f: null, l: null, p: "1.5", q: "2", T: t, m: false, M: true }],
    call: (client) => client.aggregateTrades(abc, { from: t, to: t + 1_000 })
  },
  {
    endpoint: "GET /klines",
    body: [0, 1, 2].map((i) => [t + i * 60_000, "1.5", "1.6", "1.4", "1.55", "100", t + (i + 1) * 60_000, "150"]),
    call: (client) => client.candles({ symbol: abc, interval: "1m", from: t, to: t + 180_000 })
  },
  { endpoint: "GET /avgPrice", body: { mins: 5, price: "1.5" }, call: (client) => client.averagePrice(abc) },
  { endpoint: "GET /ticker/24hr", body: ticker("ABCUSDT"), call: (client) => client.ticker(abc) },
  {
    endpoint: "GET /ticker/24hr",
    body: [ticker("ABCUSDT"), ticker("XYZUSDT")],
    call: (client) => client.tickers
  },
  { endpoint: "GET /ticker/price", body: [{ symbol: "ABCUSDT", price: "1.5" }], call: (client) => client.prices },
  { endpoint: "GET /ticker/price", body: { symbol: "ABCUSDT", price: "1.5" }, call: (client) => client.price(abc) },
  {
    endpoint: "GET /ticker/bookTicker",
    body: [{ symbol: "ABCUSDT", bidPrice: "1.5", bidQty: "1", askPrice: "1.51", askQty: "2" }],
    call: (client) => Effect.zip(client.bookTickers, client.bookTicker(abc))
  },
  {
    endpoint: "GET /account",
    body: { makerCommission: 20, canTrade: true, balances: [{ asset: "USDT", free: "88.1", locked: "0" }] },
    call: (client) => client.balances(credentials)
  },
  {
    endpoint: "GET /tradeFee",
    body: wrapped({ makerCommission: 0.003, takerCommission: 0.003 }),
    call: (client) => client.feeRates(credentials, abc)
  },
  {
    endpoint: "GET /selfSymbols",
    body: wrapped(["ABCUSDT"]),
    call: (client) => client.selfSymbols(credentials)
  },
  { endpoint: "GET /uid", body: { uid: "209302839" }, call: (client) => client.uid(credentials) },
  { endpoint: "GET /kyc/status", body: { status: "1" }, call: (client) => client.kycLevel(credentials) },
  {
    endpoint: "GET /mxDeduct/enable",
    body: wrapped({ mxDeductEnable: true }),
    call: (client) => client.mxDeduct(credentials)
  },
  {
    endpoint: "POST /mxDeduct/enable",
    body: wrapped({ mxDeductEnable: true }),
    call: (client) => client.setMxDeduct(credentials, true)
  },
  { endpoint: "POST /order/test", body: {}, call: (client) => client.testOrder(credentials, order("dpTest")) },
  {
    endpoint: "DELETE /order",
    body: { symbol: "ABCUSDT", orderId: "C02__1", status: "NEW" },
    call: (client) => client.cancelOrder(credentials, abc, clientId("dpSample"))
  },
  {
    endpoint: "DELETE /openOrders",
    body: [{ symbol: "ABCUSDT", orderId: "C02__1" }],
    call: (client) => client.cancelOpenOrders(credentials, abc)
  },
  { endpoint: "DELETE /order/all", body: wrapped(null), call: (client) => client.cancelAllOrders(credentials) },
  {
    endpoint: "GET /order",
    body: orderRow("1"),
    call: (client) => client.order(credentials, abc, clientId("dpSample"))
  },
  {
    endpoint: "GET /openOrders",
    body: [orderRow("1"), orderRow("2")],
    call: (client) => client.openOrders(credentials, abc)
  },
  {
    endpoint: "GET /allOrders",
    body: [orderRow("1"), orderRow("2")],
    call: (client) => client.allOrders(credentials, abc, t)
  },
  {
    endpoint: "GET /myTrades",
    body: [fill("1"), fill("2")],
    call: (client) => client.fills(credentials, { symbol: abc })
  },
  {
    endpoint: "GET /capital/config/getall",
    body: [
      {
        coin: "ABC",
        Name: "Abc",
        networkList: [{ coin: "ABC", network: "Abc Chain(ABC)", netWork: "ABC", withdrawFee: "1", withdrawMin: "2" }]
      }
    ],
    call: (client) => client.coins(credentials)
  },
  {
    endpoint: "GET /capital/deposit/hisrec",
    body: [{ coin: "ABC", network: "ABC", amount: "5", status: 5, txId: "0xab:0", insertTime: t, confirmTimes: "20" }],
    call: (client) => client.deposits(credentials, lately())
  },
  {
    endpoint: "GET /capital/withdraw/history",
    body: [{ id: "w1", coin: "ABC", amount: "5", status: 7, transferType: 0, transactionFee: "1", applyTime: t }],
    call: (client) => client.withdrawals(credentials, lately())
  },
  {
    endpoint: "GET /capital/transfer",
    body: {
      rows: [
        {
          tranId: "11",
          asset: "ABC",
          amount: "1",
          fromAccountType: "SPOT",
          toAccountType: "FUTURES",
          status: "SUCCESS",
          timestamp: t
        }
      ],
      total: 1
    },
    call: (client) => client.transfers(credentials, { ...lately(), source: "SPOT", target: "FUTURES" })
  },
  { endpoint: "POST /userDataStream", body: { listenKey }, call: (client) => client.createListenKey(credentials) },
  {
    endpoint: "GET /userDataStream",
    body: { listenKey: [listenKey] },
    call: (client) => client.listenKeys(credentials)
  },
  {
    endpoint: "PUT /userDataStream",
    body: { listenKey },
    call: (client) => client.renewListenKey(credentials, listenKey)
  },
  {
    endpoint: "DELETE /userDataStream",
    body: { listenKey },
    call: (client) => client.closeListenKey(credentials, listenKey)
  },
  {
    endpoint: "DELETE /capital/withdraw",
    body: { id: "0" },
    // The other two probes may fail by their own answers.
    call: (client) => Effect.option(client.permissions(credentials))
  },
  { endpoint: "GET /time", body: { serverTime: t }, call: (client) => client.serverTime }
]
