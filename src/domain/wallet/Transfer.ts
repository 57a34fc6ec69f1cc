import type { Decimal } from "../Decimal.ts"
import type { Instant } from "../Time.ts"

/** What moved between a user's own accounts on the venue. */
export interface Transfer {
  readonly id: string
  readonly asset: string
  readonly amount: Decimal
  /** In the venue's words: `SPOT`, `FUTURES`. */
  readonly from: string
  readonly to: string
  readonly status: "success" | "failed" | "pending" | "unrecognised"
  readonly at: Instant
}
