import { Duration, Effect, Option } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { Rule, RuleDocument } from "../../domain/Rule.ts"
import type { Computed, Warmup } from "../../domain/rule/shape/Computed.ts"
import { trailingBuy } from "../../domain/rule/foresight/trailingBuy.ts"
import { outlook } from "../../domain/rule/foresight/outlook.ts"
import { makeSchedule, nextRuns } from "../../domain/rule/schedule.ts"
import { nextFiring } from "../../domain/rule/words.ts"
import type { Instant } from "../../domain/Time.ts"
import type { WindowReading } from "../../domain/RollingWindow.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Books } from "../../portfolio/Books.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import { makeReference, type Reference } from "../program/reference.ts"
import { bookOf } from "../record/bookOf.ts"
import type { RuleRow } from "../record/rows.ts"
import { type PriceTick, RuleMarket } from "../RuleMarket.ts"
import { makeOpenCycle } from "./openCycle.ts"

const runsShown = 5
const noReference: Reference = { price: null, warmup: null }

export const warmupOf = (reading: WindowReading | null): Warmup | null =>
  reading === null || reading.have >= reading.need
    ? null
    : { have: Duration.minutes(reading.have), need: Duration.minutes(reading.need) }

export const runsOf = (document: RuleDocument, createdAt: Instant, after: Instant): ReadonlyArray<Instant> => {
  const { trigger } = document
  if (trigger.type !== "schedule.every" && trigger.type !== "schedule.calendar") return []
  return nextRuns(makeSchedule(trigger, { ...document, createdAt }), after, runsShown)
}

/** A statistic, in percent. */
const returnOf = (cost: Decimal.Decimal, value: Decimal.Decimal | null): number | null =>
  value === null || !Decimal.isPositive(cost)
    ? null
    : Decimal.toNumber(
        Decimal.divide(Decimal.multiply(Decimal.subtract(value, cost), Decimal.hundred), cost, 6, "half-even")
      )

/** Rules as the API shows them: the stored document with what follows from it now. */
export const makeComputed = Effect.gen(function* () {
  const executions = yield* ExecutionsRepo
  const books = yield* Books
  const market = yield* RuleMarket
  const clock = yield* MarketClock
  const openCycle = yield* makeOpenCycle

  /** Only what runs is followed; a look at a paused rule opens no stream. */
  const referenceOf = Effect.fnUntraced(
    function* (rule: RuleRow, now: Instant, last: PriceTick | null) {
      const { trigger } = rule.document
      if (trigger.type !== "price.level" && trigger.type !== "price.drop" && trigger.type !== "price.rebound")
        return noReference
      if (rule.state !== "active") return noReference
      const reference = yield* makeReference(rule, trigger)
      return yield* reference.read(now, last)
    },
    Effect.scoped,
    Effect.provideService(RuleMarket, market),
    Effect.provideService(Books, books)
  )

  const holding = Effect.fnUntraced(function* (userId: UserId, id: RuleId, symbol: SymbolName, last: PriceTick | null) {
    const lots = yield* books.lots(userId, symbol, bookOf(id))
    const value =
      last === null ? null : Decimal.round(Decimal.multiply(lots.quantity, last.price), Decimal.keptScale, "half-even")
    return { invested: lots.totalCost, value, returnPercent: returnOf(lots.totalCost, value) }
  })

  const compute = Effect.fnUntraced(function* (rule: RuleRow) {
    const { document } = rule
    const now = yield* clock.now
    const info = yield* market.symbol(rule.symbol)
    const symbol = info === null ? null : Option.getOrNull(info)
    const last = yield* market.last(rule.symbol)
    const reference = yield* referenceOf(rule, now, last)
    const usage = yield* executions.usage(
      { userId: rule.user_id, ruleId: rule.rule_id, timezone: document.timezone },
      now,
      null
    )
    const [lastDecision] = yield* executions.decisions(rule.user_id, rule.rule_id, { limit: 1, before: null })
    const runs = rule.state === "active" || rule.state === "draft" ? runsOf(document, rule.created_at, now) : []
    const waits = rule.state === "active" || rule.state === "draft"
    const cycle = yield* openCycle(rule, symbol, last?.price ?? null)
    const { trigger } = document
    const firing = waits
      ? nextFiring({
          document,
          nextAt: runs[0] ?? null,
          last: last?.price ?? null,
          reference: reference.price,
          armed: rule.runtime.trigger.armed,
          tick: symbol?.priceTick ?? null,
          rebound: rule.runtime.rebound,
          listed: rule.runtime.listed
        })
      : null
    const buying =
      waits && trigger.type === "price.rebound"
        ? trailingBuy(trigger, rule.runtime.rebound, reference.price, symbol?.priceTick ?? null)
        : null
    const computed: Computed = {
      next: cycle?.ignoresFirings === true && cycle.next !== null ? cycle.next : (firing ?? cycle?.next ?? null),
      nextRuns: runs,
      ...outlook(document, symbol, last?.price ?? null),
      spent: { day: usage.day, week: usage.week, month: usage.month, total: usage.total },
      ...(yield* holding(rule.user_id, rule.rule_id, rule.symbol, last)),
      warmup: warmupOf(reference.warmup),
      trailing: cycle?.trailing ?? buying,
      lastDecision: lastDecision?.record ?? null
    }
    return computed
  })

  const show = Effect.fnUntraced(function* (row: RuleRow) {
    const rule: Rule = {
      id: row.rule_id,
      version: row.version,
      state: row.state,
      pauseReason: row.pause_reason,
      ...row.document,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      computed: yield* compute(row)
    }
    return rule
  })

  return show
})
