import { Schema } from "effect"
import { Instant } from "./Time.ts"

/**
 * Who froze an exchange key: its owner, the operator on the command line, or the service because the key has become able
 * to withdraw. The first two stop every order, the last those that buy.
 */
export const FreezeOrigin = Schema.Literal("user", "operator", "service").annotations({ identifier: "FreezeOrigin" })
export type FreezeOrigin = typeof FreezeOrigin.Type

/** Why no order is sent under a key; of several freezes the one that stops most, among equals the operator's. */
export const KeyFreeze = Schema.Struct({
  by: FreezeOrigin,
  reason: Schema.NullOr(Schema.String),
  since: Instant
}).annotations({ identifier: "KeyFreeze" })
export interface KeyFreeze extends Schema.Schema.Type<typeof KeyFreeze> {}
