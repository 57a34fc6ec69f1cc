// `npm run broken -- --chaos [name]`: the same broken builds as programs that a short chaos run must turn red, by the
// violation that is meant to be found and not only by being slow or void (docs/reliability.md). Each of the runs takes two to four minutes.
import { spawnSync } from "node:child_process"
import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { buildsNamed, copySources, root, whileBroken } from "./breaking.mjs"

const asked = process.argv.slice(2).filter((word) => word !== "--chaos")
const builds = buildsNamed(asked.join(" "))
const copy = copySources()
const node = (...args) => spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8", maxBuffer: 2 ** 28 })

/** The program is kept apart, for the copy of its sources is whole again when it runs. */
const bundled = ({ name, patches }) =>
  whileBroken(copy, patches, () => {
    const { status } = node(join(copy, "scripts/build.mjs"), "src/main.ts", "dist")
    if (status !== 0) return null
    const program = join(copy, ".cache", name.replaceAll(" ", "-"))
    cpSync(join(copy, "dist"), program, { recursive: true })
    return join(program, "main.js")
  })

const chaosOf = (program, { faults = ["all"], kills, minutes, seed }) => {
  const out = join(copy, ".cache/out")
  const numbers = ["--kills", `${kills}`, "--minutes", `${minutes}`, "--seed", `${seed}`]
  const { status, stdout } = node(
    join(copy, "scripts/chaos.mjs"),
    ...[...numbers, "--faults", ...faults, "--crowded", "--out", out, "--program", program]
  )
  rmSync(out, { recursive: true, force: true })
  const violations = [...stdout.matchAll(/^(I\d+): (.*)/gm)]
  return { status, found: violations.map(([line]) => line) }
}

let missed = 0
for (const build of builds) {
  const { chaos, name } = build
  if (chaos?.found === undefined) {
    console.log(`left out  ${name}: ${chaos?.unseen ?? "not tried yet"}`)
    continue
  }
  const program = bundled(build)
  const { found, status } = program === null ? { found: [], status: null } : chaosOf(program, chaos)
  // Red for another reason proves nothing.
  const proof = status === 1 ? found.find((line) => new RegExp(chaos.found).test(line)) : undefined
  if (proof === undefined) missed++
  const otherwise =
    program === null ? "could not be broken or bundled" : `exit ${status}, ${found[0] ?? "no violation"}`
  console.log(`${proof === undefined ? "MISSED" : "caught"}  ${name} (seed ${chaos.seed}): ${proof ?? otherwise}`)
}
console.log(`${missed} missed`)
process.exit(missed === 0 ? 0 : 1)
