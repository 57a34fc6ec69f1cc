import { Equivalence } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { SymbolInfo, SymbolName } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"

export type Pairs = ReadonlyMap<SymbolName, SymbolInfo>

/** A pair that appeared, went, or has other rules. `at` is wall time. */
export interface SymbolChange {
  readonly symbol: SymbolName
  readonly before: SymbolInfo | null
  readonly after: SymbolInfo | null
  readonly at: Instant
}

/** Whether orders are taken for the pair is another than before. */
export const isTradabilityChange = ({ after, before }: SymbolChange): boolean =>
  (before?.tradable ?? false) !== (after?.tradable ?? false)

const sameDecimal: Equivalence.Equivalence<Decimal.Decimal | null> = (a, b) =>
  a === null || b === null ? a === b : Decimal.equals(a, b)

const sameTypes = Equivalence.array(Equivalence.string)

const sameRules = (a: SymbolInfo, b: SymbolInfo): boolean =>
  a.tradable === b.tradable &&
  a.untradableReason === b.untradableReason &&
  a.baseAsset === b.baseAsset &&
  a.quoteAsset === b.quoteAsset &&
  sameTypes(a.orderTypes, b.orderTypes) &&
  sameDecimal(a.priceTick, b.priceTick) &&
  sameDecimal(a.quantityStep, b.quantityStep) &&
  sameDecimal(a.minQuantity, b.minQuantity) &&
  sameDecimal(a.minNotional, b.minNotional) &&
  sameDecimal(a.maxNotional, b.maxNotional) &&
  sameDecimal(a.marketMinNotional, b.marketMinNotional) &&
  sameDecimal(a.marketMaxNotional, b.marketMaxNotional) &&
  sameDecimal(a.makerFeeRate, b.makerFeeRate) &&
  sameDecimal(a.takerFeeRate, b.takerFeeRate)

export const changesBetween = (before: Pairs, after: Pairs, at: Instant): ReadonlyArray<SymbolChange> => {
  const changes: Array<SymbolChange> = []
  for (const [symbol, info] of after) {
    const known = before.get(symbol) ?? null
    if (known === null || !sameRules(known, info)) changes.push({ symbol, before: known, after: info, at })
  }
  for (const [symbol, info] of before) if (!after.has(symbol)) changes.push({ symbol, before: info, after: null, at })
  return changes
}

/** The new reading, and the pairs of the one before whose row is missing although the venue still lists them. */
export const withMissing = (before: Pairs, after: ReadonlyArray<SymbolInfo>, listed: ReadonlySet<string>): Pairs => {
  const pairs = new Map(after.map((info) => [info.symbol, info]))
  for (const [symbol, info] of before) if (!pairs.has(symbol) && listed.has(symbol)) pairs.set(symbol, info)
  return pairs
}

/**
 * How many tradable pairs would be gone, where that is more than half of them at once: the venue once changed one
 * field and emptied every bot's list with it. Null where the reading can be believed.
 */
export const suspiciousLoss = (before: Pairs, after: Pairs): { readonly lost: number; readonly of: number } | null => {
  let of = 0
  let lost = 0
  for (const [symbol, { tradable }] of before) {
    if (!tradable) continue
    of++
    if (after.get(symbol)?.tradable !== true) lost++
  }
  return lost >= 2 && lost * 2 > of ? { lost, of } : null
}

/** A venue that takes orders for no pair at all has more likely changed a field: there may be nothing to compare with. */
export const noneTradable = (pairs: Pairs): string | null =>
  [...pairs.values()].some(({ tradable }) => tradable) ? null : `not one of the venue's ${pairs.size} pairs is tradable`

export const sameNames = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => {
  if (a.size !== b.size) return false
  for (const name of a) if (!b.has(name)) return false
  return true
}
