import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Rule, RuleDocument, RuleRequest } from "../../../src/domain/Rule.ts"
import { ruleProblems } from "../../../src/domain/rule/ruleProblems.ts"
import { at, d, symbolInfo } from "../../domain/rule/fixtures.ts"

const folder = "test/journeys/rules/golden"

/** A rule's request, and its document as every answer shows it. */
const Golden = Schema.parseJson(Schema.Struct({ request: Schema.Unknown, rule: Schema.optional(Schema.Unknown) }))
/** The answer without what belongs to one stored rule. */
const Answer = Rule.omit("id", "version", "state", "pauseReason", "createdAt", "updatedAt", "computed")

const decode = Schema.decodeUnknownSync(RuleRequest)
const answer = (json: unknown) => {
  const { state: _, ...document } = decode(json)
  return Schema.encodeSync(Answer)(document)
}

const files = readdirSync(folder)

describe("the rules that users ask for most", () => {
  it("are eight", () => assert.lengthOf(files, 8))

  for (const name of files)
    describe(name, () => {
      const text = readFileSync(join(folder, name), "utf8")
      const golden = Schema.decodeSync(Golden)(text)

      it("is answered with every default filled in and every number in its plain form", () => {
        const shown = answer(golden.request)
        if (process.env["UPDATE_GOLDEN"] === "1")
          writeFileSync(join(folder, name), `${JSON.stringify({ request: golden.request, rule: shown }, null, 2)}\n`)
        else assert.deepStrictEqual(JSON.parse(JSON.stringify(shown)), golden.rule)
      })

      it("may be sent back as it was answered", () =>
        assert.deepStrictEqual(answer(golden.rule), answer(golden.request)))

      it("is stored and read again without a change", () => {
        const { state: _, ...document } = decode(golden.request)
        const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(RuleDocument)(document)))
        const read = Schema.decodeUnknownSync(RuleDocument)(stored)
        assert.deepStrictEqual(Schema.encodeSync(Answer)(read), answer(golden.request))
      })

      it("has nothing wrong with it", () => {
        const { state: _, ...document } = decode(golden.request)
        const now = at("2026-12-01T00:00:00Z")
        const market =
          document.trigger.type === "listing.tradable"
            ? { symbol: null, ask: null }
            : { symbol: symbolInfo, ask: d("100000") }
        assert.deepStrictEqual(ruleProblems(document, { ...market, now, createdAt: now }), [])
      })
    })
})
