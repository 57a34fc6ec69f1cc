import type { Decimal } from "../Decimal.ts"
import type { Instant } from "../Time.ts"

/** `unrecognised`: a word or number the venue has not documented. */
export type DepositStatus =
  | "small"
  | "delayed"
  | "largeDelayed"
  | "pending"
  | "success"
  | "auditing"
  | "rejected"
  | "refunded"
  | "preSuccess"
  | "invalid"
  | "restricted"
  | "completed"
  | "unrecognised"

/** What came in from outside the venue. */
export interface Deposit {
  readonly asset: string
  /** The venue's short id where it says it, else its long label. */
  readonly network: string | null
  readonly amount: Decimal
  readonly status: DepositStatus
  readonly address: string | null
  readonly memo: string | null
  /** Names the deposit, together with asset and network. */
  readonly txId: string | null
  readonly confirmations: number | null
  readonly confirmationsNeeded: number | null
  readonly at: Instant
  readonly updatedAt: Instant | null
}
