import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { decodeFrame, encodeFrame, type PushFrame, type PushFrameInput } from "../../../src/mexc/wire/Stream.ts"
import { fixture, fixturesFolder, hasFixtures } from "../kit/reference.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const decoded = (bytes: Uint8Array): PushFrame => Either.getOrThrow(decodeFrame(bytes))

// Times in the reference samples are text, because JSON cannot hold every 64-bit number.
const withNumberTimes = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withNumberTimes)
  if (typeof value !== "object" || value === null) return value
  const times = new Set(["createTime", "sendTime", "time", "windowStart", "windowEnd"])
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, times.has(key) ? Number(inner) : withNumberTimes(inner)])
  )
}

const assertContains = (actual: unknown, expected: unknown, path: string): void => {
  if (typeof expected !== "object" || expected === null) {
    assert.strictEqual(actual, expected, path)
    return
  }
  assert.isObject(Array.isArray(actual) ? { ...actual } : actual, path)
  if (Array.isArray(expected)) assert.lengthOf(Array.isArray(actual) ? actual : [], expected.length, path)
  const entries = new Map(Object.entries(Object(actual)))
  for (const [key, inner] of Object.entries(expected)) assertContains(entries.get(key), inner, `${path}.${key}`)
}

describe("binary frames", () => {
  it("leave default values out, as proto3 does", () => {
    // 0a = field 1, length 1, "c"; d2 13 = field 314 … spelled out by hand from the field table.
    const frame = encodeFrame({
      channel: "c",
      publicAggreDeals: { deals: [{ price: "1", tradeType: 0, tradeId: "" }] }
    })
    assert.strictEqual(hex(frame), "0a0163" + "d21305" + "0a03" + "0a0131")
  })

  it("give missing values their defaults", () => {
    const frame = decoded(encodeFrame({ channel: "c", privateDeals: { price: "2.5", tradeType: 2 } }))
    assert.isUndefined(frame.symbol)
    assert.isUndefined(frame.publicAggreDeals)
    assert.deepStrictEqual(frame.privateDeals, {
      price: "2.5",
      quantity: "",
      amount: "",
      tradeType: 2,
      isMaker: false,
      isSelfTrade: false,
      tradeId: "",
      clientOrderId: "",
      orderId: "",
      feeAmount: "",
      feeCurrency: "",
      time: 0
    })
  })

  it("keep every digit of versions and millisecond times", () => {
    const sent: PushFrameInput = {
      channel: "spot@public.aggre.depth.v3.api.pb@100ms@ABCUSDT",
      symbol: "ABCUSDT",
      sendTime: 1_893_456_000_123,
      publicAggreDepths: {
        asks: [],
        bids: [{ price: "0.00000012", quantity: "0" }],
        eventType: "spot@public.aggre.depth.v3.api.pb@100ms",
        fromVersion: "90071992547409930001",
        toVersion: "90071992547409930002"
      }
    }
    const frame = decoded(encodeFrame(sent))
    assert.strictEqual(frame.sendTime, 1_893_456_000_123)
    assert.strictEqual(frame.publicAggreDepths?.toVersion, "90071992547409930002")
    assert.deepStrictEqual(frame.publicAggreDepths?.bids, [{ price: "0.00000012", quantity: "0" }])
  })

  it("that are cut off or garbage are refused, not thrown", () => {
    const frame = encodeFrame({ channel: "spot@private.orders.v3.api.pb", privateOrders: { id: "1", price: "5" } })
    assert.isTrue(Either.isLeft(decodeFrame(frame.subarray(0, frame.length - 3))))
    assert.isTrue(Either.isLeft(decodeFrame(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))))
  })

  it("with fields of a newer venue are read, the new fields ignored", () => {
    const known = encodeFrame({ channel: "c", publicAggreDeals: { eventType: "e" } })
    const withUnknownField = new Uint8Array([...known, 0xba, 0x3e, 0x01, 0x78])
    assert.strictEqual(decoded(withUnknownField).publicAggreDeals?.eventType, "e")
  })

  describe.skipIf(!hasFixtures)("of the reference", () => {
    const files = (hasFixtures ? readdirSync(fixturesFolder) : [])
      .filter((folder) => folder.startsWith("ws-") && folder !== "ws-control")
      .flatMap((folder) => readdirSync(join(fixturesFolder, folder)).map((name) => `${folder}/${name}`))

    for (const file of files) {
      it(`${file} decodes to its values and encodes to the same bytes`, () => {
        const sample = Object(fixture(file))
        const bytes = Buffer.from(String(sample.protobufHex), "hex")
        const frame = decoded(bytes)
        assertContains(frame, withNumberTimes(sample.decoded), file)
        assert.strictEqual(hex(encodeFrame(frame)), sample.protobufHex)
      })
    }
  })
})
