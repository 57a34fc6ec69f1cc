import type { Exact } from "../Exact.ts"
import { amount, instant, type Json, number, object, orNull, text, texts, Unreadable } from "../Reading.ts"
import { codeOf } from "./Orders.ts"

/** A rule as the service shows it; its document stays as it is in `raw`. */
export interface Rule {
  readonly id: string
  readonly version: number
  readonly state: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly raw: Json
}

export const ruleOf = (raw: Json): Rule => ({
  id: text(raw, "id"),
  version: number(raw, "version"),
  state: oneOf(text(raw, "state"), ["draft", "active", "paused", "completed", "quarantined", "archived"]),
  createdAt: instant(raw, "createdAt"),
  updatedAt: instant(raw, "updatedAt"),
  raw
})

/** One firing of a rule. */
export interface Execution {
  readonly id: string
  readonly ruleId: string
  readonly ruleVersion: number
  readonly cycleId: string
  readonly kind: string
  readonly level: number
  readonly slot: string
  readonly triggeredAt: number
  readonly state: string
  readonly outcome: string | null
  readonly reasonCode: string | null
  /** The first of the missed slots that it stands for, besides its own. */
  readonly missedSince: number | null
  readonly requestedQuote: Exact | null
  readonly orders: ReadonlyArray<string>
  readonly executedQuantity: Exact
  readonly executedQuote: Exact
  readonly raw: Json
}

const outcomes = ["executed", "skipped", "failed", "unknown", "shadow"]

export const executionOf = (raw: Json): Execution => {
  const outcome = orNull(text, raw, "outcome")
  const reasonCode = codeOf(raw, "reason")
  return {
    id: text(raw, "id"),
    ruleId: text(raw, "ruleId"),
    ruleVersion: number(raw, "ruleVersion"),
    cycleId: text(raw, "cycleId"),
    kind: oneOf(text(raw, "kind"), ["entry", "level", "exit"]),
    level: number(raw, "level"),
    slot: text(raw, "slot"),
    triggeredAt: instant(raw, "triggeredAt"),
    state: oneOf(text(raw, "state"), ["running", "done"]),
    outcome: outcome === null ? null : oneOf(outcome, outcomes),
    reasonCode,
    missedSince: reasonCode === "MISSED_SINCE" ? instant(object(object(raw, "reason"), "params"), "since") : null,
    requestedQuote: orNull(amount, raw, "requestedQuote"),
    orders: texts(raw, "orders"),
    executedQuantity: amount(raw, "executedQuantity"),
    executedQuote: amount(raw, "executedQuote"),
    raw
  }
}

/** One event of a user; `data` is the whole object after the change. */
export interface Event {
  readonly seq: number
  readonly at: number
  readonly type: string
  readonly objectId: string
  readonly data: Json
  readonly raw: Json
}

const types = [
  "order.changed",
  "execution.changed",
  "rule.changed",
  "cycle.changed",
  "ledger.adjusted",
  "halt.changed",
  "limits.changed",
  "notice.rulePaused",
  "notice.ruleQuarantined",
  "notice.orderUnknown",
  "notice.skipsInARow",
  "notice.stopFired",
  "notice.credentialsFailing"
]

export const eventOf = (raw: Json): Event => ({
  seq: number(raw, "seq"),
  at: instant(raw, "at"),
  type: oneOf(text(raw, "type"), types),
  objectId: text(raw, "objectId"),
  data: object(raw, "data"),
  raw
})

const oneOf = (word: string, words: ReadonlyArray<string>): string => {
  if (!words.includes(word)) throw new Unreadable(`"${word}" is none of ${words.join(", ")}`)
  return word
}
