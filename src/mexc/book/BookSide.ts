import { BigDecimal } from "effect"
import type { BookLevel } from "../../domain/Market.ts"

/**
 * One side of a book: its levels in the order of their prices, best last, because nearly every change is near the
 * best. Prices are compared as whole numbers of the finest unit seen so far.
 */
export interface BookSide {
  readonly replace: (levels: ReadonlyArray<BookLevel>, truncated: boolean) => void
  readonly put: (level: BookLevel) => void
  /** Best first; null when more levels are asked for than are known for certain. */
  readonly best: (depth: number) => ReadonlyArray<BookLevel> | null
  readonly size: () => number
}

const powers: Array<bigint> = [1n]
const powerOfTen = (exponent: number): bigint => (powers[exponent] ??= 10n ** BigInt(exponent))

export const makeBookSide = (side: "bids" | "asks"): BookSide => {
  let scale = 0
  /** Ascending towards the best price: asks are counted negatively. */
  let keys: Array<bigint> = []
  let levels: Array<BookLevel> = []
  /** Below it the venue's snapshot ended: what changes there says nothing about its neighbours. */
  let horizon: bigint | null = null

  const refine = (finer: number) => {
    const factor = powerOfTen(finer - scale)
    keys = keys.map((key) => key * factor)
    if (horizon !== null) horizon *= factor
    scale = finer
  }

  const keyOf = (price: BigDecimal.BigDecimal): bigint => {
    if (price.scale > scale) refine(price.scale)
    const units = price.value * powerOfTen(scale - price.scale)
    return side === "bids" ? units : -units
  }

  /** The first place whose key is not below. */
  const placeOf = (key: bigint): number => {
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = keys[middle]
      if (found !== undefined && found < key) low = middle + 1
      else high = middle
    }
    return low
  }

  const put = (level: BookLevel) => {
    const key = keyOf(level[0])
    if (horizon !== null && key < horizon) return
    const place = placeOf(key)
    const known = keys[place] === key
    if (level[1].value <= 0n) {
      if (!known) return
      keys.splice(place, 1)
      levels.splice(place, 1)
    } else if (known) levels[place] = level
    else {
      keys.splice(place, 0, key)
      levels.splice(place, 0, level)
    }
  }

  return {
    put,
    replace: (all, truncated) => {
      keys = []
      levels = []
      horizon = null
      // Best first, as the venue sends them, would insert each at the front.
      for (let i = all.length - 1; i >= 0; i--) {
        const level = all[i]
        if (level !== undefined) put(level)
      }
      horizon = truncated ? (keys[0] ?? null) : null
    },
    best: (depth) => {
      if (horizon !== null && levels.length < depth) return null
      return levels.slice(Math.max(0, levels.length - depth)).reverse()
    },
    size: () => levels.length
  }
}
