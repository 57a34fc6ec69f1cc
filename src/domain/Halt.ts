import { Schema } from "effect"
import { Instant } from "./Time.ts"

/** `entries`: nothing is bought; exits and manual sells go on. `all`: no order is sent at all. */
export const HaltScope = Schema.Literal("entries", "all").annotations({ identifier: "HaltScope" })
export type HaltScope = typeof HaltScope.Type

/** Who halted: the user, or the operator on the command line. */
export const HaltOrigin = Schema.Literal("user", "operator").annotations({ identifier: "HaltOrigin" })
export type HaltOrigin = typeof HaltOrigin.Type

/** Whether a user's trading stands still now; of several halts the widest is shown. */
export const Halt = Schema.Struct({
  halted: Schema.Boolean,
  scope: Schema.NullOr(HaltScope),
  by: Schema.NullOr(HaltOrigin),
  reason: Schema.NullOr(Schema.String),
  since: Schema.NullOr(Instant)
}).annotations({ identifier: "Halt" })
export interface Halt extends Schema.Schema.Type<typeof Halt> {}
