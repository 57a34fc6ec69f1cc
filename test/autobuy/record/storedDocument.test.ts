import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { StoredDocument } from "../../../src/autobuy/record/storedDocument.ts"
import { RuleDocument } from "../../../src/domain/Rule.ts"
import { document } from "../../domain/rule/fixtures.ts"

const plain = Schema.parseJson(RuleDocument)
const below = (price: string) => ({ type: "price.level", side: "below", price })

/** Pairs of rules that differ in what is shared and in what is not. */
const samples = [
  document(),
  document({ name: "second", note: "of the same kind", symbol: "ETHUSDT" }),
  document({ trigger: below("90000") }),
  document({ trigger: below("80000.5"), name: "deeper" }),
  document({ trigger: below("70000"), limits: { perDay: "20", cooldown: "PT1H" } }),
  document({ trigger: { type: "schedule.every", every: "PT4H" } }),
  document({ trigger: { type: "schedule.every", every: "PT8H" }, timezone: "Europe/Berlin" }),
  document({ gates: [{ type: "maxSpread", bps: 10 }] }),
  document({ gates: [{ type: "maxSpread", bps: 20 }] })
]

describe("the stored form of a rule", () => {
  it("reads as it would without sharing, in any order and more than once", () => {
    const texts = samples.map((sample) => Schema.encodeSync(plain)(sample))
    for (const text of [...texts, ...texts.toReversed(), ...texts])
      assert.deepStrictEqual(Schema.decodeSync(StoredDocument)(text), Schema.decodeSync(plain)(text))
  })

  it("shares what rules of one kind have in common", () => {
    const [first, second] = [below("1"), below("2")].map((trigger) =>
      Schema.decodeSync(StoredDocument)(Schema.encodeSync(StoredDocument)(document({ trigger, tags: ["shared"] })))
    )
    assert.strictEqual(first?.limits, second?.limits)
    assert.notStrictEqual(first?.trigger, second?.trigger)
  })

  it("refuses a trigger that is none, though the rest is known", () => {
    const text = Schema.encodeSync(plain)(document({ trigger: below("90000") }))
    Schema.decodeSync(StoredDocument)(text)
    assert.throws(() => Schema.decodeSync(StoredDocument)(text.replace("90000", "dear")))
  })
})
