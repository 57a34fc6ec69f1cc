import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AddressRange, within } from "../../src/domain/AddressRange.ts"

const isRange = Schema.is(AddressRange)

describe("an address range", () => {
  it.each(["203.0.113.7", "203.0.113.0/24", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32", "::1"])("%s is one", (text) =>
    assert.isTrue(isRange(text))
  )

  it.each([
    "",
    "bot.example.com",
    "203.0.113",
    "203.0.113.7/33",
    "203.0.113.7/0",
    "203.0.113.7/",
    "1.2.3.4/24/24",
    "fe80::1%eth0",
    " 203.0.113.7"
  ])("%j is none", (text) => assert.isFalse(isRange(text)))

  it("holds its addresses in every spelling, and no others", () => {
    const allows = within(["203.0.113.0/24", "198.51.100.7", "2001:db8::/32"])
    for (const address of [
      "203.0.113.1",
      "203.0.113.255",
      "::ffff:203.0.113.9",
      "198.51.100.7",
      "2001:db8:1::1",
      "2001:0DB8::1"
    ])
      assert.isTrue(allows(address), address)
    for (const address of [
      "203.0.114.1",
      "198.51.100.8",
      "2001:db9::1",
      "::1",
      "unknown",
      "",
      "203.0.113.1, 203.0.113.2"
    ])
      assert.isFalse(allows(address), address)
    assert.isFalse(within([])("203.0.113.1"))
  })
})
