import { SqlError } from "@effect/sql/SqlError"
import { Predicate } from "effect"
import type { StoreProblem } from "./StoreProblem.ts"

/** SQLite's name of an error, the longer one where the driver knows it. */
export const codeOf = (cause: unknown): string | undefined => {
  if (Predicate.hasProperty(cause, "extendedCode") && typeof cause.extendedCode === "string") return cause.extendedCode
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined
}

const problems: ReadonlyArray<readonly [RegExp, StoreProblem]> = [
  [/^SQLITE_(BUSY|LOCKED)/, "locked"],
  [/^SQLITE_FULL|^SQLITE_IOERR_SHMSIZE/, "full"],
  [/^SQLITE_(CORRUPT|NOTADB)/, "corrupt"],
  [/^SQLITE_IOERR_(DIR_)?FSYNC/, "unsynced"],
  [/^SQLITE_(IOERR|NOMEM)/, "inputOutput"],
  [/^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)/, "readOnly"],
  [/^DIPPER_FILES_REPLACED/, "replaced"]
]

/** What an error of the driver means for the database. */
export const problemOf = (error: unknown): StoreProblem => {
  const code = codeOf(error instanceof SqlError ? error.cause : error) ?? ""
  return problems.find(([pattern]) => pattern.test(code))?.[1] ?? "unreachable"
}
