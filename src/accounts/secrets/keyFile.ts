import { Effect } from "effect"
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync
} from "node:fs"
import { dirname } from "node:path"

const hasCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && "code" in cause && cause.code === code

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : "unknown")

const withFile = <A>(path: string, flags: string, use: (file: number) => A): A => {
  const file = openSync(path, flags, 0o600)
  try {
    return use(file)
  } finally {
    closeSync(file)
  }
}

/** The text of a key file that only its owner can read; null when there is none. */
export const readKeyFile = (path: string): Effect.Effect<string | null, string> =>
  Effect.try({
    try: () =>
      withFile(path, "r", (file) => ({ mode: fstatSync(file).mode & 0o777, text: readFileSync(file, "utf8") })),
    catch: (cause) => (hasCode(cause, "ENOENT") ? null : `it cannot be read (${messageOf(cause)})`)
  }).pipe(
    Effect.filterOrFail(
      ({ mode }) => (mode & 0o077) === 0,
      ({ mode }) => `others on this machine may read it (mode ${mode.toString(8)}). Example: chmod 600 ${path}`
    ),
    Effect.map(({ text }) => text),
    Effect.catchAll((problem) => (problem === null ? Effect.succeed(null) : Effect.fail(problem)))
  )

/** In place of the one before, complete or not at all, also after a power cut. */
export const replaceKeyFile = (path: string, text: string): Effect.Effect<void, string> =>
  Effect.try({
    try: () => {
      const draft = `${path}.${process.pid}.new`
      withFile(draft, "w", (file) => {
        writeSync(file, text)
        fsyncSync(file)
      })
      renameSync(draft, path)
      withFile(dirname(path), "r", fsyncSync)
    },
    catch: (cause) => `it cannot be written (${messageOf(cause)})`
  })

/** Keeps what is there. */
export const appendKeyFile = (path: string, text: string): Effect.Effect<void, string> =>
  Effect.flatMap(readKeyFile(path), (before) => replaceKeyFile(path, `${before ?? ""}${text}`))

/** Changes whenever the file is replaced; null when it cannot be looked at. */
export const versionOfFile = (path: string): string | null => {
  try {
    const { ino, mtimeMs, size } = statSync(path)
    return `${ino} ${mtimeMs} ${size}`
  } catch {
    return null
  }
}

/** Appears complete or not at all; who comes second gets what the first one wrote. */
export const writeKeyFile = (path: string, text: string): Effect.Effect<string, string> =>
  Effect.try({
    try: () => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      const draft = `${path}.${process.pid}.new`
      withFile(draft, "wx", (file) => {
        writeSync(file, text)
        fsyncSync(file)
      })
      try {
        linkSync(draft, path)
      } catch (cause) {
        if (!hasCode(cause, "EEXIST")) throw cause
      } finally {
        unlinkSync(draft)
      }
      withFile(dirname(path), "r", fsyncSync)
    },
    catch: (cause) => `it cannot be written (${messageOf(cause)})`
  }).pipe(
    Effect.zipRight(readKeyFile(path)),
    Effect.flatMap((written) =>
      written === null ? Effect.fail("it vanished right after it was written") : Effect.succeed(written)
    )
  )
