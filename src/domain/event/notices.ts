import { Schema } from "effect"
import { CycleId, OrderId, RuleId } from "../Ids.ts"
import { KeyFreeze } from "../KeyFreeze.ts"
import { SymbolName } from "../Market.ts"
import { Reason } from "../Reason.ts"
import { Instant } from "../Time.ts"

/** Each notice carries a sentence to show a person as it is. */
const text = Schema.String

const aboutRule = { text, ruleId: RuleId, ruleName: Schema.String, symbol: SymbolName }

/** The rule stopped by itself, or was stopped by a failure; never by its owner. */
export const RulePaused = Schema.Struct({ ...aboutRule, reason: Schema.NullOr(Reason) }).annotations({
  identifier: "RulePaused"
})

export const RuleQuarantined = Schema.Struct({ ...aboutRule, reason: Schema.NullOr(Reason) }).annotations({
  identifier: "RuleQuarantined"
})

export const OrderUnknown = Schema.Struct({
  text,
  orderId: OrderId,
  symbol: SymbolName,
  unknownSince: Instant
}).annotations({ identifier: "OrderUnknown" })

export const SkipsInARow = Schema.Struct({
  ...aboutRule,
  skips: Schema.Int,
  /** Of the last skip. */
  reason: Schema.NullOr(Reason)
}).annotations({ identifier: "SkipsInARow" })

export const StopFired = Schema.Struct({ ...aboutRule, cycleId: CycleId }).annotations({ identifier: "StopFired" })

export const CredentialsFailing = Schema.Struct({
  text,
  since: Instant,
  reason: Schema.NullOr(Reason)
}).annotations({ identifier: "CredentialsFailing" })

export const KeyFrozen = Schema.Struct({
  text,
  /** The first characters of the access key. */
  keyPrefix: Schema.String,
  freeze: KeyFreeze
}).annotations({ identifier: "KeyFrozen" })

/** What the owner of an exchange key should mind; `GET /account/credentials` lists all of it as long as it lasts. */
export const KeyWarning = Schema.Struct({
  text,
  keyPrefix: Schema.String,
  warning: Schema.Literal("cannotTrade", "addressNotBound", "endsSoon")
}).annotations({ identifier: "KeyWarning" })

/** What every user is told without asking for it. */
export const noticeTypes = {
  "notice.rulePaused": { sentence: "A rule paused by itself.", data: RulePaused },
  "notice.ruleQuarantined": { sentence: "A rule crashed repeatedly and is held back.", data: RuleQuarantined },
  "notice.orderUnknown": {
    sentence: "Nobody can tell for 10 minutes what became of an order; it is never sent again.",
    data: OrderUnknown
  },
  "notice.skipsInARow": { sentence: "A rule fired three times in a row and bought nothing.", data: SkipsInARow },
  "notice.stopFired": { sentence: "A stop or trailing stop sold a position.", data: StopFired },
  "notice.credentialsFailing": { sentence: "The exchange refuses the stored key.", data: CredentialsFailing },
  "notice.keyFrozen": {
    sentence: "An exchange key was frozen; no order, or nothing that buys, is sent under it.",
    data: KeyFrozen
  },
  "notice.keyWarning": {
    sentence: "The exchange key may not trade, is not bound to an address, or ends soon.",
    data: KeyWarning
  }
} as const
