import { it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import manifest from "../../package.json" with { type: "json" }
import { dipper, temporaryFolder } from "../kit/Process.ts"
import { print, residentMb, spread } from "./kit.ts"

const rounds = 7

/** What `npm start` tells the engine. */
const startFlags = /^node (.*) ?dist\/main\.js/.exec(manifest.scripts.start)?.[1] ?? ""

/** Node itself, listening and nothing else. */
const bareServer = Effect.promise(async () => {
  const began = performance.now()
  const child = spawn(process.execPath, [
    "-e",
    "require('node:http').createServer((q,s)=>s.end()).listen(0,'127.0.0.1',()=>console.log('ready'))"
  ])
  await new Promise((resolve) => child.stdout.once("data", resolve))
  const took = performance.now() - began
  await new Promise((resolve) => setTimeout(resolve, 300))
  const memory = residentMb(child.pid ?? 0)
  child.kill("SIGKILL")
  return { took, memory }
})

const service = (flags: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const env = { PORT: "0", PAPER_PORT: "0", DATA_DIR: folder, NODE_OPTIONS: flags }
      const began = performance.now()
      const running = yield* dipper(["serve"], { cwd: folder, env })
      yield* running.line(/dipper ready/)
      const took = performance.now() - began
      yield* Effect.sleep("5 seconds")
      return { took, memory: residentMb(running.pid) }
    })
  )

it.live("start to ready and idle memory", () =>
  Effect.gen(function* () {
    const runs = yield* Effect.replicateEffect(
      Effect.all({ bare: bareServer, ours: service(startFlags), plain: service("") }),
      rounds
    )
    const rows = (of: (run: { readonly took: number; readonly memory: number }) => number) =>
      [
        ["bare node:http", spread(runs.map((run) => of(run.bare)))],
        ["as npm start: new folder, paper exchange included", spread(runs.map((run) => of(run.ours)))],
        ["the same without flags for the engine", spread(runs.map((run) => of(run.plain)))],
        [
          "npm start ÷ bare",
          spread(
            runs.map((run) => of(run.ours) / of(run.bare)),
            1
          )
        ]
      ] as const
    print(
      "start to ready, ms",
      rows((run) => run.took)
    )
    print(
      "resident memory when idle for 5 s, MB",
      rows((run) => run.memory)
    )
  })
)
