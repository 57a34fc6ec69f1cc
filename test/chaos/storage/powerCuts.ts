import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { cutPower, type Outcome } from "./cuts.ts"
import { run } from "./processes.ts"
import { build, ioLog, normal } from "./programs.ts"
import { record } from "./workload.ts"

/**
 * `npm run power-cuts -- --cuts N --seed S [--seconds T] [--synchronous full|normal|both]`: what a loss of power at a random
 * moment costs (docs/reliability.md, Storage). Ends with 1 when the service lost something, or when the control, which
 * is built to lose, did not.
 */
const settings = ["full", "normal"] as const
type Setting = (typeof settings)[number]

const usage = (problem: string): never => {
  console.error(`power-cuts: ${problem}. Example: npm run power-cuts -- --cuts 2000 --seed 1 --synchronous both`)
  process.exit(2)
}

const readArguments = () => {
  const { values } = parseArgs({
    options: {
      cuts: { type: "string", default: "2000" },
      seed: { type: "string", default: "1" },
      seconds: { type: "string", default: "6" },
      synchronous: { type: "string", default: "both" }
    }
  })
  const whole = (name: string, text: string, least: number) =>
    /^\d{1,9}$/.test(text) && Number(text) >= least ? Number(text) : usage(`--${name}: expected a number from ${least}`)
  const asked = settings.filter((name) => values.synchronous === name || values.synchronous === "both")
  if (asked.length === 0) usage("--synchronous: expected full, normal or both")
  return {
    cuts: whole("cuts", values.cuts, 1),
    seed: whole("seed", values.seed, 0),
    seconds: whole("seconds", values.seconds, 1),
    asked
  }
}

const { asked, cuts, seconds, seed } = readArguments()
const library = ioLog()
if (library === null) {
  console.log(
    "power-cuts: skipped, because nothing here compiles C for LD_PRELOAD (cc, gcc or clang on Linux); nothing was proven"
  )
  process.exit(0)
}

// In memory where there is such a folder: each cut writes the database anew.
const scratch = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "dipper-power-"))
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }))
process.on("SIGINT", () => process.exit(130))
process.on("SIGTERM", () => process.exit(143))

const measure = async (setting: Setting) => {
  const program = build(setting, setting === "normal" ? normal : [])
  const began = Date.now()
  const recorded = await record({ folder: join(scratch, setting), program, library, secondsEach: seconds })
  const recordedAt = Date.now()
  const open = async (folder: string) => {
    const env = { DATA_DIR: folder, PAPER_URL: "http://127.0.0.1:9" }
    const { code, stderr } = await run([program, "keys", "list", "--user", "ann", "--json"], folder, env)
    return code === 0 ? null : `the service refuses: ${stderr.trim()}`
  }
  const openEvery = Math.max(1, Math.floor(cuts / 50))
  const outcome = await cutPower({ recorded, cuts, seed, scratch, openEvery, open })
  const tenths = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
  console.log(`\nsynchronous=${setting.toUpperCase()}, seed ${seed}`)
  for (const [name, value] of [
    ["recorded", `${tenths(recordedAt - began)}, ${outcome.calls} calls, ${outcome.syncs} syncs`],
    ["answered", [...recorded.answers].map(([code, times]) => `${code} ${times}`).join(", ")],
    ["told to somebody", `${outcome.expected} orders, rules, events, sent orders and keys`],
    ["cuts", `${cuts} in ${tenths(Date.now() - recordedAt)}, ${outcome.atStake} with something unsynced`],
    ["opened by the service", `${outcome.opened}`],
    ["lost something", `${outcome.losing} (worst ${outcome.worst})`],
    ["broken", `${outcome.broken}`]
  ])
    console.log(`  ${(name ?? "").padEnd(22)} ${value}`)
  for (const example of outcome.examples) console.log(`  ${example}`)
  return outcome
}

const verdictOf = (setting: Setting, { atStake, broken, expected, losing }: Outcome): string | null => {
  if (expected < 300 || atStake === 0) return `${setting.toUpperCase()} proved nothing: too little happened`
  if (setting === "normal") return losing === 0 ? "the control lost nothing: these cuts find nothing" : null
  return losing + broken > 0 ? `${losing} cuts lost something and ${broken} left something broken` : null
}

const problems: Array<string> = []
for (const setting of asked) {
  const verdict = verdictOf(setting, await measure(setting))
  if (verdict !== null) problems.push(verdict)
}
console.log(problems.length === 0 ? "\npower-cuts: 0 violations" : `\npower-cuts: ${problems.join("; ")}`)
process.exit(problems.length === 0 ? 0 : 1)
