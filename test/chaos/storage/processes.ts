import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, readFileSync } from "node:fs"

export interface Started {
  readonly pid: number
  /** What the pattern found on stdout. */
  readonly said: string
  readonly end: (signal: NodeJS.Signals) => Promise<void>
}

export type Env = Readonly<Record<string, string>>

const running = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

const withoutOurs = (env: Env): NodeJS.ProcessEnv => ({ PATH: process.env["PATH"] ?? "", ...env })

/** A process of its own that has said it is ready; its log goes to a file. */
export const start = async (
  args: ReadonlyArray<string>,
  { cwd, env, log, ready }: { cwd: string; env: Env; log: string; ready: RegExp }
): Promise<Started> => {
  const errors = openSync(log, "a")
  const child = spawn(process.execPath, args, { cwd, env: withoutOurs(env), stdio: ["ignore", "pipe", errors] })
  closeSync(errors)
  running.add(child)
  const ended = once(child, "exit")
  child.on("exit", () => running.delete(child))
  let text = ""
  const said = await new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      const found = ready.exec(text)
      if (found !== null) resolve(found[1] ?? "")
    })
    child.on("exit", (code) => {
      reject(new Error(`${args.join(" ")} ended with ${code}:\n${text}${readFileSync(log, "utf8").slice(-2_000)}`))
    })
  })
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  return { pid: child.pid ?? -1, said, end }
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export const run = async (args: ReadonlyArray<string>, cwd: string, env: Env): Promise<Ran> => {
  const child = spawn(process.execPath, args, { cwd, env: withoutOurs(env), stdio: ["ignore", "pipe", "pipe"] })
  const text = { stdout: "", stderr: "" }
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk))
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk))
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...text })))
}
