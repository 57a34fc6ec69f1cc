import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { eventTypes } from "../../src/domain/Event.ts"

const text = readFileSync(join(import.meta.dirname, "../../docs/api.md"), "utf8")

describe("docs/api.md", () => {
  it("lists every type of event with its sentence as the source has it", () => {
    const listed = [...text.matchAll(/^\| `([a-z]+\.[a-zA-Z]+)` +\| (.+?) +\|$/gm)].map(([, type, sentence]) => [
      type,
      sentence
    ])
    assert.deepStrictEqual(
      listed,
      Object.entries(eventTypes).map(([type, { sentence }]) => [type, sentence])
    )
  })
})
