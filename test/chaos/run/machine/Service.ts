import { createServer } from "node:net"
import { join } from "node:path"
import type { Journal } from "./Journal.ts"
import { start, type Started } from "./Program.ts"
import { sleep } from "./Time.ts"

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

export interface Service {
  readonly url: string
  readonly isUp: () => boolean
  /** Starts it without waiting. */
  readonly begin: (extra?: Readonly<Record<string, string>>) => Started
  /** Starts it and waits until it is ready; false when it ended before. */
  readonly start: (extra?: Readonly<Record<string, string>>) => Promise<boolean>
  /** SIGKILL, and waits until it is gone. */
  readonly kill: (why: Readonly<Record<string, unknown>>) => Promise<void>
  readonly process: () => Started | null
  readonly readyMs: ReadonlyArray<number>
  /** Ends that nobody asked for. */
  readonly accidents: ReadonlyArray<string>
}

/** The service on its data directory, always at the same address; whoever starts it may kill it. */
export const makeService = async (
  program: ReadonlyArray<string>,
  folder: string,
  journal: Journal,
  env: Readonly<Record<string, string>>
): Promise<Service> => {
  const port = await freePort()
  const readyMs: Array<number> = []
  const accidents: Array<string> = []
  let current: Started | null = null
  let up = false

  const begin = (extra: Readonly<Record<string, string>> = {}) => {
    const settings = { ...env, ...extra, PORT: String(port) }
    const process = start([...program, "serve"], { cwd: folder, log: join(folder, "service.log"), env: settings })
    current = process
    void process.ended.then(({ code, signal }) => {
      if (current === process) up = false
      if (signal === "SIGKILL") return
      accidents.push(`the service ended by itself: ${signal ?? `code ${code}`}`)
      journal.note({ kind: "ended", code, signal })
    })
    return process
  }

  const ready = async (process: Started): Promise<boolean> => {
    const line = await Promise.race([process.line(/dipper ready (\S+)/), sleep(60_000).then(() => null)])
    if (line === null) {
      if (process.isOver()) return false
      accidents.push("the service was not ready after 60 s")
      await process.stop("SIGKILL")
      return false
    }
    readyMs.push(Date.now() - process.startedAt)
    up = true
    journal.note({ kind: "started", pid: process.pid, readyMs: readyMs.at(-1) })
    return true
  }

  return {
    url: `http://127.0.0.1:${port}`,
    isUp: () => up,
    begin,
    start: (extra) => ready(begin(extra)),
    kill: async (why) => {
      up = false
      await current?.stop("SIGKILL")
      journal.note({ kind: "killed", ...why })
    },
    process: () => current,
    readyMs,
    accidents
  }
}
