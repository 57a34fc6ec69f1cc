import type { Fragment } from "@effect/sql/Statement"
import { Context, type Effect } from "effect"
import type { NotOwner } from "../api/Errors.ts"

/** Who may trade on this database. A lease alone is not enough: the insert of an order intent carries the fence. */
export class Ownership extends Context.Tag("dipper/store/Ownership")<
  Ownership,
  {
    readonly isOwner: Effect.Effect<boolean>
    readonly assertOwner: Effect.Effect<void, NotOwner>
    /**
     * Fails while another instance owns trading, as far as can be known: an owner passes also when its store takes no
     * writes and its lease runs out, because nobody can take it then. Only for what stores nothing by itself, as asking the
     * venue to end an order; whatever is stored carries the fence.
     */
    readonly assertNotTaken: Effect.Effect<void, NotOwner>
    /** Grows with every change of owner; 0 of an instance that stands by. */
    readonly fencingToken: number
    /**
     * SQL condition that is true only while the lease is ours: `INSERT … SELECT … WHERE ${fence}`. Read it inside the
     * transaction that uses it; zero rows inserted = do not send.
     */
    readonly fence: Effect.Effect<Fragment>
    /** Ends when trading has gone to another instance for good: a later lease of ours is another ownership. */
    readonly lost: Effect.Effect<void>
  }
>() {}
