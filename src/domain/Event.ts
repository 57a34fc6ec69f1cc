import { Schema } from "effect"
import { CycleChange } from "./event/CycleChange.ts"
import { noticeTypes } from "./event/notices.ts"
import { LedgerAdjustment } from "./ledger/LedgerEntry.ts"
import { Halt } from "./Halt.ts"
import { Limits } from "./Limits.ts"
import { Execution } from "./order/Execution.ts"
import { Order } from "./order/Order.ts"
import { Rule } from "./Rule.ts"
import { Instant } from "./Time.ts"

/** A rule as it is stored: `computed` follows the market and is no part of a change. */
const { computed: _computed, ...storedRuleFields } = Rule.fields
export const StoredRule = Schema.Struct(storedRuleFields).annotations({ identifier: "StoredRule" })
export interface StoredRule extends Schema.Schema.Type<typeof StoredRule> {}

/**
 * What a user is told of, one registry: the sentence goes into the documentation, the schema is that of `data`, which is
 * the whole object as it is after the change. Balances and prices change too often to be events.
 */
export const eventTypes = {
  "order.changed": { sentence: "An order was made or changed; `data` is the order.", data: Order },
  "execution.changed": { sentence: "A firing of a rule began or changed; `data` is the execution.", data: Execution },
  "rule.changed": {
    sentence: "A rule was made, edited or changed its state; `data` is the rule without `computed`.",
    data: StoredRule
  },
  "cycle.changed": { sentence: "A cycle opened, changed or closed; `data` is the cycle.", data: CycleChange },
  "ledger.adjusted": {
    sentence: "Lots left a rule's book, or came back, without an order of the rule; `data` is the adjustment.",
    data: LedgerAdjustment
  },
  "halt.changed": { sentence: "Trading was halted or released; `data` is the halt's state.", data: Halt },
  "limits.changed": { sentence: "The user's limits were changed; `data` is the limits.", data: Limits },
  ...noticeTypes
} as const

export type EventType = keyof typeof eventTypes

/** What the caller of `Events.append` gives; the sequence and the time are the store's. */
export type NewEvent = {
  readonly [Type in EventType]: {
    readonly type: Type
    /** The id of the object that changed. */
    readonly objectId: string
    readonly data: Schema.Schema.Type<(typeof eventTypes)[Type]["data"]>
  }
}[EventType]

/** The number of an event in its user's sequence, which starts at 1 and has no holes. */
export const EventSeq = Schema.NonNegativeInt.annotations({ identifier: "EventSeq" })

const eventOf = <const Type extends EventType, A, I>(
  type: Type,
  identifier: string,
  { data, sentence }: { readonly data: Schema.Schema<A, I>; readonly sentence: string }
) =>
  Schema.Struct({
    seq: EventSeq,
    at: Instant,
    type: Schema.Literal(type),
    objectId: Schema.String,
    data
  }).annotations({ identifier, description: sentence })

/** As it is sent and listed. */
export const Event = Schema.Union(
  eventOf("order.changed", "OrderChanged", eventTypes["order.changed"]),
  eventOf("execution.changed", "ExecutionChanged", eventTypes["execution.changed"]),
  eventOf("rule.changed", "RuleChanged", eventTypes["rule.changed"]),
  eventOf("cycle.changed", "CycleChanged", eventTypes["cycle.changed"]),
  eventOf("ledger.adjusted", "LedgerAdjusted", eventTypes["ledger.adjusted"]),
  eventOf("halt.changed", "HaltChanged", eventTypes["halt.changed"]),
  eventOf("limits.changed", "LimitsChanged", eventTypes["limits.changed"]),
  eventOf("notice.rulePaused", "RulePausedNotice", eventTypes["notice.rulePaused"]),
  eventOf("notice.ruleQuarantined", "RuleQuarantinedNotice", eventTypes["notice.ruleQuarantined"]),
  eventOf("notice.orderUnknown", "OrderUnknownNotice", eventTypes["notice.orderUnknown"]),
  eventOf("notice.skipsInARow", "SkipsInARowNotice", eventTypes["notice.skipsInARow"]),
  eventOf("notice.stopFired", "StopFiredNotice", eventTypes["notice.stopFired"]),
  eventOf("notice.credentialsFailing", "CredentialsFailingNotice", eventTypes["notice.credentialsFailing"]),
  eventOf("notice.keyFrozen", "KeyFrozenNotice", eventTypes["notice.keyFrozen"]),
  eventOf("notice.keyWarning", "KeyWarningNotice", eventTypes["notice.keyWarning"])
).annotations({ identifier: "Event" })
export type Event = typeof Event.Type
