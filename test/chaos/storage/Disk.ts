import type { Call } from "./recording.ts"

/** A number in [0, 1), the same ones in the same order for one seed. */
export type Dice = () => number

/** mulberry32: the seed is what a failing cut is named by. */
export const diceOf = (seed: number): Dice => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Change = { readonly offset: number; readonly bytes: Buffer } | { readonly size: number }
type NameChange = { readonly name: string; readonly inode: Inode | null }

/** What a disk holds of one file for certain, and what it was told since and may have in part. */
class Inode {
  #bytes = Buffer.alloc(0)
  #size = 0
  #pending: Array<Change> = []

  add(change: Change): void {
    this.#pending.push(change)
  }

  sync(): void {
    for (const change of this.#pending) this.#apply(change)
    this.#pending = []
  }

  get unsynced(): number {
    return this.#pending.length
  }

  /** What may be found after the power came back. */
  after(dice: Dice, mood: Mood): Buffer {
    if (this.#pending.length === 0) return this.#bytes.subarray(0, this.#size)
    const found = new Inode()
    found.#bytes = Buffer.from(this.#bytes)
    found.#size = this.#size
    for (const change of this.#pending) {
      const fate = fateOf(dice, mood)
      if (fate === "kept" || (fate === "torn" && "size" in change)) found.#apply(change)
      else if (fate === "torn" && "bytes" in change) found.#tear(change.offset, change.bytes, dice)
    }
    return found.#bytes.subarray(0, found.#size)
  }

  #apply(change: Change): void {
    if ("size" in change) {
      if (change.size < this.#size) this.#bytes.fill(0, change.size, this.#size)
      this.#grow(change.size)
      this.#size = change.size
      return
    }
    const end = change.offset + change.bytes.length
    this.#grow(end)
    change.bytes.copy(this.#bytes, change.offset)
    this.#size = Math.max(this.#size, end)
  }

  /** Each sector of the disk is old or new; where there was nothing it is zero. */
  #tear(offset: number, bytes: Buffer, dice: Dice): void {
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + sector - ((offset + from) % sector))
      if (dice() < 0.5) this.#apply({ offset: offset + from, bytes: bytes.subarray(from, to) })
      from = to
    }
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
    this.#bytes.copy(larger)
    this.#bytes = larger
  }
}

const sector = 512

/** How a disk treats at one cut what was not synced: all the same way, or each write by itself. */
interface Mood {
  readonly drop: number
  readonly tear: number
}
const moods: ReadonlyArray<Mood> = [
  { drop: 1, tear: 0 },
  { drop: 0, tear: 0 },
  { drop: 0.5, tear: 0 },
  { drop: 0.1, tear: 0.1 },
  { drop: 0.34, tear: 0.33 },
  { drop: 0, tear: 1 }
]

const fateOf = (dice: Dice, { drop, tear }: Mood) => {
  const thrown = dice()
  return thrown < drop ? "dropped" : thrown < drop + tear ? "torn" : "kept"
}

/**
 * A folder on a disk that forgets: a write is certain once its file was synced, a name (made, renamed, removed) once the
 * folder was. Until then each is there, or not, or in part, in any combination.
 */
export class Disk {
  readonly #root: string
  readonly #open = new Map<string, Inode | "folder">()
  readonly #live = new Map<string, Inode>()
  readonly #certain = new Map<string, Inode>()
  #pending: Array<NameChange> = []

  constructor(root: string) {
    this.#root = root
  }

  apply({ bytes, file, kind, offset }: Call): void {
    const inode = this.#open.get(file)
    if (kind === "O") this.#opened(file, bytes.toString(), offset === 1)
    else if (kind === "C") this.#open.delete(file)
    else if (kind === "D") this.#name(bytes.toString(), null)
    else if (kind === "R" || kind === "L") this.#moved(kind === "R", bytes.toString().split("\0"))
    else if (inode instanceof Inode && kind === "W") inode.add({ offset, bytes })
    else if (inode instanceof Inode && kind === "T") inode.add({ size: offset })
    else if (inode instanceof Inode && kind === "S") inode.sync()
    else if (inode === "folder" && kind === "S") this.#syncNames()
    else if (kind !== "N") throw new Error(`a ${kind} of a file that was not opened: ${file}`)
  }

  /** Writes and names that a cut now could lose. */
  get unsynced(): number {
    return [...this.#live.values()].reduce((sum, inode) => sum + inode.unsynced, this.#pending.length)
  }

  /** What may be found after a cut now, by name in the folder. */
  cut(dice: Dice): ReadonlyMap<string, Buffer> {
    const mood = moods[Math.floor(dice() * moods.length)] ?? { drop: 1, tear: 0 }
    const names = new Map(this.#certain)
    for (const { inode, name } of this.#pending) {
      if (fateOf(dice, mood) === "dropped") continue
      if (inode === null) names.delete(name)
      else names.set(name, inode)
    }
    return new Map([...names].map(([name, inode]) => [name, inode.after(dice, mood)]))
  }

  #opened(file: string, path: string, made: boolean): void {
    if (path === this.#root) return void this.#open.set(file, "folder")
    const known = this.#live.get(path)
    if (known === undefined || made) this.#name(path, new Inode())
    const inode = this.#live.get(path)
    if (inode !== undefined) this.#open.set(file, inode)
  }

  #moved(removes: boolean, [from = "", to = ""]: ReadonlyArray<string>): void {
    const inode = this.#live.get(from)
    if (inode !== undefined) this.#name(to, inode)
    if (removes) this.#name(from, null)
  }

  #name(path: string, inode: Inode | null): void {
    if (inode === null) this.#live.delete(path)
    else this.#live.set(path, inode)
    this.#pending.push({ name: path.slice(this.#root.length + 1), inode })
  }

  #syncNames(): void {
    for (const { inode, name } of this.#pending)
      if (inode === null) this.#certain.delete(name)
      else this.#certain.set(name, inode)
    this.#pending = []
  }
}
