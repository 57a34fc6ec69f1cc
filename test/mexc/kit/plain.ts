import { assert } from "@effect/vitest"
import * as Decimal from "../../../src/domain/Decimal.ts"

/** Decimals as their text, so that a difference is readable. */
export const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Set) return [...value]
  if (typeof value !== "object" || value === null) return value
  if ("scale" in value && "value" in value) return Decimal.format(Object(value))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

export const same = (actual: unknown, expected: unknown, what?: string) =>
  assert.deepStrictEqual(plain(actual), expected, what)
