import { createHash } from "node:crypto"

/** Before the first entry of a chain. */
export const genesis = "0".repeat(64)

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Where a chain ends: what a copy kept elsewhere has to agree with. */
export interface Head {
  readonly seq: number
  readonly hash: string
}

export const beginning: Head = { seq: 0, hash: genesis }

/** An entry as it stands in the chain of everything, and in its user's if it is about one. */
export interface Linked {
  readonly seq: number
  readonly hash: string
  readonly userSeq: number | null
  readonly userHash: string | null
  /** The text that is hashed. */
  readonly entry: string
}

/** The next head of a user's chain. */
export const nextOfUser = ({ hash, seq }: Head, entry: string): Head => ({
  seq: seq + 1,
  hash: sha256(`user\n${hash}\n${seq + 1}\n${entry}`)
})

/** The next head of the chain of everything, which fixes the entry's place in its user's chain as well. */
export const nextOfAll = ({ hash, seq }: Head, userHash: string | null, entry: string): Head => ({
  seq: seq + 1,
  hash: sha256(`all\n${hash}\n${seq + 1}\n${userHash ?? ""}\n${entry}`)
})

/** Links an entry to both chains; `user` is the head of its user's, null for an entry about nobody in particular. */
export const linked = (all: Head, user: Head | null, entry: string): Linked => {
  const mine = user === null ? null : nextOfUser(user, entry)
  return {
    ...nextOfAll(all, mine?.hash ?? null, entry),
    userSeq: mine?.seq ?? null,
    userHash: mine?.hash ?? null,
    entry
  }
}
