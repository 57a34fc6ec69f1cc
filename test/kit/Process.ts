import { Deferred, Duration, Effect, Schema, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The program as `npm ci` builds it. */
const shipped = join(import.meta.dirname, "../../dist/main.js")

export class ProcessFailed extends Schema.TaggedError<ProcessFailed>()("ProcessFailed", {
  message: Schema.String,
  stdout: Schema.String,
  stderr: Schema.String
}) {}

export interface Running {
  readonly pid: number
  /** What it has printed so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Waits until a line on stdout matches; fails when the process ends first. */
  readonly line: (pattern: RegExp) => Effect.Effect<RegExpExecArray, ProcessFailed>
  /** Sends a signal and waits for the end: exit code, or null after a killing signal. */
  readonly stop: (signal: NodeJS.Signals) => Effect.Effect<number | null>
  readonly exit: Effect.Effect<number | null>
}

export interface Launch {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly cwd?: string
  /** Another program than the one that is shipped. */
  readonly program?: string
}

/** An empty folder that goes with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "dipper-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Starts `dipper <args>` as a real process; the scope kills it. No setting of the outer environment leaks in. */
export const dipper = (args: ReadonlyArray<string>, launch: Launch = {}): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.gen(function* () {
    const ended = yield* Deferred.make<number | null>()
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const started = spawn(process.execPath, [launch.program ?? shipped, ...args], {
          cwd: launch.cwd ?? tmpdir(),
          env: { PATH: process.env["PATH"] ?? "", ...launch.env },
          stdio: ["pipe", "pipe", "pipe"]
        })
        started.stdin.end(launch.stdin ?? "")
        started.on("exit", (code) => Deferred.unsafeDone(ended, Effect.succeed(code)))
        return started
      }),
      (running) =>
        Effect.sync(() => running.kill("SIGKILL")).pipe(Effect.zipRight(Deferred.await(ended)), Effect.asVoid)
    )
    return observe(child, Deferred.await(ended))
  })

const observe = (child: ChildProcess, exit: Effect.Effect<number | null>): Running => {
  const text = { stdout: "", stderr: "" }
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk))
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk))
  const matched = (pattern: RegExp) =>
    Effect.async<RegExpExecArray>((resume) => {
      const look = () => {
        const match = pattern.exec(text.stdout)
        if (match !== null) resume(Effect.succeed(match))
      }
      child.stdout?.on("data", look)
      look()
      return Effect.sync(() => child.stdout?.off("data", look))
    })
  const failed = (message: string) => new ProcessFailed({ message, stdout: text.stdout, stderr: text.stderr })
  return {
    pid: child.pid ?? -1,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    line: (pattern) =>
      Effect.raceFirst(
        matched(pattern),
        Effect.flatMap(exit, (code) => Effect.fail(failed(`ended with ${code} before ${pattern} appeared`)))
      ).pipe(Effect.timeoutFail({ duration: Duration.seconds(20), onTimeout: () => failed(`no ${pattern} in 20 s`) })),
    stop: (signal) =>
      Effect.zipRight(
        Effect.sync(() => child.kill(signal)),
        exit
      ),
    exit
  }
}

/** Runs a command to its end. */
export const run = (args: ReadonlyArray<string>, launch: Launch = {}) =>
  Effect.scoped(
    Effect.gen(function* () {
      const running = yield* dipper(args, launch)
      const code = yield* running.exit
      return { code, stdout: running.stdout(), stderr: running.stderr() }
    })
  )
