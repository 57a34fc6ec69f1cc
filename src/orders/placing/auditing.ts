import { Clock, Effect, Schema } from "effect"
import { sha256 } from "../../domain/audit/chain.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import { Decision } from "../../domain/order/Execution.ts"
import { byRule } from "../../store/audit/acting.ts"
import { Sampler } from "../../store/audit/Sampler.ts"
import { Audit } from "../../store/Audit.ts"
import type { OrderRow } from "../record/OrderRow.ts"

/** What says no to an order before it exists; the rest is a faulty request, or a service that cannot work now. */
const RiskRefusal = Schema.Struct({
  _tag: Schema.Literal(
    "SYMBOL_NOT_TRADABLE",
    "BELOW_MINIMUM",
    "PRICE_OUT_OF_BAND",
    "INSUFFICIENT_BALANCE",
    "ORDER_REJECTED",
    "STALE_MARKET_DATA",
    "TRADING_HALTED",
    "BUDGET_EXCEEDED"
  ),
  message: Schema.String
})
const isRiskRefusal = Schema.is(RiskRefusal)

/** A person's program may ask for the impossible in a loop, and so does an exit that the market forbids. */
const ofPeople = { most: 10, windowMs: 60_000 }
const ofRules = { most: 1, windowMs: 3_600_000 }

/** An order as it was asked for. */
export interface Wanted {
  readonly userId: UserId
  readonly symbol: string
  readonly side: string
  readonly rule: {
    readonly ruleId: RuleId
    readonly kind: string
    readonly level: number
    readonly slot: string
  } | null
}

const decisionText = Schema.encodeSync(Schema.parseJson(Decision))

const amounts = ({ price, quantity, quote_amount: quoteAmount }: OrderRow): Record<string, string> => ({
  ...(quantity === null ? {} : { quantity: Decimal.format(quantity) }),
  ...(quoteAmount === null ? {} : { quoteAmount: Decimal.format(quoteAmount) }),
  ...(price === null ? {} : { price: Decimal.format(price) })
})

const seen = ({ operands }: Decision): string =>
  operands
    .map(
      ({ label, op, threshold, value }) =>
        `${label} ${value ?? "unknown"}${threshold === null ? "" : ` ${op} ${threshold}`}`
    )
    .join("; ")

/** The numbers the rule looked at; the whole record is in `decisions`, and its hash here. */
const because = (decision: Decision): Record<string, string> => ({
  trigger: decision.trigger,
  ...(decision.operands.length === 0 ? {} : { seen: seen(decision) }),
  ...(decision.sizing?.final == null ? {} : { atMost: Decimal.format(decision.sizing.final) })
})

const ofRule = (row: OrderRow): Record<string, string> => ({
  ...(row.rule_id === null ? {} : { ruleId: row.rule_id }),
  ...(row.rule_version === null ? {} : { ruleVersion: String(row.rule_version) }),
  ...(row.execution_id === null ? {} : { executionId: row.execution_id }),
  ...(row.cycle_id === null ? {} : { cycleId: row.cycle_id }),
  ...(row.slot === null ? {} : { slot: row.slot }),
  ...(row.kind === null ? {} : { kind: row.kind }),
  ...(row.level === null ? {} : { level: String(row.level) })
})

/** What the audit trail is told of orders: each that is decided, once, and those that were refused. */
export const makeAuditing = Effect.gen(function* () {
  const audit = yield* Audit
  const people = new Sampler(ofPeople)
  const rules = new Sampler(ofRules)

  /** Call it in the transaction of the intent. `decision` is null for an order of a person, who is the one that acts. */
  const decided = (row: OrderRow, decision: Decision | null) =>
    audit.append({
      action: "orderDecided",
      user: row.user_id,
      objectId: row.order_id,
      after: decision === null ? null : sha256(decisionText(decision)),
      detail: {
        origin: row.origin,
        clientOrderId: row.client_order_id,
        symbol: row.symbol,
        side: row.side,
        type: row.type,
        book: row.book,
        ...amounts(row),
        ...ofRule(row),
        ...(decision === null ? { reason: "asked for" } : because(decision))
      },
      ...(row.rule_id === null ? {} : { acting: byRule(row.rule_id) })
    })

  const sampled = ({ rule, userId }: Wanted, code: string, now: number) =>
    rule === null
      ? people.take(userId, now)
      : rules.take(`${userId} ${rule.ruleId} ${rule.kind} ${rule.level} ${code}`, now)

  const refused = Effect.fnUntraced(function* (wanted: Wanted, { _tag: code, message }: typeof RiskRefusal.Type) {
    const leftOut = sampled(wanted, code, yield* Clock.currentTimeMillis)
    if (leftOut === null) return
    const { rule, side, symbol, userId } = wanted
    yield* audit.append({
      action: "orderRefused",
      user: userId,
      objectId: rule?.ruleId ?? null,
      result: "refused",
      detail: {
        code,
        message,
        symbol,
        side,
        ...(rule === null ? {} : { slot: rule.slot, kind: rule.kind, level: String(rule.level) }),
        ...(leftOut === 0 ? {} : { leftOut: String(leftOut) })
      },
      ...(rule === null ? {} : { acting: byRule(rule.ruleId) })
    })
  })

  /** Tells of the refusal of an order that does not exist yet; that it cannot be told does not change the answer. */
  const tellingRefusal =
    (wanted: Wanted) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.tapError(effect, (error) =>
        isRiskRefusal(error)
          ? Effect.catchTag(refused(wanted, error), "DATABASE_UNAVAILABLE", ({ message }) => Effect.logWarning(message))
          : Effect.void
      )

  return { decided, tellingRefusal }
})
