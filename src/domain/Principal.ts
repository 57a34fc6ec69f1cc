import { Schema } from "effect"
import type { UserId } from "./Ids.ts"

/** What a credential may do: GET is `read`; orders and rules `trade`; credentials, limits and keys `manage`. */
export const Scope = Schema.Literal("read", "trade", "manage").annotations({ identifier: "Scope" })
export type Scope = typeof Scope.Type

/** Who is asking: the only thing a handler sees of a credential. */
export interface Principal {
  readonly userId: UserId
  readonly via: "clerk" | "apiKey"
  /** Session or key id, for the audit log and the rate limiter; never the token. */
  readonly credentialId: string
  readonly scopes: ReadonlySet<Scope>
  /** Minutes since the last fresh factor of a session; null for keys. */
  readonly freshMinutes: number | null
  /** Whether the credential counts from this address; absent: from anywhere. */
  readonly allows?: (address: string) => boolean
  readonly org?: { readonly id: string; readonly role: string }
}
