import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const source = join(import.meta.dirname, "../chaos/storage/iolog.c")
const compiler =
  process.platform === "linux"
    ? ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0)
    : undefined

/** Where nothing compiles C no call can be made to fail; suites that need it are skipped. */
export const canFail = compiler !== undefined

/** The calls that can fail, and how: as `errno.h` numbers it on Linux. */
type Call = "write" | "sync" | "read" | "open"
const numbers = { EIO: 5, EACCES: 13, EROFS: 30, ENOSPC: 28 } as const

/** Makes calls of one process to its files fail, from outside and while it runs; see iolog.c. */
export const ioFaults = (under: string) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "dipper-io-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
    )
    const library = join(folder, "iolog.so")
    const faults = join(folder, "faults")
    yield* Effect.sync(() => {
      if (compiler === undefined) throw new Error("no C compiler: the suite had to be skipped")
      const made = spawnSync(compiler, ["-O2", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"])
      if (made.status !== 0) throw new Error(made.stderr.toString())
    })
    return {
      env: { LD_PRELOAD: library, IOLOG_UNDER: under, IOLOG_FAULT: faults },
      /** From now on, after `skip` calls, `count` times (0: until it is ended), on files whose path ends so. */
      fail: (call: Call, how: keyof typeof numbers, { count = 0, skip = 0, suffix = "*" } = {}) =>
        Effect.sync(() => writeFileSync(faults, `${call} ${numbers[how]} ${skip} ${count} ${suffix}\n`)),
      end: Effect.sync(() => rmSync(faults, { force: true })),
      fired: Effect.sync(() => (existsSync(`${faults}.fired`) ? statSync(`${faults}.fired`).size : 0))
    }
  })
