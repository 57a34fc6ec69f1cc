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
    const ids = (letter: string, last: number, without: ReadonlyArray<number> = []) =>
      Array.from({ length: last }, (_, n) => n + 1)
        .filter((n) => !without.includes(n))
        .map((n) => `${letter}${String(n).padStart(2, "0")}`)
    assert.deepStrictEqual(
      rows.map(({ id }) => id),
      [
        ...ids("T", 24),
        ...ids("K", 8),
        ...ids("L", 7, [6]),
        ...ids("W", 4),
        ...ids("Z", 6),
        ...ids("C", 5),
        ...ids("S", 8)
      ]
    )
  })

  it.each(rows)("$id is the name of a test in $file", ({ file, id }) => {
    assert.isTrue(existsSync(join(root, file)), file)
    const text = readFileSync(join(root, file), "utf8")
    const named = new RegExp(
      `(?:it|describe|attacks|scopedLive|live|scoped|effect)[^(]*\\([^)]*?["\`][^"\`]*\\b${id}\\b`,
      "s"
    )
    assert.match(text, named)
  })
})
