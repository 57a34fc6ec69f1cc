// `npm run chaos -- --kills N --seed S --faults all`: kills the service while it trades and compares three independent
// journals afterwards (docs/reliability.md). Bundles the runner and the checker, which import nothing from src.
import { spawn, spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const bundle = (...entriesAndFolder) => {
  const { status } = spawnSync(process.execPath, [join(root, "scripts/build.mjs"), ...entriesAndFolder], {
    stdio: "inherit"
  })
  if (status !== 0) process.exit(1)
}
mkdirSync(join(root, ".cache"), { recursive: true })
bundle("test/chaos/run/main.ts", ".cache/chaos")
bundle("test/chaos/verify/collect.ts", "test/chaos/verify/verify.ts", ".cache/verify")

const given = process.argv.slice(2)
// A copy is run: a build in the meantime must not change the program under its feet.
const copy = mkdtempSync(join(root, ".cache/chaos-program-"))
process.on("exit", () => rmSync(copy, { recursive: true, force: true }))
const named = given.includes("--program")
if (!named) {
  // With --at the program kills itself at the step: the same sources with fail points (test/kit/failing).
  const failing = given.includes("--at")
  const folder = failing ? ".cache/failing" : ".cache/program"
  bundle(failing ? "test/kit/failing/failing.ts" : "src/main.ts", folder)
  cpSync(join(root, folder), copy, { recursive: true })
  if (failing) renameSync(join(copy, "failing.js"), join(copy, "main.js"))
}
const program = named ? [] : ["--program", join(copy, "main.js")]
const child = spawn(process.execPath, [join(root, ".cache/chaos/main.js"), ...given, ...program], { stdio: "inherit" })
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
child.on("exit", (code) => process.exit(code ?? 1))
