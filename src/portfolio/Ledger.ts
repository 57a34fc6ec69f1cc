import { Context, type Effect } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { Decimal } from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import type { CostBasis } from "../domain/ledger/CostBasis.ts"
import type { LedgerKind, Transaction } from "../domain/ledger/LedgerEntry.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { VenueBalance } from "../domain/order/Order.ts"
import type { Instant } from "../domain/Time.ts"

type Stored<A> = Effect.Effect<A, DatabaseUnavailable>

/** A complete reading of a user's balances. `mark` was taken before the venue was asked. */
export interface Reading {
  readonly mark: number
  readonly balances: ReadonlyArray<VenueBalance>
  /** Market time before the venue was asked. */
  readonly at: Instant
}

/** What the venue has more (positive) or less of an asset than the ledger. */
export interface Difference {
  readonly asset: string
  readonly amount: Decimal
  /** Market time at which ledger and venue last agreed on the asset. */
  readonly since: Instant
  /** Seen for the first time, or about to be adjusted: worth asking the venue for what moved. */
  readonly ask: boolean
}

/** A deposit, withdrawal or transfer of the venue's wallet history, in or out (negative). */
export interface WalletMovement {
  readonly source: string
  readonly kind: "deposit" | "withdrawal"
  readonly asset: string
  readonly amount: Decimal
  /** Charged apart, in the same asset. */
  readonly fee: Decimal
  readonly reason: string | null
  readonly at: Instant
}

export interface TransactionQuery {
  readonly asset?: string
  readonly kind?: LedgerKind
  readonly from?: Instant
  readonly to?: Instant
  readonly limit: number
  readonly cursor?: string
}

/**
 * Every change of a user's balances, double-entry and append-only: the wallet's entries of an asset add up to what the
 * venue has of it, free and locked. Positions and balances are projections of it, kept in the same transactions.
 */
export class Ledger extends Context.Tag("dipper/portfolio/Ledger")<
  Ledger,
  {
    /**
     * Posts every stored fill of the symbol that is not in the ledger yet, and moves the lots of fills whose order
     * became known. Call it inside the `Database.write` that stores fills or tells whose they are; idempotent.
     */
    readonly postFills: (userId: UserId, symbol: SymbolName) => Stored<void>
    /** Ledger and venue agree on the asset as far as both are known. */
    readonly explained: (userId: UserId, asset: string) => Stored<boolean>
    /**
     * Whether a balance of these assets changed since, without anybody knowing why; also true while no complete reading
     * was taken since. Proof that nothing happened at the venue is its being false.
     */
    readonly unexplainedSince: (userId: UserId, assets: ReadonlyArray<string>, since: Instant) => Stored<boolean>
    /** Assets on which ledger and venue differ now, with the amounts. */
    readonly differences: (userId: UserId) => Stored<ReadonlyArray<Difference>>
    /** Take one before the venue is asked for balances. */
    readonly mark: (userId: UserId) => Stored<number>
    /** Opens the ledger by the first reading; later ones are compared with it. Gives what differs. */
    readonly compare: (userId: UserId, reading: Reading) => Stored<ReadonlyArray<Difference>>
    /**
     * Books movements that explain differences, and adjusts what stayed unexplained long enough; `history` is null when
     * the venue did not tell its movements.
     */
    readonly settle: (userId: UserId, reading: Reading, history: ReadonlyArray<WalletMovement> | null) => Stored<void>
    /** Newest first. */
    readonly transactions: (
      userId: UserId,
      query: TransactionQuery
    ) => Stored<{ readonly items: ReadonlyArray<Transaction>; readonly nextCursor: string | null }>
    readonly costBasis: (userId: UserId) => Stored<CostBasis>
    /** Folds all books anew. */
    readonly setCostBasis: (userId: UserId, basis: CostBasis) => Stored<void>
    /** Makes balances and books anew from entries and fills; changes nothing unless a projection was wrong. */
    readonly rebuild: (userId: UserId) => Stored<void>
  }
>() {}
