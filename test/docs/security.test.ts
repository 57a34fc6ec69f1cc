import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/security.md"), "utf8")
const rows = page.split("\n").flatMap((line) => {
  const [, id, file] = /^\| ([A-Z]\d{2}) .*`(test\/[^`]+)`/.exec(line) ?? []
  return id === undefined || file === undefined ? [] : [{ id, file }]
})

describe("docs/security.md", () => {
  it("has a row for each attack", () => {
    const ids = (letter: string, last: number) =>
      Array.from({ length: last }, (_, n) => `${letter}${String(n + 1).padStart(2, "0")}`)
    assert.deepStrictEqual(
      rows.map(({ id }) => id),
      [
        ...ids("T", 24),
        ...ids("K", 8),
        ...ids("L", 7),
        ...ids("W", 8),
        ...ids("Z", 6),
        ...ids("C", 5),
        ...ids("H", 15),
        ...ids("R", 16),
        ...ids("S", 8)
      ]
    )
  })

  it("names only tests that are there", () => {
    for (const [, file = ""] of page.matchAll(/`(test\/[^`]+)`/g)) assert.isTrue(existsSync(join(root, file)), file)
  })

  it("has a row for each risk of OWASP's list, and proves it by rows that are here", () => {
    const risks = page.split("\n").flatMap((line) => /^\| (API\d+) .*\|([^|]+)\|$/.exec(line)?.slice(1) ?? [])
    assert.deepStrictEqual(
      risks.filter((_, i) => i % 2 === 0),
      Array.from({ length: 10 }, (_, n) => `API${n + 1}`)
    )
    const known = new Set(rows.map(({ id }) => id))
    for (const [id] of risks.join(" ").matchAll(/\b[A-Z]\d{2}\b/g)) assert.isTrue(known.has(id), id)
  })

  it.each(rows)("$id is the name of a test in $file", ({ file, id }) => {
    assert.isTrue(existsSync(join(root, file)), file)
    const text = readFileSync(join(root, file), "utf8")
    const named = new RegExp(
      `(?:it|describe|attacks|journey|scopedLive|live|scoped|effect)[^(]*\\((?:[^)]*\\)\\()?[^)]*?["\`][^"\`]*\\b${id}\\b`,
      "s"
    )
    assert.match(text, named)
  })
})
