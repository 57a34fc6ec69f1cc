import type { Decimal } from "../Decimal.ts"

/** A chain a coin can come and go by. */
export interface CoinNetwork {
  /** The short id withdrawals use, where the venue says it; else the label. */
  readonly id: string
  readonly label: string
  readonly depositEnabled: boolean
  readonly withdrawEnabled: boolean
  readonly confirmationsNeeded: number | null
  readonly withdrawFee: Decimal | null
  readonly withdrawMin: Decimal | null
  readonly withdrawMax: Decimal | null
  readonly contract: string | null
  /** The venue gives every user the same address: the memo tells whose a deposit is. */
  readonly needsMemo: boolean
}

export interface Coin {
  readonly asset: string
  readonly name: string
  readonly networks: ReadonlyArray<CoinNetwork>
}
