import { appendFileSync, closeSync, fsyncSync, openSync, writeSync } from "node:fs"
import { now } from "./Time.ts"

/** The load generator's own record, one JSON object a line. */
export class Journal {
  private n = 0
  private readonly file: number

  constructor(path: string) {
    this.file = openSync(path, "a")
  }

  /** On disk when it returns: what is asked for is on record before the first byte leaves. */
  synced(entry: Readonly<Record<string, unknown>>): void {
    this.note(entry)
    fsyncSync(this.file)
  }

  note(entry: Readonly<Record<string, unknown>>): void {
    writeSync(this.file, `${JSON.stringify({ at: now(), n: ++this.n, ...entry })}\n`)
  }

  close(): void {
    fsyncSync(this.file)
    closeSync(this.file)
  }
}

export const appendLine = (path: string, line: string): void => appendFileSync(path, `${line}\n`)
