import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { RuleRequest } from "../../src/domain/Rule.ts"

const page = readFileSync("docs/rules.md", "utf8")
const examples = [...page.matchAll(/```(?:json)?\n([^]*?)```/g)].flatMap((match) => match[1] ?? [])

describe("docs/rules.md", () => {
  it("has an example for every trigger", () => {
    for (const type of ["schedule.every", "schedule.calendar", "price.level", "price.drop", "manual"])
      assert.isTrue(
        examples.some((example) => example.includes(`"type": "${type}"`)),
        type
      )
  })

  it.each(examples)("has an example that can be sent as it is: %s", (example) => {
    const rule = Schema.decodeSync(Schema.parseJson(RuleRequest))(example)
    assert.isTrue(Object.values(rule.limits).some((limit) => limit !== null))
  })

  it("tells every default of the document truly", () => {
    const full: unknown = JSON.parse(examples[0] ?? "")
    const { symbol, trigger, size } = Schema.decodeUnknownSync(
      Schema.Struct({ symbol: Schema.Unknown, trigger: Schema.Unknown, size: Schema.Unknown })
    )(full)
    const decode = Schema.decodeUnknownSync(RuleRequest)
    const short = decode({ name: "Dip", state: "active", symbol, trigger, size, limits: { total: "1000" } })
    assert.deepStrictEqual(decode(full), short)
  })
})
