import { BigDecimal } from "effect"
import type { Decimal } from "../../domain/Decimal.ts"

/** Paths are computed in whole ticks and whole quantity steps, so that nothing is ever rounded twice. */

export const minuteMs = 60_000

export const fromUnits = (units: bigint, scale: number): Decimal => BigDecimal.make(units, scale)

/** Exact: `scale` is at least the value's own. */
export const toUnits = (value: Decimal, scale: number): bigint => BigDecimal.scale(value, scale).value

export const decimalsOf = (value: Decimal): number => Math.max(0, BigDecimal.normalize(value).scale)

/** The `index`-th of `count` parts of a total; the parts add up to it exactly. */
export const partOf = (total: bigint, index: number, count: number): bigint =>
  (total * BigInt(index + 1)) / BigInt(count) - (total * BigInt(index)) / BigInt(count)

/** The point `part/whole` of the way from `a` to `b`, towards `a` where it is no whole unit: monotone in `part`. */
export const between = (a: bigint, b: bigint, part: number, whole: number): bigint =>
  a + ((b - a) * BigInt(part)) / BigInt(whole)

export const floorToMinute = (at: number): number => Math.floor(at / minuteMs) * minuteMs
