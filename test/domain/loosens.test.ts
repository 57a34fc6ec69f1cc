import { assert, describe, it } from "@effect/vitest"
import { unsafe as d } from "../../src/domain/Decimal.ts"
import {
  type AssetLimit,
  type KeyLimit,
  type Limits,
  loosens,
  unlimited,
  type UserLimits
} from "../../src/domain/Limits.ts"

const user = (more: Partial<UserLimits>): Limits => ({ ...unlimited, user: { ...unlimited.user, ...more } })
const key = (perDay: string | null): KeyLimit => ({
  id: "k1",
  perDay: perDay === null ? null : d(perDay),
  perWeek: null,
  perMonth: null
})
const asset = (maxShare: string | null): AssetLimit => ({
  asset: "BTC",
  maxShare: maxShare === null ? null : d(maxShare),
  maxPositionQuote: null
})

describe("other limits", () => {
  it.each<[string, Limits, Limits, boolean]>([
    ["the same", user({ perDay: d("100") }), user({ perDay: d("100.00") }), false],
    ["less a day", user({ perDay: d("100") }), user({ perDay: d("99.99") }), false],
    ["more a day", user({ perDay: d("100") }), user({ perDay: d("100.01") }), true],
    ["none a day", user({ perDay: d("100") }), unlimited, true],
    ["a first one", unlimited, user({ perMonth: d("1000") }), false],
    [
      "less a day and more a week",
      user({ perDay: d("9"), perWeek: d("9") }),
      user({ perDay: d("1"), perWeek: d("10") }),
      true
    ],
    ["more open orders", user({ maxOpenOrders: 3 }), user({ maxOpenOrders: 4 }), true],
    ["fewer open orders", user({ maxOpenOrders: 3 }), user({ maxOpenOrders: 0 }), false],
    ["a key without its limit", { ...unlimited, keys: [key("5")] }, unlimited, true],
    ["a key with more", { ...unlimited, keys: [key("5")] }, { ...unlimited, keys: [key("6")] }, true],
    ["a key with less", { ...unlimited, keys: [key("5")] }, { ...unlimited, keys: [key("0")] }, false],
    [
      "a limit for another key",
      { ...unlimited, keys: [key("5")] },
      { ...unlimited, keys: [key("5"), { ...key("1"), id: "k2" }] },
      false
    ],
    ["a larger share", { ...unlimited, assets: [asset("0.2")] }, { ...unlimited, assets: [asset("0.3")] }, true],
    ["an asset without its limit", { ...unlimited, assets: [asset("0.2")] }, unlimited, true],
    ["a smaller share", { ...unlimited, assets: [asset("0.2")] }, { ...unlimited, assets: [asset("0.1")] }, false]
  ])("that are %s loosen: %#", (_, before, after, expected) => assert.strictEqual(loosens(before, after), expected))
})
