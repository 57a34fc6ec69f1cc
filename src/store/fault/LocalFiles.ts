import { closeSync, openSync, readSync, statSync } from "node:fs"

/** A file by what it is, whatever it is called. */
const identityOf = (path: string): string | null => {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}

/**
 * The files of a database as a connection has opened them. SQLite goes on with a file whose name was taken away, or
 * given to another: what it writes then nobody finds, and a second process that shares only some of them does damage.
 */
export class LocalFiles {
  readonly #known: ReadonlyArray<readonly [path: string, identity: string]>

  constructor(path: string) {
    this.#known = [path, `${path}-wal`, `${path}-shm`].flatMap((name) => {
      const identity = identityOf(name)
      return identity === null ? [] : [[name, identity] as const]
    })
  }

  areInPlace(): boolean {
    return this.#known.every(([path, identity]) => identityOf(path) === identity)
  }

  /**
   * What is wrong with a write-ahead log that SQLite would pass over in silence, with every commit in it. Its header is
   * on the disk before the first frame is written, so no crash leaves a longer log without one.
   */
  static damageOf(path: string): string | null {
    const wal = `${path}-wal`
    const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0
    return size <= headerSize || hasHeader(wal) ? null : `the header of ${wal} is not one`
  }
}

const headerSize = 32

const hasHeader = (path: string): boolean => {
  const header = new DataView(new ArrayBuffer(headerSize))
  const file = openSync(path, "r")
  try {
    readSync(file, header, 0, headerSize, 0)
  } finally {
    closeSync(file)
  }
  const magic = header.getUint32(0)
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return false
  const isLittle = magic === 0x377f0682
  let [first, second] = [0, 0]
  for (let at = 0; at < 24; at += 8) {
    first = (first + header.getUint32(at, isLittle) + second) >>> 0
    second = (second + header.getUint32(at + 4, isLittle) + first) >>> 0
  }
  return header.getUint32(24) === first && header.getUint32(28) === second
}
