import { Schema } from "effect"
import { Ticker } from "../../../src/domain/Market.ts"
import { Order } from "../../../src/domain/Order.ts"

export const aTicker = Schema.decodeSync(Ticker)({
  symbol: "BTCUSDT",
  last: "97112.4",
  bid: "97112.39",
  bidQuantity: "1.204",
  ask: "97112.41",
  askQuantity: null,
  open: "98201.1",
  high: "99512",
  low: "96010.55",
  volume: "10234.8811",
  quoteVolume: null,
  changePercent: -1.11,
  asOf: "2026-03-01T09:00:00.000Z",
  source: "ws",
  stale: false
})

export const anOrder = Schema.decodeSync(Order)({
  id: "ord_01hzy3v7k2m4n6p8q0r2s4t6w8",
  version: 1,
  venue: "paper",
  book: "manual",
  clientOrderId: "dp0123456789",
  exchangeOrderId: "C02__1",
  symbol: "BTCUSDT",
  side: "buy",
  type: "market",
  status: "filled",
  price: null,
  quantity: null,
  quoteAmount: "50",
  executedQuantity: "0.0005",
  executedQuote: "48.5",
  averagePrice: "97000",
  fees: [{ asset: "USDT", amount: "0.02425" }],
  origin: { type: "manual", ruleId: null, executionId: null, cycleId: null },
  note: null,
  rejectReason: null,
  unfilledReason: null,
  unknownSince: null,
  requestedAt: "2026-03-01T09:00:00.000Z",
  sentAt: "2026-03-01T09:00:00.010Z",
  terminalAt: "2026-03-01T09:00:00.100Z",
  updatedAt: "2026-03-01T09:00:00.100Z"
})
