import { readFileSync } from "node:fs"

/** One call that the preloaded library wrote down; see iolog.c for what each letter means. */
export interface Call {
  readonly kind: string
  /** The descriptor, of whichever process: one name for both. */
  readonly file: string
  readonly offset: number
  readonly bytes: Buffer
  /** Where its record ends in the log: who saw the log as long as this knows that the call was done. */
  readonly end: number
}

const headSize = 21

/** The calls in the order in which they were done; a record that the end of the log cut off is none. */
export const readCalls = (path: string): ReadonlyArray<Call> => {
  const log = readFileSync(path)
  const calls: Array<Call> = []
  let at = 0
  while (at + headSize <= log.length) {
    const length = log.readUInt32LE(at + 17)
    const end = at + headSize + length
    if (end > log.length) break
    calls.push({
      kind: String.fromCharCode(log.readUInt8(at)),
      file: `${log.readInt32LE(at + 1)}/${log.readInt32LE(at + 5)}`,
      offset: Number(log.readBigInt64LE(at + 9)),
      bytes: log.subarray(at + headSize, end),
      end
    })
    at = end
  }
  return calls
}
