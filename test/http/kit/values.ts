import { Schema } from "effect"
import { Execution } from "../../../src/domain/order/Execution.ts"
import { Ticker } from "../../../src/domain/Market.ts"
import { Order } from "../../../src/domain/order/Order.ts"
import { Rule } from "../../../src/domain/Rule.ts"

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

export const aRule = Schema.decodeSync(Rule)({
  id: "rule_01hzy3v7k2m4n6p8q0r2s4t6w8",
  version: 3,
  state: "active",
  pauseReason: null,
  name: "Buy the dip",
  note: null,
  tags: [],
  mode: "trade",
  symbol: "BTCUSDT",
  trigger: {
    type: "price.drop",
    percent: "8",
    from: { type: "highOf", window: "PT24H" },
    rearm: "recover"
  },
  gates: [],
  waitForGates: "PT0S",
  size: { type: "quote", amount: "50" },
  maxPrice: null,
  ladder: null,
  execution: { type: "protectedMarket", maxSlippageBps: 50 },
  limits: {
    total: "1000",
    perDay: null,
    perWeek: null,
    perMonth: null,
    perBuyMin: null,
    perBuyMax: null,
    maxExecutions: null,
    maxExecutionsPerDay: null,
    cooldown: "PT0S",
    reserveQuote: null,
    maxPositionQuote: null,
    maxOpenOrders: null
  },
  exit: null,
  cycle: { afterExit: "complete", cooldown: "PT0S", maxCycles: null, whileOpen: "ignore" },
  onInsufficientFunds: "skip",
  onMissedRun: { type: "runOnce", maxLate: "PT12H" },
  onFailure: { maxConsecutive: 5, then: "pause" },
  timezone: "UTC",
  startAt: null,
  endAt: null,
  createdAt: "2026-03-01T09:00:00.000Z",
  updatedAt: "2026-03-01T09:00:00.000Z",
  computed: {
    next: { at: null, price: "91000", awayPercent: -6.3, text: "buys below 91000" },
    nextRuns: [],
    worstCaseSpend: "1000",
    requiredFree: "50",
    spent: { day: "0", week: "0", month: "0", total: "0" },
    invested: "0",
    value: "0",
    returnPercent: null,
    warmup: { have: "PT24H", need: "PT24H" },
    trailing: null,
    lastDecision: null
  }
})

export const anExecution = Schema.decodeSync(Execution)({
  id: "exe_01hzy3v7k2m4n6p8q0r2s4t6w8",
  ruleId: "rule_01hzy3v7k2m4n6p8q0r2s4t6w8",
  ruleVersion: 3,
  cycleId: "cyc_01hzy3v7k2m4n6p8q0r2s4t6w8",
  kind: "entry",
  level: 0,
  slot: "manual:1",
  triggeredAt: "2026-03-01T09:00:00.000Z",
  state: "running",
  outcome: null,
  reason: null,
  requestedQuote: "50",
  orders: [],
  executedQuantity: "0",
  executedQuote: "0",
  averagePrice: null,
  slippageBps: null,
  latency: { decideMs: 1, submitMs: null, fillMs: null }
})
