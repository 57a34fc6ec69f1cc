import { Effect, type Scope } from "effect"
import { buildSync } from "esbuild"
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"

/** Beside the modules, which the bundles do not contain. */
const cache = join(import.meta.dirname, "../../../node_modules/.cache/dipper-bench")

/** Where every part of the benchmark leaves its numbers, for the figure and the page. */
const results = join(cache, "engine.json")

export const bundled = (name: string): string => {
  mkdirSync(cache, { recursive: true })
  const outfile = join(cache, `engine-${name}.mjs`)
  const entry = join(import.meta.dirname, `${name}.ts`)
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", packages: "external" })
  return outfile
}

/** Runs a process of its own to its end, with the engine's flags of `npm start`; answers what it says it measured. */
export const measured = (script: string, ...args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.async((resume) => {
    const flags = ["--expose-gc", "--max-semi-space-size=8"]
    const child = spawn(process.execPath, [...flags, script, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let output = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
    child.on("exit", () => {
      const found = /measured (.*)/.exec(output)?.[1]
      resume(found === undefined ? Effect.dieMessage(`${script} measured nothing: ${output}`) : Effect.succeed(found))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "dipper-bench-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Adds a part to the results, with what else the machine did. */
export const keep = (part: string, value: unknown): void => {
  const before: unknown = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : {}
  const machine = { at: new Date().toISOString(), node: process.version, cores: cpus().length, load: loadavg() }
  writeFileSync(results, JSON.stringify({ ...Object(before), [part]: { machine, value } }, null, 2))
}
