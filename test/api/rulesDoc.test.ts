import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { RuleRequest } from "../../src/domain/Rule.ts"
import { ruleProblems } from "../../src/domain/rule/ruleProblems.ts"
import { ExecutionStyle, Gate, Size } from "../../src/domain/rule/RuleParts.ts"
import { Limits } from "../../src/domain/rule/shape/Limits.ts"
import { DropFrom, Trigger } from "../../src/domain/rule/Trigger.ts"
import { d, symbolInfo } from "../domain/rule/fixtures.ts"

const page = readFileSync("docs/rules.md", "utf8")
const examples = [...page.matchAll(/```(?:json)?\n([^]*?)```/g)].flatMap((match) => match[1] ?? [])

describe("docs/rules.md", () => {
  it("has an example for everything that a rule can have", () => {
    const types = {
      trigger: Trigger.members.map((member) => String(member.fields.type.literals[0])),
      gate: Gate.members.map((member) => String(member.fields.type.literals[0])),
      size: Size.members.map((member) => String(member.fields.type.literals[0])),
      execution: ExecutionStyle.members.map((member) => String(member.fields.type.literals[0])),
      reference: DropFrom.members.map((member) => String(member.fields.type.literals[0]))
    }
    for (const [what, names] of Object.entries(types))
      for (const type of names) {
        const written = what === "reference" ? page : examples.join("\n")
        assert.include(written, `"type": "${type}"`, what)
      }
    for (const field of [
      "ladder",
      "levels",
      "count",
      "takeProfit",
      "stopLoss",
      "trailing",
      "escalate",
      "whileOpen",
      "maxActive"
    ])
      assert.include(examples.join("\n"), `"${field}": `)
    for (const limit of Object.keys(Limits.fields)) assert.include(examples.join("\n"), `"${limit}": `)
  })

  it.each(examples)("has an example that can be sent as it is: %s", (example) => {
    const { state: _, ...document } = Schema.decodeSync(Schema.parseJson(RuleRequest))(example)
    const now = Date.parse("2026-12-01T00:00:00Z")
    const isNew = document.trigger.type === "listing.tradable"
    const context = { symbol: isNew ? null : symbolInfo, ask: isNew ? null : d("100"), now, createdAt: now }
    assert.deepStrictEqual(ruleProblems(document, context), [])
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
