import { Effect } from "effect"
import type { ContractDrift } from "../ContractDrift.ts"
import { VenueUnavailable } from "../VenueFailure.ts"
import type { Rows } from "../wire/Fields.ts"
import type { Endpoint } from "../wire/Weights.ts"

/** What the venue lists. Unless it is `complete` some of it could not be read: then absence proves nothing. */
export interface Listing<A> {
  readonly rows: ReadonlyArray<A>
  readonly complete: boolean
}

/** Counts the rows of an answer that do not fit, which are left out, and the words in it that nobody knows. */
export const makeRowReader = (drift: typeof ContractDrift.Service) => {
  const listing = <A>(endpoint: Endpoint, { problem, rejected, rows }: Rows<A>): Effect.Effect<Listing<A>> => {
    const kept = { rows, complete: rejected === 0 }
    return rejected === 0
      ? Effect.succeed(kept)
      : Effect.as(drift.note("row", `${endpoint}: ${problem ?? "the whole"}`, rejected), kept)
  }

  /** For public lists: a list of which nothing fits is no list. */
  const usable = <A>(endpoint: Endpoint, read: Rows<A>): Effect.Effect<ReadonlyArray<A>, VenueUnavailable> =>
    Effect.flatMap(listing(endpoint, read), ({ complete, rows }) =>
      rows.length > 0 || complete
        ? Effect.succeed(rows)
        : new VenueUnavailable({ message: `The venue's answer to ${endpoint} has no usable row.`, httpStatus: 200 })
    )

  /** Words of an answer that its documentation does not have, each once. */
  const unknown = (endpoint: Endpoint, words: Iterable<string>) =>
    Effect.forEach(new Set(words), (word) => drift.note("word", `${endpoint}: ${word}`), { discard: true })

  return { listing, usable, unknown }
}

export type RowReader = ReturnType<typeof makeRowReader>
