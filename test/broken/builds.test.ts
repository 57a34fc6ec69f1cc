import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")
const text = (path: string) => readFileSync(join(root, path), "utf8")

const Builds = Schema.parseJson(
  Schema.Array(
    Schema.Struct({
      name: Schema.String,
      /** What goes wrong with it. */
      breaks: Schema.String,
      patches: Schema.NonEmptyArray(
        Schema.Struct({ file: Schema.String, find: Schema.String, replace: Schema.String })
      ),
      /** The test that catches it. */
      file: Schema.String,
      test: Schema.String,
      /** The chaos run that catches it and by which invariant, or why none does. */
      chaos: Schema.optional(
        Schema.Union(
          Schema.Struct({ seed: Schema.Int, kills: Schema.Int, minutes: Schema.Number, found: Schema.String }),
          Schema.Struct({ unseen: Schema.String })
        )
      )
    })
  )
)
const builds = Schema.decodeSync(Builds)(text("test/broken/builds.json"))

/** `npm run broken` breaks and runs them; here it is only seen that it still could. */
describe("the builds that are broken on purpose", () => {
  for (const { breaks, file, name, patches, test } of builds)
    it(`${name}: fits the source, names a test, and is documented with it`, () => {
      for (const patch of patches) assert.lengthOf(text(patch.file).split(patch.find), 2, patch.file)
      assert.include(text(file), test)
      const row = text("docs/reliability.md")
        .split("\n")
        .find((line) => line.startsWith(`| ${name} `))
      for (const said of [breaks, file, test]) assert.include(row, said)
    })
})
