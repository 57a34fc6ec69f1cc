import type { Redacted } from "effect"
import type { UserId } from "../domain/Ids.ts"

/** A user's exchange key, open only between the vault and the line that signs. */
export interface Credentials {
  readonly userId: UserId
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  /** Days since it was stored, of a key that ends by itself: one without a bound address. */
  readonly ageDays?: number
}
