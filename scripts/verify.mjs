// `npm run verify -- C E S`: compares the three journals of a chaos run again; `--self-test` shows that it finds what is wrong.
import { spawnSync } from "node:child_process"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const run = (...words) => spawnSync(process.execPath, words, { stdio: "inherit" }).status ?? 1
const entries = ["test/chaos/verify/collect.ts", "test/chaos/verify/verify.ts"]
const built = run(join(root, "scripts/build.mjs"), ...entries, ".cache/verify")
process.exit(built === 0 ? run(join(root, ".cache/verify/verify.js"), ...process.argv.slice(2)) : built)
