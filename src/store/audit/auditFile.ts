import { createHash } from "node:crypto"
import { Schema } from "effect"
import { beginning, type Head, type Linked } from "../../domain/audit/chain.ts"

/**
 * An exported trail: a line that says whose it is, a line per entry, and a line with the head and the hash of all bytes
 * before. Every line is JSON without spaces and ends with a newline.
 */
export const FirstLine = Schema.Struct({
  format: Schema.Literal("dipper.audit"),
  version: Schema.Literal(1),
  install: Schema.String,
  /** Whose chain it is; null: everything. */
  user: Schema.NullOr(Schema.String)
})
export interface FirstLine extends Schema.Schema.Type<typeof FirstLine> {}

const EntryObject = Schema.Struct({ at: Schema.String, user: Schema.NullOr(Schema.String) })

export const LineOfAll = Schema.Struct({
  seq: Schema.Int,
  hash: Schema.String,
  userSeq: Schema.NullOr(Schema.Int),
  userHash: Schema.NullOr(Schema.String),
  entry: EntryObject
})

export const LineOfUser = Schema.Struct({ seq: Schema.Int, hash: Schema.String, entry: EntryObject })

export const LastLine = Schema.Struct({
  entries: Schema.Int,
  head: Schema.Struct({ seq: Schema.Int, hash: Schema.String }),
  sha256: Schema.String
})

/** With its newline; no other spelling of it counts. */
export const lineOfAll = ({ entry, hash, seq, userHash, userSeq }: Linked): string =>
  `{"seq":${seq},"hash":"${hash}","userSeq":${userSeq},"userHash":${JSON.stringify(userHash)},"entry":${entry}}\n`

export const lineOfUser = ({ hash, seq }: Head, entry: string): string =>
  `{"seq":${seq},"hash":"${hash}","entry":${entry}}\n`

/** The last line as far as the hash in it covers it. */
export const untilSum = (entries: number, { hash, seq }: Head): string =>
  JSON.stringify({ entries, head: { seq, hash } }).slice(0, -1)

/** Writes a trail as text, a line at a time. The text of an entry goes in as it is: it is what was hashed. */
export class FileWriter {
  readonly #hash = createHash("sha256")
  readonly #user: string | null
  readonly #install: string
  #entries = 0
  #head = beginning

  constructor(install: string, user: string | null) {
    this.#install = install
    this.#user = user
  }

  first(): string {
    const first = { format: "dipper.audit", version: 1, install: this.#install, user: this.#user }
    return this.#add(`${JSON.stringify(first)}\n`)
  }

  entry(row: Linked): string {
    this.#entries += 1
    const { entry, hash, seq, userHash, userSeq } = row
    this.#head = this.#user === null ? { seq, hash } : { seq: userSeq ?? 0, hash: userHash ?? "" }
    return this.#add(this.#user === null ? lineOfAll(row) : lineOfUser(this.#head, entry))
  }

  last(): string {
    const text = this.#add(untilSum(this.#entries, this.#head))
    return `${text},"sha256":"${this.#hash.digest("hex")}"}\n`
  }

  #add(text: string): string {
    this.#hash.update(text)
    return text
  }
}
