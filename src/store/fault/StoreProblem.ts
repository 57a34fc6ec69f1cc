import { DatabaseUnavailable } from "../../api/Errors.ts"

/** Why the database cannot be used. */
export type StoreProblem = keyof typeof storeProblems

interface Description {
  /** What a user is told and an operator reads in `/status/dependencies`. */
  readonly text: string
  /** How soon it is worth trying again; null: not before somebody has done something and started the service anew. */
  readonly retryAfterSeconds: number | null
}

/**
 * What cannot be tried again (`null`) ends all writes of this process: a page that SQLite finds damaged must not be
 * written over; after a failed sync the system may count as stored what is not (a second one would succeed); and files
 * that were taken away from under a process are written by nobody else's rules.
 */
export const storeProblems = {
  locked: { text: "Another process holds the lock of the database.", retryAfterSeconds: 1 },
  full: { text: "The disk of the database is full.", retryAfterSeconds: 5 },
  readOnly: { text: "The database cannot be written: the file or its folder is read-only.", retryAfterSeconds: 5 },
  inputOutput: { text: "The disk of the database reports errors.", retryAfterSeconds: 5 },
  unreachable: { text: "The database does not answer.", retryAfterSeconds: 1 },
  corrupt: {
    text: "The database file is damaged (DB_CORRUPT); nothing is changed any more. Stop the service and bring back a copy of the file.",
    retryAfterSeconds: null
  },
  unsynced: { text: "The disk did not store what the database wrote; the service stops.", retryAfterSeconds: null },
  replaced: {
    text: "A file of the database was removed or replaced while the service used it; the service stops.",
    retryAfterSeconds: null
  }
} as const satisfies Record<string, Description>

/** Nothing is written by this process any more. */
export const isFinal = (problem: StoreProblem): boolean => storeProblems[problem].retryAfterSeconds === null

/** What also ends the process: it has no way back, and a new one reads the files as they are. */
export const endsProcess = (problem: StoreProblem): boolean => problem === "unsynced" || problem === "replaced"

export const unavailable = (problem: StoreProblem): DatabaseUnavailable => {
  const { retryAfterSeconds, text } = storeProblems[problem]
  return retryAfterSeconds === null
    ? new DatabaseUnavailable({ message: text, retryable: false })
    : new DatabaseUnavailable({ message: `${text} Try again with the same key.`, retryable: true, retryAfterSeconds })
}
