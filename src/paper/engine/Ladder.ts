import { BigDecimal } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Listing } from "../MarketSource.ts"

/** One price of simulated liquidity; what takers take of it is back at the next step. */
export interface LadderLevel {
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
}

export interface Ladder {
  /** Best first. */
  readonly bids: ReadonlyArray<LadderLevel>
  readonly asks: ReadonlyArray<LadderLevel>
}

const levelsPerSide = 25
const minimumSpreadTicks = 2
/** One basis point of the price. */
const spreadFraction = 10_000
/** The best level holds about this share of the largest order the listing allows. */
const bestLevelShare = 1 / 200

export const ticksOf = (price: Decimal.Decimal, precision: number): number =>
  Number(BigDecimal.scale(price, precision).value)

export const priceOfTicks = (ticks: number, precision: number): Decimal.Decimal =>
  BigDecimal.make(BigInt(ticks), precision)

/**
 * A plausible book around a price: about 1 bp wide, levels that thin out away from the market and grow in size. Sizes
 * are drawn from a hash of symbol, time, price and level, so a replay shows the same book twice, and a quiet market
 * still breathes.
 */
export const buildLadder = (listing: Listing, price: Decimal.Decimal, at: number): Ladder => {
  const middle = Math.max(1, ticksOf(price, listing.quotePrecision))
  const spread = Math.max(minimumSpreadTicks, Math.round(middle / spreadFraction))
  const bestBid = middle - Math.floor(spread / 2)
  const seed = hashText(listing.symbol) ^ hashNumber(at) ^ hashNumber(middle)
  const best = Decimal.toNumber(listing.maxNotional) * bestLevelShare
  const side = (direction: 1 | -1, from: number, salt: number): ReadonlyArray<LadderLevel> => {
    const levels: Array<LadderLevel> = []
    for (let i = 0; i < levelsPerSide; i++) {
      const ticks = from + direction * Math.round(((spread * i) / 2) * (1 + i / 5))
      if (ticks <= 0) break
      const value = best * (1 + i / 5) * (0.5 + unit(seed + salt + i))
      levels.push({ price: priceOfTicks(ticks, listing.quotePrecision), quantity: sized(listing, value, ticks) })
    }
    return levels
  }
  return { bids: side(-1, bestBid, 0), asks: side(1, bestBid + spread, 1_000) }
}

/** The quantity worth `value`, in whole steps, at least one. Sizes are invented, so a float may propose them. */
const sized = (listing: Listing, value: number, ticks: number): Decimal.Decimal => {
  const steps = Math.round((value / ticks) * 10 ** (listing.quotePrecision + listing.basePrecision))
  return BigDecimal.make(BigInt(Math.max(1, steps)), listing.basePrecision)
}

const hashText = (text: string): number => {
  let hash = 2_166_136_261
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619)
  return hash
}

const hashNumber = (value: number): number =>
  Math.imul(value | 0, 0x9e3779b1) ^ Math.imul(Math.trunc(value / 4_294_967_296), 0x85ebca6b)

/** Mulberry32 step: uniform in [0, 1). */
const unit = (seed: number): number => {
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
