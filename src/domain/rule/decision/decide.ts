import { Duration } from "effect"
import * as Decimal from "../../Decimal.ts"
import type { BudgetLine, Decision, Operand, Sizing } from "../../order/Execution.ts"
import type { RuleId } from "../../Ids.ts"
import type { SymbolInfo } from "../../Market.ts"
import { reason, type Reason } from "../../Reason.ts"
import type { RuleDocument } from "../../Rule.ts"
import { formatDuration, formatInstant, type Instant } from "../../Time.ts"
import { checkCaps, quoteLeft, type Usage } from "./caps.ts"
import { tooSmallOrLarge } from "./feasible.ts"
import { bothSides, judgeGates, type MarketView } from "./gates.ts"
import { askedQuote, type BestPrices, type BuyOrder, sizeOrder } from "./sizing.ts"
import { type Means, wishOf } from "./wish.ts"

/** Everything a firing is judged by. What could not be read is null and never passes for good. */
export interface Firing extends Means {
  readonly ruleId: RuleId
  readonly ruleVersion: number
  readonly document: RuleDocument
  readonly trigger: string
  readonly operands: ReadonlyArray<Operand>
  readonly symbol: SymbolInfo | null
  /** The venue could not be asked for its pairs: without a `symbol` that is why, and not that it lists none. */
  readonly isSymbolUnread?: boolean
  readonly view: MarketView | null
  readonly usage: Usage
  /** Price of the rule's last buy; null when there was none. */
  readonly lastBuy?: Decimal.Decimal | null
  readonly now: Instant
}

export interface Decided {
  readonly decision: Decision
  /** The order to place; also present in shadow mode, to be shown and not sent. */
  readonly order: BuyOrder | null
}

interface Judgement {
  readonly budget: ReadonlyArray<BudgetLine>
  readonly sizing: Sizing | null
  readonly order: BuyOrder | null
  readonly refusal: Reason | null
}

const text = Decimal.format

const cooldown = ({ document, usage, now }: Firing): Reason | null => {
  const { cooldown: length } = document.limits
  if (usage.lastAttemptAt === null || Duration.toMillis(length) === 0) return null
  const until = usage.lastAttemptAt + Duration.toMillis(length)
  return now >= until ? null : reason("COOLDOWN", { cooldown: formatDuration(length), until: formatInstant(until) })
}

const reserveLine = (firing: Firing, worst: Decimal.Decimal): { line: BudgetLine | null; refusal: Reason | null } => {
  const { free, document, symbol } = firing
  if (free === null) return { line: null, refusal: null }
  const kept = document.limits.reserveQuote
  const left = Decimal.subtract(free, worst)
  const params = { asset: symbol?.quoteAsset ?? "", free: text(free), needed: text(worst) }
  const line =
    kept === null
      ? null
      : {
          cap: "reserveQuote",
          limit: text(kept),
          used: text(free),
          asked: text(worst),
          pass: Decimal.greaterOrEqual(left, kept)
        }
  if (Decimal.isNegative(left)) return { line, refusal: reason("INSUFFICIENT_FUNDS", params) }
  if (line !== null && !line.pass) return { line, refusal: reason("CAP_RESERVE", { ...params, keep: line.limit }) }
  return { line, refusal: null }
}

/**
 * What the limits leave for this buy. Amounts that cannot hold the whole wish refuse it, except with `buyWhatFits`;
 * `perBuyMax` always trims.
 */
const budgetFor = (firing: Firing, asked: Decimal.Decimal): Decimal.Decimal | null => {
  const { limits, onInsufficientFunds } = firing.document
  const spendable =
    firing.free === null
      ? null
      : Decimal.max(Decimal.zero, Decimal.subtract(firing.free, limits.reserveQuote ?? Decimal.zero))
  const wanted = limits.perBuyMax === null ? asked : Decimal.min(asked, limits.perBuyMax)
  let budget = limits.perBuyMax
  for (const left of [quoteLeft(limits, firing.usage), spendable]) {
    if (left === null || (onInsufficientFunds !== "buyWhatFits" && Decimal.lessThan(left, wanted))) continue
    budget = budget === null ? left : Decimal.min(budget, left)
  }
  return budget
}

/** A buy trimmed below the venue's minimum is refused for what trimmed it. */
const whatLeftTooLittle = (
  firing: Firing,
  refusal: Reason | null,
  asked: Decimal.Decimal,
  capped: Decimal.Decimal
): Reason | null => {
  if (refusal === null || firing.document.onInsufficientFunds !== "buyWhatFits" || Decimal.equals(asked, capped))
    return refusal
  return checkCaps(firing.document.limits, firing.usage, asked).refusal ?? reserveLine(firing, asked).refusal ?? refusal
}

const judgeOrder = (firing: Firing, symbol: SymbolInfo, best: BestPrices): Judgement => {
  const { document } = firing
  const wish = wishOf(document, firing, best.bid)
  if (wish.size === null) return nothing(wish.refusal)
  const sized = { size: wish.size, execution: document.execution, maxPrice: document.maxPrice }
  const asked = askedQuote(sized, symbol, best)
  const budget = budgetFor(firing, asked)
  const capped = budget === null ? asked : Decimal.min(asked, budget)
  const order = sizeOrder(sized, symbol, best, budget)
  const caps = checkCaps(document.limits, firing.usage, order.worst)
  const reserve = reserveLine(firing, order.worst)
  const { maxPrice } = document
  const { perBuyMin } = document.limits
  const refusal =
    (maxPrice !== null && document.execution.type !== "limit" && Decimal.greaterThan(best.ask, maxPrice)
      ? reason("MAX_PRICE", { ask: text(best.ask), maxPrice: text(maxPrice) })
      : null) ??
    caps.refusal ??
    (perBuyMin !== null && Decimal.lessThan(capped, perBuyMin)
      ? reason("CAP_BUY_MIN", { limit: text(perBuyMin), value: text(capped) })
      : null) ??
    whatLeftTooLittle(firing, tooSmallOrLarge(order, symbol), asked, capped) ??
    reserve.refusal
  return {
    budget: reserve.line === null ? caps.lines : [...caps.lines, reserve.line],
    sizing: { asked, capped, rounded: order.quantity, final: order.worst },
    order: refusal === null ? order : null,
    refusal
  }
}

const nothing = (refusal: Reason): Judgement => ({ budget: [], sizing: null, order: null, refusal })

const basics = ({ document, isSymbolUnread, symbol, now }: Firing): Reason | null => {
  if (document.startAt !== null && now < document.startAt)
    return reason("NOT_STARTED", { startAt: formatInstant(document.startAt) })
  if (document.endAt !== null && now >= document.endAt)
    return reason("COMPLETED_END", { endAt: formatInstant(document.endAt) })
  if (symbol === null && isSymbolUnread) return reason("EXCHANGE_UNAVAILABLE", { symbol: document.symbol })
  if (symbol === null || !symbol.tradable)
    return reason("NOT_TRADABLE", { symbol: document.symbol, why: symbol?.untradableReason ?? "not listed" })
  return null
}

/** One firing, judged. The record holds every gate and limit that could be evaluated, not only the one that refused. */
export const decide = (firing: Firing): Decided => {
  const { document, symbol, view } = firing
  const best = bothSides(view)
  const gates = judgeGates(document, view, firing)
  const early = basics(firing) ?? gates.refusal ?? cooldown(firing)
  const judged =
    symbol === null || best === null ? nothing(early ?? reason("GATE_STALE")) : judgeOrder(firing, symbol, best)
  const refusal = early ?? judged.refusal
  const shadow = document.mode === "shadow"
  return {
    decision: {
      at: firing.now,
      ruleId: firing.ruleId,
      ruleVersion: firing.ruleVersion,
      trigger: firing.trigger,
      operands: firing.operands,
      gates: gates.results,
      budget: judged.budget,
      sizing: judged.sizing,
      outcome: refusal !== null ? "skip" : shadow ? "shadow" : "fire",
      reason: refusal ?? (shadow ? reason("SHADOW") : null)
    },
    order: refusal === null ? judged.order : null
  }
}
