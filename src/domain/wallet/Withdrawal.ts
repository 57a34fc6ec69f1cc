import type { Decimal } from "../Decimal.ts"
import type { Instant } from "../Time.ts"

/** `unrecognised`: a word or number the venue has not documented. */
export type WithdrawalStatus =
  | "applied"
  | "auditing"
  | "waiting"
  | "processing"
  | "packaging"
  | "confirming"
  | "success"
  | "failed"
  | "cancelled"
  | "manual"
  | "unrecognised"

/** What left the venue, or went to another of its users. */
export interface Withdrawal {
  readonly id: string
  readonly withdrawOrderId: string | null
  readonly asset: string
  readonly network: string | null
  readonly amount: Decimal
  readonly fee: Decimal
  readonly status: WithdrawalStatus
  /** To another user of the venue. */
  readonly internal: boolean
  readonly address: string | null
  readonly memo: string | null
  readonly remark: string | null
  readonly txId: string | null
  readonly at: Instant
  readonly updatedAt: Instant | null
}
