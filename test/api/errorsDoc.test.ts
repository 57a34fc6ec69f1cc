import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { format } from "prettier"
import { descriptionOf, statusOf } from "../../src/api/Envelope.ts"
import { registry } from "../../src/api/Errors.ts"
import { reasons } from "../../src/domain/Reason.ts"

const file = new URL("../../docs/errors.md", import.meta.url)

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const generated = `# Errors and reasons

Generated from \`src/api/Errors.ts\` and \`src/domain/Reason.ts\`; a test fails when it is stale.
Write it again with \`UPDATE_DOCS=1 npx vitest run test/api/errorsDoc.test.ts\`.

## Error codes

Every failure is \`{"success":false,"error":{"code","message"}}\`, optionally with \`details[{path,message}]\`,
\`venue{code,message}\`, \`retryable\` and \`requestId\`. Decide by \`code\`; \`message\` is for people and may change.

${table(
  ["Status", "Code", "Meaning"],
  registry.map((Class) => [String(statusOf(Class)), `\`${Class._tag}\``, descriptionOf(Class)])
)}

## Reasons

Why a rule did or did not buy, why it paused, why an order ended as it did: \`{code, text, params}\` in executions,
decisions, rules and orders.

${table(
  ["Code", "Meaning"],
  Object.entries(reasons).map(([code, text]) => [`\`${code}\``, text])
)}
`

describe("docs/errors.md", () => {
  it("lists every error code and every reason as the source has them", async () => {
    const expected = await format(generated, { parser: "markdown" })
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, expected)
    const written = existsSync(file) ? readFileSync(file, "utf8") : ""
    assert.isTrue(
      written === expected,
      "docs/errors.md is stale: UPDATE_DOCS=1 npx vitest run test/api/errorsDoc.test.ts"
    )
  })

  it("orders the codes by status and has each once", () => {
    const statuses = registry.map(statusOf)
    assert.deepStrictEqual(
      statuses,
      [...statuses].sort((a, b) => a - b)
    )
    assert.strictEqual(new Set(registry.map((Class) => Class._tag)).size, registry.length)
  })
})
