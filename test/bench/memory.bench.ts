import { it } from "@effect/vitest"
import { Effect } from "effect"
import { buildSync } from "esbuild"
import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { cpuMs, print, residentMb, spread } from "./kit.ts"

const rounds = 3
const pairs = 2_000
const settleMs = 12_000

/** Beside the modules, which it does not contain. */
const folder = join(import.meta.dirname, "../../node_modules/.cache/dipper-bench")

const bundled = (name: string): string => {
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `${name}.mjs`)
  const entry = join(import.meta.dirname, `memory/${name}.ts`)
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", packages: "external" })
  return outfile
}

const started = (script: string, args: ReadonlyArray<string>, ready: RegExp) =>
  Effect.acquireRelease(
    Effect.async<{ readonly pid: number; readonly said: string; readonly kill: () => void }>((resume) => {
      const flags = ["--max-semi-space-size=8"]
      const child = spawn(process.execPath, [...flags, script, ...args], { stdio: ["ignore", "pipe", "inherit"] })
      let output = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text
        const said = ready.exec(output)?.[1]
        if (said !== undefined)
          resume(Effect.succeed({ pid: child.pid ?? -1, said, kill: () => child.kill("SIGKILL") }))
      })
    }),
    ({ kill }) => Effect.sync(kill)
  )

/** Resident memory once everything is subscribed and some rounds of pushes have come; CPU time of ten seconds of them. */
const measure = (watcher: string, port: string, count: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { pid, said } = yield* started(watcher, [port, String(count)], /watching (\d+)/)
      yield* Effect.sleep(settleMs)
      const before = cpuMs(pid)
      yield* Effect.sleep(10_000)
      return { channels: Number(said), cpu: (cpuMs(pid) - before) / 10, mb: residentMb(pid) }
    })
  )

it.live("memory with all pairs subscribed", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const watcher = bundled("watcher")
      const { said: port } = yield* started(bundled("venue"), [String(pairs)], /venue (\d+)/)
      const runs: Array<{
        readonly idle: number
        readonly all: number
        readonly cpu: number
        readonly channels: number
      }> = []
      for (let round = 0; round < rounds; round++) {
        const idle = yield* measure(watcher, port, 0)
        const all = yield* measure(watcher, port, pairs)
        runs.push({ idle: idle.mb, all: all.mb, cpu: all.cpu, channels: all.channels })
      }
      print(`${pairs} pairs, ${runs[0]?.channels} channels, a push each in two seconds, ${rounds} rounds`, [
        ["nothing subscribed, MB", spread(runs.map((run) => run.idle))],
        ["all pairs subscribed, MB", spread(runs.map((run) => run.all))],
        [
          "more, kB per pair",
          spread(
            runs.map((run) => ((run.all - run.idle) * 1_024) / pairs),
            1
          )
        ],
        [
          "all ÷ nothing",
          spread(
            runs.map((run) => run.all / run.idle),
            2
          )
        ],
        ["CPU, ms per second", spread(runs.map((run) => run.cpu))]
      ])
    })
  )
)
