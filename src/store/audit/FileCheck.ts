import { createHash } from "node:crypto"
import { Either, Schema } from "effect"
import { beginning, type Head } from "../../domain/audit/chain.ts"
import { ChainCheck, UserChainCheck } from "../../domain/audit/ChainCheck.ts"
import { FirstLine, LastLine, LineOfAll, lineOfAll, LineOfUser, lineOfUser, untilSum } from "./auditFile.ts"

/** What a whole file was found to be. */
export interface Verified {
  readonly user: string | null
  readonly entries: number
  readonly head: Head
  /** Times of the first and the last entry. */
  readonly from: string | null
  readonly to: string | null
}

const strict = { onExcessProperty: "error" } as const
const isFirst = Schema.is(FirstLine, strict)
const isLineOfAll = Schema.is(LineOfAll)
const isLineOfUser = Schema.is(LineOfUser)
const isLast = Schema.is(LastLine, strict)

/** No line of ours is nearly as long. */
const longestLine = 1024 * 1024
const newline = 10

const otherwise = "it is not written as it was exported"

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** A line and its value, if it is written exactly as it would be written again. */
const read = (bytes: Uint8Array) =>
  Either.gen(function* () {
    const text = yield* Either.try(() => utf8.decode(bytes))
    const value = yield* Either.try((): unknown => JSON.parse(text))
    return JSON.stringify(value) === text ? { text, value } : yield* Either.left("another spelling")
  })

/**
 * Reads an exported trail as it comes and stops at the first thing that is wrong. It needs nothing but the file. That the
 * end was cut off and another last line written is told only by a head that was kept elsewhere.
 */
export class FileCheck {
  readonly #kept: Head
  readonly #hash = createHash("sha256")
  readonly #all = new ChainCheck()
  readonly #user = new UserChainCheck()
  #rest: Uint8Array = new Uint8Array()
  #lines = 0
  #first: FirstLine | null = null
  #entries = 0
  #from: string | null = null
  #to: string | null = null
  #verified: Verified | null = null
  #problem: string | null = null

  constructor(kept: Head = beginning) {
    this.#kept = kept
  }

  /** False: nothing more has to be read. */
  push(chunk: Uint8Array): boolean {
    let rest = this.#rest.length === 0 ? chunk : Uint8Array.from(Buffer.concat([this.#rest, chunk]))
    for (let end = rest.indexOf(newline); end !== -1 && this.#problem === null; end = rest.indexOf(newline)) {
      this.#lines += 1
      const wrong = this.#takeLine(rest.subarray(0, end))
      if (wrong !== null) this.#problem = this.#placed(wrong)
      rest = rest.subarray(end + 1)
    }
    this.#rest = rest
    if (this.#problem === null && rest.length > longestLine)
      this.#problem = `line ${this.#lines + 1}: it is longer than any line of an exported trail`
    return this.#problem === null
  }

  /** Call it after the last chunk: what the file is, or its first fault. */
  end(): Either.Either<Verified, string> {
    if (this.#problem !== null) return Either.left(this.#problem)
    if (this.#verified === null || this.#rest.length > 0)
      return Either.left(`line ${this.#lines + 1}: the file ends in the middle; its last line is missing or cut`)
    const { head } = this.#verified
    return head.seq < this.#kept.seq
      ? Either.left(
          `the trail ends at entry ${head.seq}; the head that was kept is of entry ${this.#kept.seq}: its end is cut off`
        )
      : Either.right(this.#verified)
  }

  #placed(wrong: string): string {
    const isEntry = this.#lines > 1 && this.#verified === null
    return `line ${this.#lines}${isEntry ? ` (entry ${this.#entries + 1})` : ""}: ${wrong}`
  }

  #takeLine(bytes: Uint8Array): string | null {
    if (this.#verified !== null) return "something follows the last line"
    const line = Either.getOrNull(read(bytes))
    if (line === null) return otherwise
    const { text, value } = line
    if (this.#first !== null && isLast(value)) return this.#takeLast(this.#first, value)
    this.#hash.update(`${text}\n`)
    if (this.#first !== null) return this.#takeEntry(this.#first, `${text}\n`, value)
    if (!isFirst(value)) return "it is not the first line of an exported audit trail"
    this.#first = value
    return null
  }

  #takeEntry({ user }: FirstLine, line: string, value: unknown): string | null {
    const wrong = user === null ? this.#takeOfAll(line, value) : this.#takeOfUser(user, line, value)
    if (wrong !== null) return wrong
    const { hash, seq } = this.#headOf(user)
    if (seq === this.#kept.seq && hash !== this.#kept.hash)
      return "its hash is not the one that was kept: what comes before was written anew"
    this.#entries += 1
    return null
  }

  #headOf(user: string | null): Head {
    return user === null ? this.#all.head : this.#user.head
  }

  #takeOfAll(line: string, value: unknown): string | null {
    if (!isLineOfAll(value)) return "it is not an entry"
    const linked = { ...value, entry: JSON.stringify(value.entry) }
    if (lineOfAll(linked) !== line) return otherwise
    this.#note(value.entry.at)
    return this.#all.take(linked, value.entry.user)
  }

  #takeOfUser(user: string, line: string, value: unknown): string | null {
    if (!isLineOfUser(value)) return "it is not an entry"
    const entry = JSON.stringify(value.entry)
    if (lineOfUser(value, entry) !== line) return otherwise
    if (value.entry.user !== user) return "it is about another user than the file"
    this.#note(value.entry.at)
    return this.#user.take(entry, value)
  }

  #note(at: string): void {
    this.#from ??= at
    this.#to = at
  }

  #takeLast({ user }: FirstLine, last: typeof LastLine.Type): string | null {
    const head = this.#headOf(user)
    if (last.entries !== this.#entries)
      return `the last line tells of ${last.entries} entries, and here are ${this.#entries}`
    if (last.head.seq !== head.seq || last.head.hash !== head.hash) return "the last line tells of another head"
    const sum = this.#hash.update(untilSum(last.entries, last.head)).digest("hex")
    if (sum !== last.sha256) return "the hash in the last line is not that of the file: something was changed"
    this.#verified = {
      user,
      entries: this.#entries,
      head: { seq: head.seq, hash: head.hash },
      from: this.#from,
      to: this.#to
    }
    return null
  }
}
