import { assert } from "@effect/vitest"
import { BigDecimal } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"

export const isDecimal = BigDecimal.isBigDecimal

/** Decimals as their text, so that a difference is readable. */
export const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Set) return [...value]
  if (typeof value !== "object" || value === null) return value
  if (isDecimal(value)) return Decimal.format(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

export const same = (actual: unknown, expected: unknown, what?: string) =>
  assert.deepStrictEqual(plain(actual), expected, what)
