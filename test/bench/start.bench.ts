import { it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { dipper, temporaryFolder } from "../kit/Process.ts"
import { print, residentMb, spread } from "./kit.ts"

const rounds = 5

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

const service = Effect.scoped(
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const began = performance.now()
    const running = yield* dipper(["serve"], { cwd: folder, env: { PORT: "0", PAPER_PORT: "0", DATA_DIR: folder } })
    yield* running.line(/dipper ready/)
    const took = performance.now() - began
    yield* Effect.sleep("5 seconds")
    return { took, memory: residentMb(running.pid) }
  })
)

it.live("start to ready and idle memory", () =>
  Effect.gen(function* () {
    const bare = yield* Effect.replicateEffect(bareServer, rounds)
    const ours = yield* Effect.replicateEffect(service, rounds)
    const times = { bare: bare.map((run) => run.took), ours: ours.map((run) => run.took) }
    const memory = { bare: bare.map((run) => run.memory), ours: ours.map((run) => run.memory) }
    const ratio = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) =>
      spread(
        a.map((value, i) => value / (b[i] ?? Number.NaN)),
        1
      )
    print("start to ready, ms", [
      ["bare node:http", spread(times.bare)],
      ["dipper serve, new folder, paper exchange included", spread(times.ours)],
      ["ratio", ratio(times.ours, times.bare)]
    ])
    print("resident memory when idle for 5 s, MB", [
      ["bare node:http", spread(memory.bare)],
      ["dipper serve", spread(memory.ours)],
      ["ratio", ratio(memory.ours, memory.bare)]
    ])
  })
)
