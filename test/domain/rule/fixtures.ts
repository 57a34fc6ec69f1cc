import { FastCheck as fc, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { RuleId } from "../../../src/domain/Ids.ts"
import { SymbolInfo, SymbolName } from "../../../src/domain/Market.ts"
import { type RuleDocument, RuleRequest } from "../../../src/domain/Rule.ts"
import type { Usage } from "../../../src/domain/rule/decision/caps.ts"
import { noUsage } from "../../../src/domain/rule/decision/caps.ts"
import type { Firing } from "../../../src/domain/rule/decision/decide.ts"

export const d = Decimal.unsafe
export const at = (text: string) => Date.parse(text)
export const ruleId = Schema.decodeSync(RuleId)("rule_01hzy3v7k2m4n6p8q0r2s4t6w8")
export const btc = Schema.decodeSync(SymbolName)("BTCUSDT")

export const symbolInfo: SymbolInfo = {
  symbol: btc,
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tradable: true,
  untradableReason: null,
  orderTypes: ["market", "limit", "immediateOrCancel"],
  priceTick: d("0.1"),
  quantityStep: d("0.000001"),
  minQuantity: null,
  minNotional: d("1"),
  maxNotional: d("4000000"),
  marketMinNotional: d("1"),
  marketMaxNotional: d("1000000"),
  makerFeeRate: d("0"),
  takerFeeRate: d("0.0005"),
  asOf: 0
}

/** The least a rule needs, with whatever a test wants different. */
export const body = (changes: Readonly<Record<string, unknown>> = {}) => ({
  symbol: "BTCUSDT",
  trigger: { type: "manual" },
  size: { type: "quote", amount: "50" },
  limits: { total: "1000" },
  ...changes
})

export const document = (changes: Readonly<Record<string, unknown>> = {}): RuleDocument => {
  const { state: _, ...rest } = Schema.decodeUnknownSync(RuleRequest)(body(changes))
  return rest
}

export const usage = (changes: Partial<Usage> = {}): Usage => ({ ...noUsage, ...changes })

export const view = {
  last: d("100000"),
  bid: d("99999.9"),
  ask: d("100000"),
  asOf: at("2026-03-01T09:00:00Z"),
  ageMs: 200
}

export const firing = (changes: Partial<Firing> = {}): Firing => ({
  ruleId,
  ruleVersion: 1,
  document: document(),
  trigger: "manual",
  operands: [],
  symbol: symbolInfo,
  view,
  usage: noUsage,
  free: d("10000"),
  now: at("2026-03-01T09:00:00Z"),
  ...changes
})

/** Decimals between two whole numbers, with so many places. */
export const decimal = (min: number, max: number, places: number) =>
  fc
    .integer({ min: min * 10 ** places, max: max * 10 ** places })
    .map((n) => Decimal.divide(d(String(n)), d(String(10 ** places))))
