import { Duration } from "effect"
import * as Decimal from "../../Decimal.ts"
import type { GateResult } from "../../order/Execution.ts"
import { reason, type Reason } from "../../Reason.ts"
import type { RuleDocument } from "../../Rule.ts"
import { formatDuration, type Instant } from "../../Time.ts"
import type { Gate, TimeWindow } from "../RuleParts.ts"
import type { BestPrices } from "./sizing.ts"
import { displayInstant } from "../display.ts"
import { isInWindow } from "./timeWindow.ts"

/** What a firing sees of the market. `ageMs` is wall time since the venue last confirmed the symbol. */
export interface MarketView {
  readonly last: Decimal.Decimal
  /** Null where nobody offers. */
  readonly bid: Decimal.Decimal | null
  readonly ask: Decimal.Decimal | null
  readonly asOf: Instant
  readonly ageMs: number
  /** Traded in the last 24 hours; null when the venue does not tell. */
  readonly quoteVolume?: Decimal.Decimal | null
}

/** What gates look at besides the market. */
export interface GateMeans {
  readonly now: Instant
  readonly lastBuy?: Decimal.Decimal | null
}

const defaultDataAge = Duration.seconds(10)

/** The implicit gate may be changed, not removed. */
export const dataAgeLimit = (gates: ReadonlyArray<Gate>): Duration.Duration => {
  let age: Duration.Duration | null = null
  for (const gate of gates) if (gate.type === "maxDataAge") age = age === null ? gate.age : Duration.min(age, gate.age)
  return age ?? defaultDataAge
}

/** What a buy is sized and judged by: null where a side of the book is empty, or nothing is known. */
export const bothSides = (view: MarketView | null): BestPrices | null =>
  view === null || view.bid === null || view.ask === null ? null : { bid: view.bid, ask: view.ask }

/** (ask − bid) / mid in basis points, rounded up so that a limit is never passed by rounding. */
const spreadBps = (best: BestPrices): Decimal.Decimal => {
  const mid = Decimal.divide(Decimal.add(best.bid, best.ask), Decimal.unsafe("2"))
  if (!Decimal.isPositive(mid)) return Decimal.tenThousand
  const spread = Decimal.multiply(Decimal.subtract(best.ask, best.bid), Decimal.tenThousand)
  return Decimal.divide(spread, mid, 4, "ceil")
}

interface Judged {
  readonly result: GateResult
  readonly refusal: Reason | null
}

/** A price that is not there is no younger than one that is too old. */
const emptySide = (gates: ReadonlyArray<Gate>, { ask }: MarketView): Judged => {
  const limit = formatDuration(dataAgeLimit(gates))
  const value = ask === null ? "no ask" : "no bid"
  return {
    result: { type: "maxDataAge", pass: false, value, limit },
    refusal: reason("GATE_STALE", { limit }, `The order book has ${value} now.`)
  }
}

const dataAge = (gates: ReadonlyArray<Gate>, view: MarketView | null): Judged => {
  const limit = dataAgeLimit(gates)
  const pass = view !== null && view.ageMs <= Duration.toMillis(limit)
  const value = view === null || !Number.isFinite(view.ageMs) ? null : `${Math.round(view.ageMs)} ms`
  const params = { limit: formatDuration(limit), ...(value === null ? {} : { age: value }) }
  return {
    result: { type: "maxDataAge", pass, value, limit: formatDuration(limit) },
    refusal: pass ? null : reason("GATE_STALE", params)
  }
}

const spread = (bps: number, view: BestPrices): Judged => {
  const value = spreadBps(view)
  const pass = Decimal.lessOrEqual(value, Decimal.unsafe(String(bps)))
  const params = { limit: `${bps} bps`, value: `${Decimal.format(value)} bps` }
  return {
    result: { type: "maxSpread", pass, value: params.value, limit: params.limit },
    refusal: pass ? null : reason("GATE_SPREAD", params)
  }
}

const priceBetween = (gate: Extract<Gate, { type: "priceBetween" }>, view: MarketView): Judged => {
  const { min, max } = gate
  const pass =
    (min === null || Decimal.greaterOrEqual(view.last, min)) && (max === null || Decimal.lessOrEqual(view.last, max))
  const limit = `${min === null ? "…" : Decimal.format(min)} to ${max === null ? "…" : Decimal.format(max)}`
  const value = Decimal.format(view.last)
  return {
    result: { type: "priceBetween", pass, value, limit },
    refusal: pass ? null : reason("GATE_PRICE", { price: value, range: limit })
  }
}

const volume = (amount: Decimal.Decimal, view: MarketView): Judged => {
  const traded = view.quoteVolume ?? null
  const pass = traded !== null && Decimal.greaterOrEqual(traded, amount)
  const value = traded === null ? null : Decimal.format(traded)
  const limit = Decimal.format(amount)
  return {
    result: { type: "min24hQuoteVolume", pass, value, limit },
    refusal: pass ? null : reason("GATE_VOLUME", { limit, value: value ?? "unknown" })
  }
}

/** Against the ask, which is what the next buy pays; without an earlier buy there is nothing to improve on. */
const improvement = (percent: Decimal.Decimal, view: BestPrices, lastBuy: Decimal.Decimal | null): Judged => {
  const bound = lastBuy === null ? null : Decimal.percentOf(lastBuy, Decimal.subtract(Decimal.hundred, percent))
  const pass = bound === null || Decimal.lessOrEqual(view.ask, bound)
  const value = Decimal.format(view.ask)
  const limit = bound === null ? "no buy yet" : Decimal.format(bound)
  return {
    result: { type: "minImprovementOverLastBuy", pass, value, limit },
    refusal: pass
      ? null
      : reason("GATE_IMPROVEMENT", { ask: value, atMost: limit, lastBuy: Decimal.format(lastBuy ?? Decimal.zero) })
  }
}

const time = (gate: TimeWindow, now: Instant, timezone: string): Judged => {
  const pass = isInWindow(gate, now, timezone)
  const limit = `${gate.days.length === 7 ? "daily" : gate.days.join(", ")} ${gate.from} to ${gate.to} ${timezone}`
  const value = displayInstant(now, timezone)
  return {
    result: { type: "timeWindow", pass, value, limit },
    refusal: pass ? null : reason("GATE_TIME", { now: value, window: limit })
  }
}

const judge = (gate: Gate, timezone: string, view: MarketView, means: GateMeans): Judged | null => {
  const best = bothSides(view)
  switch (gate.type) {
    case "maxDataAge":
      return null
    case "maxSpread":
      return best && spread(gate.bps, best)
    case "priceBetween":
      return priceBetween(gate, view)
    case "min24hQuoteVolume":
      return volume(gate.amount, view)
    case "minImprovementOverLastBuy":
      return best && improvement(gate.percent, best, means.lastBuy ?? null)
    case "timeWindow":
      return time(gate, means.now, timezone)
  }
}

/** All gates, the implicit one first; a gate whose value is unknown does not pass. */
export const judgeGates = (
  rule: Pick<RuleDocument, "gates" | "timezone">,
  view: MarketView | null,
  means: GateMeans
): { readonly results: ReadonlyArray<GateResult>; readonly refusal: Reason | null } => {
  const lacksSide = view !== null && bothSides(view) === null
  const judged: Array<Judged> = [lacksSide ? emptySide(rule.gates, view) : dataAge(rule.gates, view)]
  for (const gate of rule.gates) {
    const one = view === null ? null : judge(gate, rule.timezone, view, means)
    if (one !== null) judged.push(one)
  }
  return { results: judged.map(({ result }) => result), refusal: judged.find((one) => one.refusal)?.refusal ?? null }
}
