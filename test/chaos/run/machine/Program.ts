import { type ChildProcess, spawn } from "node:child_process"
import { appendFileSync } from "node:fs"

export interface Started {
  readonly pid: number
  readonly startedAt: number
  /** The first match on stdout, or null when it ended before. */
  readonly line: (pattern: RegExp) => Promise<RegExpExecArray | null>
  /** Sends it and waits for the end. Only ever to the process that was started here. */
  readonly stop: (signal: NodeJS.Signals) => Promise<void>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly isOver: () => boolean
}

/** Starts a program of its own; stderr is kept in `log`. No setting of the outer environment leaks in. */
export const start = (
  args: ReadonlyArray<string>,
  launch: { readonly cwd: string; readonly log: string; readonly env: Readonly<Record<string, string>> }
): Started => {
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd: launch.cwd,
    env: { PATH: process.env["PATH"] ?? "", ...launch.env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let text = ""
  let over = false
  const listeners = new Set<() => void>()
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk
    for (const look of listeners) look()
  })
  child.stderr?.on("data", (chunk: Buffer) => appendFileSync(launch.log, chunk))
  const ended = new Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => {
      over = true
      resolve({ code, signal })
    })
  )
  return {
    pid: child.pid ?? -1,
    startedAt: Date.now(),
    line: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          const match = pattern.exec(text)
          if (match === null && !over) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        look()
        void ended.then(look)
      }),
    stop: async (signal) => {
      child.kill(signal)
      await ended
    },
    signal: (signal) => void child.kill(signal),
    ended,
    isOver: () => over
  }
}

/** Runs a command to its end and gives its stdout. */
export const output = (
  args: ReadonlyArray<string>,
  launch: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: launch.cwd,
      env: { PATH: process.env["PATH"] ?? "", ...launch.env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const text = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk))
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk))
    child.on("close", (code) => resolve({ code, ...text }))
  })
