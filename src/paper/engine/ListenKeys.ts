import { Either } from "effect"
import * as Refusals from "../Refusals.ts"
import type { VenueRejection } from "../VenueRejection.ts"

const validMillis = 60 * 60_000
const maxKeysPerAccount = 60

/** Who may open a private stream, and until when on the wall clock. They do not survive a restart, as clients expect. */
export class ListenKeys {
  readonly #keys = new Map<string, { readonly accountId: string; validUntil: number }>()

  create(accountId: string, key: string, now: number): Either.Either<string, VenueRejection> {
    if (this.of(accountId, now).length >= maxKeysPerAccount) return Either.left(Refusals.tooManyListenKeys())
    this.#keys.set(key, { accountId, validUntil: now + validMillis })
    return Either.right(key)
  }

  of(accountId: string, now: number): ReadonlyArray<string> {
    const keys: Array<string> = []
    for (const [key, { accountId: owner, validUntil }] of this.#keys) {
      if (validUntil <= now) this.#keys.delete(key)
      else if (owner === accountId) keys.push(key)
    }
    return keys
  }

  extend(accountId: string, key: string, now: number): Either.Either<void, VenueRejection> {
    const found = this.#keys.get(key)
    if (found?.accountId !== accountId || found.validUntil <= now) return Either.left(Refusals.unknownListenKey())
    found.validUntil = now + validMillis
    return Either.void
  }

  remove(accountId: string, key: string): Either.Either<void, VenueRejection> {
    if (this.#keys.get(key)?.accountId !== accountId) return Either.left(Refusals.unknownListenKey())
    this.#keys.delete(key)
    return Either.void
  }

  accountOf(key: string, now: number): string | null {
    const found = this.#keys.get(key)
    return found !== undefined && found.validUntil > now ? found.accountId : null
  }
}
