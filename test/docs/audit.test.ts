import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { auditActions } from "../../src/domain/audit/AuditEntry.ts"

const page = readFileSync(join(import.meta.dirname, "../../docs/audit.md"), "utf8")

describe("docs/audit.md", () => {
  it("has a row for each action, in its own words", () => {
    const rows = page.split("\n").flatMap((line) => {
      const [, action, sentence] = /^\| `(\w+)`\s*\| (.*?)\s*\|$/.exec(line) ?? []
      return action === undefined ? [] : [[action, sentence]]
    })
    assert.deepStrictEqual(rows, Object.entries(auditActions))
  })
})
