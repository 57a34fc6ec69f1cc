import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { catalogue } from "../../src/paper/faults/Catalogue.ts"
import { readFaultPlan } from "../../src/paper/faults/FaultPlan.ts"
import { faultTypes } from "../../src/paper/faults/Faults.ts"
import { dipper } from "../kit/Process.ts"

const root = join(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/paper-exchange.md"), "utf8")

/** The code blocks of a language, as they stand on the page. */
const blocks = (language: string): ReadonlyArray<string> =>
  [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, named, code]) =>
    named === language && code ? [code] : []
  )

const account = /--account (\S+)/.exec(page)?.[1] ?? ""

/** Runs a program that is read from stdin; the modules are those of this project. */
const runs = (command: string, args: ReadonlyArray<string>, code: string, url: string) =>
  Effect.async<{ readonly exit: number | null; readonly output: string }>((resume) => {
    const env = { PATH: process.env["PATH"] ?? "", PAPER_URL: url }
    const child = spawn(command, args, { cwd: root, env })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text))
    child.on("close", (exit) => resume(Effect.succeed({ exit, output })))
    child.stdin.end(code)
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const exchange = Effect.gen(function* () {
  const running = yield* dipper(["paper", "--port", "0", "--account", account, "--control"])
  return (yield* running.line(/^paper exchange ready (\S+) stream ws:\S+\/ws/))[1] ?? ""
})

const has = (program: string) => spawnSync(program, ["--help"]).error === undefined

describe("docs/paper-exchange.md", () => {
  it.scopedLive(
    "the example for ccxt in JavaScript trades",
    () =>
      Effect.gen(function* () {
        const url = yield* exchange
        const [example = ""] = blocks("js")
        const { exit, output } = yield* runs(process.execPath, ["--input-type=module"], example, url)
        assert.strictEqual(exit, 0, output)
        assert.match(output, /bought [\d.]+ at [\d.]+ fee [\d.]+ USDT\nopen 1\norder closed USDT left 99[\d.]+\n/)
      }),
    60_000
  )

  it.scopedLive.skipIf(!["bash", "curl", "openssl"].every(has))("the example for curl and openssl trades", () =>
    Effect.gen(function* () {
      const url = yield* exchange
      const { exit, output } = yield* runs("bash", ["-eu"], blocks("bash").join("\n"), url)
      assert.strictEqual(exit, 0, output)
      assert.notInclude(output, `"code"`)
      assert.match(output, /"clientOrderId":"my-first-1".*"status":"FILLED"/)
    })
  )

  it("the example file of faults can be planned, and the table has every fault with its parameters", () => {
    const plans = blocks("json").filter((code) => code.includes(`"faults"`))
    assert.isNotEmpty(plans)
    for (const plan of plans) assert.strictEqual(readFaultPlan(plan)._tag, "Right")
    for (const type of faultTypes) {
      const row = page.split("\n").find((line) => line.startsWith(`| \`${type}\` `)) ?? ""
      for (const name of Object.keys(catalogue[type].parameters)) assert.include(row, `\`${name}\``, type)
      assert.include(row, catalogue[type].about)
    }
  })

  it("the table of options has every option of the command", () => {
    const help = spawnSync(process.execPath, [join(root, "dist/main.js"), "paper", "--help"], { encoding: "utf8" })
    const options = new Set([...help.stdout.matchAll(/--([a-z]+)/g)].map(([, name]) => name))
    for (const name of ["help", "version", "wizard", "completions", "log"]) options.delete(name)
    assert.isAbove(options.size, 6)
    for (const name of options) assert.match(page, new RegExp(`^\\| \`--${name}[ \`]`, "m"))
  })
})
