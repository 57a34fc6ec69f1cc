import { random } from "./Random.ts"

export interface Market {
  readonly symbol: string
  readonly base: number
  readonly priceDecimals: number
  readonly quantityDecimals: number
}

/**
 * Pairs of the paper exchange whose prices move only as the plan says. Two: each start asks for the trades of every pair and
 * user, and the exchange grants 300 weight in ten seconds however often somebody is killed.
 */
export const markets: readonly [Market, ...ReadonlyArray<Market>] = [
  { symbol: "BTCUSDT", base: 60_000, priceDecimals: 2, quantityDecimals: 6 },
  { symbol: "ETHUSDT", base: 3_000, priceDecimals: 2, quantityDecimals: 5 }
]

/** Milliseconds between two prices of one pair. */
export const priceEvery = 500

/** The price at a moment of the run: a walk around the base, so that levels, dips, targets and stops are all reached. */
export const pricesOf = (seed: number, market: Market): ((at: number) => number) => {
  const dice = random(seed, `price ${market.symbol}`)
  const walk = [1]
  return (at) => {
    const index = Math.max(0, Math.floor(at / priceEvery))
    for (let last = walk.at(-1) ?? 1; walk.length <= index; walk.push(last))
      last = last + (dice.next() - 0.5) * 0.008 + (1 - last) * 0.06
    return market.base * (walk[index] ?? 1)
  }
}

export const decimal = (value: number, decimals: number): string =>
  value
    .toFixed(decimals)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "")
