import { beginning, type Head, type Linked, nextOfAll, nextOfUser } from "./chain.ts"

const firstWrong = (expected: Head, found: Head): string | null => {
  if (found.seq !== expected.seq)
    return `it is number ${found.seq} where ${expected.seq} follows: entries are missing, doubled or out of order`
  return found.hash === expected.hash ? null : "its text or the one before was changed: the hash does not fit"
}

/**
 * Follows the chain of everything and that of each user, entry by entry, and goes on after one that is wrong. From the
 * middle of a trail it begins at a head that is taken for good, and each user's chain at its first entry from there on.
 */
export class ChainCheck {
  #all: Head
  readonly #users = new Map<string, Head>()
  readonly #fromBeginning: boolean

  constructor(all: Head = beginning) {
    this.#all = all
    this.#fromBeginning = all.seq === 0
  }

  get head(): Head {
    return this.#all
  }

  /** What is wrong with the next entry, which is about that user; null: it follows. */
  take({ entry, hash, seq, userHash, userSeq }: Linked, user: string | null): string | null {
    const found = { seq, hash }
    const wrong = firstWrong(nextOfAll(this.#all, userHash, entry), found)
    this.#all = found
    if ((user === null) !== (userSeq === null) || (user === null) !== (userHash === null))
      return wrong ?? "it is about a user and has no place in their chain, or the reverse"
    if (user === null || userSeq === null || userHash === null) return wrong
    const wrongOfUser = this.#takeOfUser(user, { seq: userSeq, hash: userHash }, entry)
    return wrong ?? wrongOfUser
  }

  #takeOfUser(user: string, found: Head, entry: string): string | null {
    const before = this.#users.get(user) ?? (this.#fromBeginning ? beginning : null)
    this.#users.set(user, found)
    const wrong = before === null ? null : firstWrong(nextOfUser(before, entry), found)
    return wrong === null ? null : `in the chain of ${user} ${wrong}`
  }
}

/** The chain of one user alone. */
export class UserChainCheck {
  #head = beginning

  get head(): Head {
    return this.#head
  }

  take(entry: string, found: Head): string | null {
    const wrong = firstWrong(nextOfUser(this.#head, entry), found)
    this.#head = found
    return wrong
  }
}
