import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"

const Report = Schema.parseJson(
  Schema.Struct({
    summary: Schema.Struct({
      violations: Schema.Array(
        Schema.Struct({ from: Schema.String, to: Schema.String, rule: Schema.Struct({ name: Schema.String }) })
      )
    })
  })
)

/** Writes a small source tree and tells which import laws it breaks. */
const violations = Effect.fn(function* (files: Readonly<Record<string, string>>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const project = path.resolve(".")
  const tree = yield* fs.realPath(yield* fs.makeTempDirectoryScoped({ prefix: "dipper-imports-" }))
  yield* fs.symlink(path.join(project, "node_modules"), path.join(tree, "node_modules"))
  yield* fs.copyFile(path.join(project, "package.json"), path.join(tree, "package.json"))
  for (const [name, code] of Object.entries(files)) {
    yield* fs.makeDirectory(path.join(tree, path.dirname(name)), { recursive: true })
    yield* fs.writeFileString(path.join(tree, name), code)
  }
  const folders = ["src", "test"].filter((folder) => Object.keys(files).some((name) => name.startsWith(folder)))
  const output = yield* Command.make(
    path.join(project, "node_modules/.bin/depcruise"),
    "--config",
    path.join(project, ".dependency-cruiser.cjs"),
    "--output-type",
    "json",
    ...folders
  ).pipe(Command.workingDirectory(tree), Command.string)
  const { summary } = yield* Schema.decode(Report)(output)
  return summary.violations.map(({ rule, from }) => `${rule.name} ${from}`)
})

const value = "export const x = 1\nexport type X = number\n"
const uses = (from: string) => `import { x } from "${from}"\nexport const y = x\nexport type Y = number\n`
const usesType = (from: string) => `import type { Y } from "${from}"\nexport const x = 1\nexport type X = Y\n`

const cases: ReadonlyArray<
  readonly [law: string, files: Readonly<Record<string, string>>, expected: ReadonlyArray<string>]
> = [
  [
    "a lower folder may be imported",
    { "src/orders/Orders.ts": uses("../domain/Order.ts"), "src/domain/Order.ts": value },
    []
  ],
  [
    "a higher folder may not",
    { "src/domain/Order.ts": uses("../orders/Orders.ts"), "src/orders/Orders.ts": value },
    ["rank-0-domain src/domain/Order.ts"]
  ],
  [
    "not even for a type",
    {
      "src/market/Hub.ts": usesType("../orders/Orders.ts"),
      "src/orders/Orders.ts": uses("../domain/Order.ts"),
      "src/domain/Order.ts": value
    },
    ["rank-3-market src/market/Hub.ts"]
  ],
  [
    "a folder of the same rank may not",
    { "src/paper/Paper.ts": uses("../mexc/MexcClient.ts"), "src/mexc/MexcClient.ts": value },
    ["rank-2-paper src/paper/Paper.ts"]
  ],
  [
    "the wire may be shared by client and paper exchange",
    {
      "src/paper/Paper.ts": uses("../mexc/wire/Rest.ts"),
      "src/mexc/MexcClient.ts": uses("./wire/Rest.ts"),
      "src/mexc/wire/Rest.ts": value
    },
    []
  ],
  [
    "two files may not import each other, types included",
    { "src/orders/A.ts": uses("./B.ts"), "src/orders/B.ts": usesType("./A.ts") },
    ["no-file-cycle src/orders/A.ts"]
  ],
  [
    "two folders may not import each other, though no file does",
    {
      "src/orders/place/A.ts": uses("../cancel/B.ts"),
      "src/orders/cancel/B.ts": value,
      "src/orders/cancel/C.ts": uses("../place/D.ts"),
      "src/orders/place/D.ts": value
    },
    ["no-folder-cycle src/orders/cancel", "no-folder-cycle src/orders/place"]
  ],
  [
    "a folder without a rank may not be imported",
    { "src/App.ts": uses("./utils/text.ts"), "src/utils/text.ts": value },
    ["has-a-rank src/App.ts"]
  ],
  [
    "src may not import test",
    { "src/orders/Orders.ts": uses("../../test/kit/Kit.ts"), "test/kit/Kit.ts": value },
    ["src-never-imports-test src/orders/Orders.ts"]
  ],
  [
    "the crash test may not look inside",
    { "test/chaos/run.ts": uses("../../src/domain/Order.ts"), "src/domain/Order.ts": value },
    ["chaos-stands-alone test/chaos/run.ts"]
  ],
  ["a file nobody uses may not stay", { "src/domain/Forgotten.ts": value }, ["no-unused-file src/domain/Forgotten.ts"]],
  [
    "a development package may not be used in src",
    { "src/domain/Order.ts": 'import { it } from "vitest"\nexport const x = it\n' },
    ["no-development-package-in-src src/domain/Order.ts"]
  ],
  [
    "a package that package.json does not name may not be used",
    { "src/domain/Order.ts": 'import { x } from "undici"\nexport const y = x\n' },
    ["declared-packages-only src/domain/Order.ts"]
  ],
  ["an import must lead somewhere", { "src/domain/Order.ts": uses("./Gone.ts") }, ["resolvable src/domain/Order.ts"]]
]

layer(NodeContext.layer)("import laws", (it) => {
  for (const [law, files, expected] of cases) {
    it.scoped(law, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* violations(files)).toSorted(), expected)
      })
    )
  }
})
