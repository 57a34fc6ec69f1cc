// `npm run broken [name]`: builds that are broken on purpose, each of which a named test must catch (docs/reliability.md).
// Works on a copy in the temporary folder; the tests have to pass there before anything is broken.
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { buildsNamed, copySources, root, whileBroken } from "./breaking.mjs"

// `--chaos`: caught by a chaos run instead.
if (process.argv.includes("--chaos")) await import("./broken-chaos.mjs")

const builds = buildsNamed(process.argv.slice(2).join(" "))
const copy = copySources()
// Nothing is bundled: the tests named here run the sources.
writeFileSync(
  join(copy, "vitest.config.ts"),
  `export default { test: { include: ["test/**/*.test.ts"], pool: "forks", testTimeout: 120_000, hookTimeout: 60_000 } }\n`
)

const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** The part of a test's name that its source spells out. */
const spelled = (test) => test.split("${")[0]

const outcomesOf = (file, tests) => {
  const report = join(copy, "report.json")
  rmSync(report, { force: true })
  const pattern = tests.map((test) => literal(spelled(test))).join("|")
  const args = ["run", file, "-t", pattern, "--reporter", "json", "--outputFile", report]
  spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args], { cwd: copy, stdio: "ignore" })
  try {
    const { testResults } = JSON.parse(readFileSync(report, "utf8"))
    return testResults.flatMap(({ assertionResults }) => assertionResults)
  } catch {
    return []
  }
}

const statusOf = (outcomes, test) => {
  const mine = outcomes.filter(({ fullName, status }) => fullName.includes(spelled(test)) && status !== "skipped")
  if (mine.length === 0) return "did not run"
  return mine.some(({ status }) => status === "failed") ? "failed" : "passed"
}

let wrong = 0
for (const file of new Set(builds.map((build) => build.file))) {
  const tests = builds.filter((build) => build.file === file).map(({ test }) => test)
  const outcomes = outcomesOf(file, tests)
  for (const test of tests) {
    const status = statusOf(outcomes, test)
    if (status === "passed") continue
    console.log(`unbroken, ${file} "${test}" ${status}: it proves nothing`)
    wrong++
  }
}

let caught = 0
for (const { file, name, patches, test } of builds) {
  const status =
    whileBroken(copy, patches, () => statusOf(outcomesOf(file, [test]), test)) ??
    "could not be broken: its source has changed"
  const isCaught = status === "failed"
  if (isCaught) caught++
  console.log(isCaught ? `caught  ${name}: ${file} "${test}"` : `MISSED  ${name}: "${test}" ${status}`)
}
console.log(`${caught} caught, ${builds.length - caught} missed`)
process.exit(wrong === 0 && caught === builds.length ? 0 : 1)
