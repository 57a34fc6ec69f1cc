// `npm run check`: everything that decides without running the program. One line per part, output only of what failed.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { effectDiagnostics } from "./effect-diagnostics.mjs"

const root = join(import.meta.dirname, "..")
const bin = (name) => join(root, "node_modules", ".bin", name)
/** The type checkers make much short-lived garbage: a larger nursery saves a fifth of their time. */
const roomy = (path) => ["--max-semi-space-size=64", join(root, "node_modules", path)]

const parts = [
  ["types", process.execPath, [...roomy("typescript/bin/tsc"), "--noEmit", "-p", "tsconfig.json"]],
  [
    "effect",
    process.execPath,
    [
      ...roomy("@effect/language-service/cli.js"),
      "diagnostics",
      "--project",
      "tsconfig.json",
      "--format",
      "text",
      "--strict",
      "--severity",
      "error,warning",
      "--lspconfig",
      JSON.stringify(effectDiagnostics)
    ]
  ],
  ["lint", bin("eslint"), ["--max-warnings", "0", "--cache", "--cache-location", "node_modules/.cache/eslint/", "."]],
  ["format", bin("prettier"), ["--check", "--log-level", "warn", "--cache", "."]],
  [
    "dependencies",
    bin("depcruise"),
    ["--config", ".dependency-cruiser.cjs", "--output-type", "err", "src", "migrations", "test"]
  ],
  ["lock file", process.execPath, ["scripts/check-lock.mjs"]]
]

const run = ([name, command, args]) =>
  new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (text) => (output += text))
    child.stderr.on("data", (text) => (output += text))
    child.on("error", (error) => (output += String(error)))
    child.on("close", (code) => {
      const ok = code === 0
      console.log(
        `${ok ? "ok    " : "FAILED"} ${name.padEnd(14)} ${((performance.now() - started) / 1000).toFixed(1)} s`
      )
      resolve({ name, ok, output })
    })
  })

// The two type checkers dominate and take most of a core each; the short ones share what is left.
const [types, effect, ...short] = parts
const inTurn = async (list) => {
  const results = []
  for (const part of list) results.push(await run(part))
  return results
}
const results = (await Promise.all([inTurn([types, ...short]), inTurn([effect])])).flat()

const failed = results.filter(({ ok }) => !ok)
for (const { name, output } of failed) console.log(`\n--- ${name}\n${output.trimEnd()}`)
console.log(`\n${results.length - failed.length} passed, ${failed.length} failed`)
process.exit(failed.length === 0 ? 0 : 1)
