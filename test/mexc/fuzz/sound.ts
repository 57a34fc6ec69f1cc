import { assert } from "@effect/vitest"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { formatInstant } from "../../../src/domain/Time.ts"
import { isDecimal } from "../kit/plain.ts"

/** What came through can be written down again: decimals with an end, times with a form. */
export const assertSound = (value: unknown, path: string): void => {
  if (typeof value === "number") return void assert.isTrue(Number.isFinite(value), path)
  if (typeof value !== "object" || value === null) return
  if (isDecimal(value)) return void assert.isBelow(Decimal.format(value).length, 90, path)
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === "number" && /(^at|At|asOf|Time)$/.test(key))
      assert.doesNotThrow(() => formatInstant(inner), undefined, undefined, `${path}.${key} ${inner}`)
    assertSound(inner, `${path}.${key}`)
  }
}
