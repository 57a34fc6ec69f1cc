import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Schema } from "effect"
import { parse } from "yaml"

const root = join(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/monitoring.md"), "utf8")

const Rule = Schema.Struct({
  alert: Schema.String.pipe(Schema.pattern(/^Dipper[A-Z]\w+$/)),
  expr: Schema.NonEmptyString,
  for: Schema.String.pipe(Schema.pattern(/^\d+m$/)),
  labels: Schema.Struct({ severity: Schema.Literal("critical", "warning") }),
  annotations: Schema.Struct({
    summary: Schema.NonEmptyString,
    description: Schema.NonEmptyString,
    runbook: Schema.String
  })
})
const file = Schema.decodeUnknownSync(
  Schema.Struct({ groups: Schema.Array(Schema.Struct({ name: Schema.String, rules: Schema.Array(Rule) })) }),
  { onExcessProperty: "error" }
)(parse(readFileSync(join(root, "deploy/alerts.yml"), "utf8")))
const rules = file.groups.flatMap((group) => group.rules)

/** Type and labels of each name of the contract. */
const contract = new Map(
  page.split("\n").flatMap((line) => {
    const [, name, type, labels, meaning] = /^\| `([a-z_]+)` *\| (\w+) *\| ([^|]*)\| (.*)\|$/.exec(line) ?? []
    return name === undefined ? [] : [[name, { type, labels: labels ?? "", meaning: meaning ?? "" }] as const]
  })
)

/** Names of metrics in an expression, with the matchers behind them. */
const usesOf = (expr: string) =>
  [...expr.matchAll(/\b(dipper_\w+|process_\w+)(?:\{([^}]*)\})?/g)].map(([, name = "", matchers = ""]) => ({
    name,
    matchers: [...matchers.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", value = ""]) => ({ label, value }))
  }))

describe("deploy/alerts.yml", () => {
  it("names each alert once", () => {
    assert.isAbove(rules.length, 15)
    assert.strictEqual(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  })

  it.each(rules)("$alert uses metrics and labels of the contract only", ({ expr }) => {
    const uses = usesOf(expr)
    assert.isTrue(uses.length > 0 || expr.startsWith("up{"))
    for (const { matchers, name } of uses) {
      const family = name.replace(/_bucket$/, "")
      const known = contract.get(family)
      assert.isDefined(known, `${name} is not in docs/monitoring.md`)
      assert.strictEqual(name !== family, known?.type === "histogram", `${name} is no name of a ${known?.type}`)
      if (known?.type === "counter") assert.match(expr, new RegExp(`(?:rate|increase)\\(${name}`))
      for (const { label, value } of matchers) {
        if (label === "job") continue
        assert.include(known?.labels ?? "", `\`${label}\``, `${name} has no label ${label}`)
        assert.include(known?.meaning ?? "", `\`${value}\``, `${name} is never ${value}`)
      }
    }
    let open = 0
    for (const sign of expr) {
      open += sign === "(" ? 1 : sign === ")" ? -1 : 0
      assert.isAtLeast(open, 0)
    }
    assert.strictEqual(open, 0)
  })

  it.each(rules)("$alert has its section in the runbook", ({ alert, annotations }) => {
    const [file, anchor = ""] = annotations.runbook.split("#")
    assert.strictEqual(file, "docs/monitoring.md")
    const [, section = ""] = page.split(`\n### ${anchor}\n`)
    assert.match(section, new RegExp(`^\\n${alert}: .{80,}`))
  })

  it("leaves no section of the runbook without its alert", () => {
    const sections = [...page.matchAll(/^### (.+)$/gm)].map(([, title]) => title)
    assert.deepStrictEqual(
      sections,
      rules.map(({ annotations }) => annotations.runbook.split("#")[1])
    )
  })
})
