import { Schema } from "effect"
import { ExecutionId, RuleId } from "../Ids.ts"
import { Instant } from "../Time.ts"

const Printable = (longest: number, example: string) =>
  Schema.String.pipe(Schema.pattern(new RegExp(`^[\\x21-\\x7e]{1,${longest}}$`))).annotations({
    message: () => `expected 1 to ${longest} printable characters without spaces`,
    jsonSchema: { type: "string", minLength: 1, maxLength: longest, examples: [example] }
  })

/** What a sender of signals posts. The same `id` is the same signal, however often it comes. */
export const SignalRequest = Schema.Struct({
  id: Printable(64, "alert-2026-03-01-0900"),
  /** When it was sent; one that is older than five minutes is refused. */
  at: Instant,
  /** The rule's own secret, as it was shown once. */
  token: Printable(128, "sig_4vTq…")
}).annotations({ identifier: "SignalRequest" })
export interface SignalRequest extends Schema.Schema.Type<typeof SignalRequest> {}

/** The signal was taken; what became of it is in the rule's executions. */
export const SignalReceipt = Schema.Struct({
  signalId: Schema.String,
  ruleId: RuleId,
  executionId: ExecutionId
}).annotations({ identifier: "SignalReceipt" })
export interface SignalReceipt extends Schema.Schema.Type<typeof SignalReceipt> {}

/** Shown once; asking again makes another and ends this one. */
export const SignalToken = Schema.Struct({ ruleId: RuleId, token: Schema.String, createdAt: Instant }).annotations({
  identifier: "SignalToken"
})
export interface SignalToken extends Schema.Schema.Type<typeof SignalToken> {}
