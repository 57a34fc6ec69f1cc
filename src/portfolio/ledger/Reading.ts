import type { Decimal } from "../../domain/Decimal.ts"
import type { VenueBalance } from "../../domain/order/Order.ts"
import type { Instant } from "../../domain/Time.ts"

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
  /** From when on the venue's histories may explain it. */
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
