import { Duration, Effect } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { makeRuleId, type RuleId, type UserId } from "../../domain/Ids.ts"
import type { SymbolInfo } from "../../domain/Market.ts"
import { reason } from "../../domain/Reason.ts"
import type { RuleDocument } from "../../domain/Rule.ts"
import { balanceStep, freshBalance } from "../../domain/rule/decision/balance.ts"
import { noUsage } from "../../domain/rule/decision/caps.ts"
import { decide } from "../../domain/rule/decision/decide.ts"
import { bothSides, dataAgeLimit, type MarketView } from "../../domain/rule/decision/gates.ts"
import { freshTrigger, observe } from "../../domain/rule/decision/levels.ts"
import { wishOf } from "../../domain/rule/decision/wish.ts"
import { foresee } from "../../domain/rule/foresight/foresee.ts"
import { outlook } from "../../domain/rule/foresight/outlook.ts"
import { pastFirings } from "../../domain/rule/foresight/pastFirings.ts"
import type { RulePreview } from "../../domain/rule/RulePreview.ts"
import { ruleProblems } from "../../domain/rule/ruleProblems.ts"
import type { PriceRebound, PriceTrigger } from "../../domain/rule/Trigger.ts"
import { nextFiring } from "../../domain/rule/words.ts"
import type { Instant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Books } from "../../portfolio/Books.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import { priceOperands } from "../program/operands.ts"
import { makeReference, type Reference } from "../program/reference.ts"
import { freshRuntime, type RuleRow } from "../record/rows.ts"
import { RuleMarket } from "../RuleMarket.ts"
import { runsOf, warmupOf } from "./computed.ts"

/** History of a window is read for a preview, but nobody waits for a slow venue longer than this. */
const historyPatience = "5 seconds"

/** How far back firings are looked for, beyond the window that the first of them needs. */
const lookedBack = Duration.hours(24)
/** Longer windows would read more candles than a preview is worth. */
const longestLook = Duration.days(8)

const noReference: Reference = { price: null, warmup: null }

type MeasuredTrigger = PriceTrigger | PriceRebound

const measured = ({ trigger }: RuleDocument): MeasuredTrigger | null =>
  trigger.type === "price.level" || trigger.type === "price.drop" || trigger.type === "price.rebound" ? trigger : null

/** How much history shows firings: one day beyond a window, and a week and more for what comes weekly. */
const historyOf = ({ trigger }: RuleDocument): Duration.Duration | null => {
  switch (trigger.type) {
    case "schedule.every":
      return lookedBack
    case "schedule.calendar":
      return trigger.on.type === "daily" ? lookedBack : longestLook
    case "price.level":
      return lookedBack
    case "price.drop":
    case "price.rebound": {
      const window = "window" in trigger.from ? trigger.from.window : Duration.zero
      return Duration.min(Duration.sum(window, lookedBack), longestLook)
    }
    default:
      return null
  }
}

interface Seen {
  readonly view: MarketView | null
  readonly symbol: SymbolInfo | null
  readonly reference: Decimal.Decimal | null
  /** Of the asset that a balance trigger watches. */
  readonly free: Decimal.Decimal | null
  readonly now: Instant
}

/** Whether the trigger holds for a rule that begins now. One that others pull, or a clock, asks only for the rest. */
const holdsNow = ({ trigger, limits }: RuleDocument, { free, now, reference, symbol, view }: Seen): boolean => {
  switch (trigger.type) {
    case "price.level":
    case "price.drop":
      return (
        view !== null &&
        observe(trigger, freshTrigger, { price: view.last, reference, now, cooldown: limits.cooldown }).fires
      )
    case "price.rebound":
      // A fall has to be seen first.
      return false
    case "balance.available":
      return free !== null && balanceStep(trigger, freshBalance, free).fires
    case "listing.tradable":
      return symbol?.tradable === true
    default:
      return true
  }
}

const draftOf = (userId: UserId, ruleId: RuleId, document: RuleDocument, now: Instant): RuleRow => ({
  user_id: userId,
  rule_id: ruleId,
  version: 1,
  state: "draft",
  pause_reason: null,
  symbol: document.symbol,
  document,
  runtime: freshRuntime,
  failures: 0,
  spent_total: noUsage.total,
  executed_count: 0,
  created_at: now,
  updated_at: now
})

/** A rule before it exists: everything that storing and running it would show, and nothing stored. */
export const makePreview = Effect.gen(function* () {
  const market = yield* RuleMarket
  const books = yield* Books
  const wallets = yield* Wallets
  const clock = yield* MarketClock

  const freeOf = (userId: UserId, asset: string) => Effect.orElseSucceed(wallets.freeOf(userId, asset), () => null)

  const referenceOf = Effect.fnUntraced(
    function* (rule: RuleRow, trigger: MeasuredTrigger) {
      const reference = yield* makeReference(rule, trigger)
      yield* Effect.timeoutOption(reference.ready, historyPatience)
      return yield* reference.read(yield* clock.now, yield* market.last(rule.symbol))
    },
    Effect.scoped,
    Effect.provideService(RuleMarket, market),
    Effect.provideService(Books, books)
  )

  const firingsOf = Effect.fnUntraced(function* (document: RuleDocument) {
    const length = historyOf(document)
    if (length === null) return null
    const candles = yield* market.history(document.symbol, length)
    const fired = pastFirings(document, candles)
    const [first, last] = [candles[0], candles.at(-1)]
    if (fired === null || first === undefined || last === undefined) return null
    return { from: first.openTime, to: last.openTime + 60_000, count: fired.length, items: fired.slice(-100) }
  })

  return Effect.fnUntraced(function* (userId: UserId, document: RuleDocument, symbol: SymbolInfo | null) {
    const now = yield* clock.now
    const { trigger } = document
    const view = symbol === null ? null : yield* market.view(document.symbol, dataAgeLimit(document.gates))
    const problems = ruleProblems(document, { symbol, ask: view?.ask ?? null, now, createdAt: now })
    const ruleId = yield* makeRuleId()
    const isMeasured = measured(document)
    const fits = symbol !== null && !problems.some(({ path }) => path.startsWith("trigger"))
    const reference =
      isMeasured === null || !fits
        ? noReference
        : yield* referenceOf(draftOf(userId, ruleId, document, now), isMeasured)
    const free = symbol === null ? null : yield* freeOf(userId, symbol.quoteAsset)
    const watched = trigger.type === "balance.available" ? yield* freeOf(userId, trigger.asset) : null
    const holds = holdsNow(document, { view, symbol, reference: reference.price, free: watched, now })
    const operands =
      isMeasured === null || isMeasured.type === "price.rebound" || view === null
        ? []
        : priceOperands(document.symbol, isMeasured, { price: view.last, at: view.asOf }, reference.price)
    // A rule that does not exist yet holds nothing, has bought nothing and stands at its first slot.
    const nothingYet = {
      held: Decimal.zero,
      elapsedSlots: 0,
      lastBuy: null,
      usage: { ...noUsage, position: Decimal.zero, openOrders: 0 }
    }
    const { decision } = decide({
      ruleId,
      ruleVersion: 1,
      document,
      trigger: trigger.type,
      operands,
      symbol,
      view,
      free,
      now,
      ...nothingYet
    })
    const runs = fits ? runsOf(document, now, now) : []
    const best = bothSides(view)
    const size = best === null ? null : wishOf(document, { free, ...nothingYet }, best.bid).size
    const foreseen = symbol === null || best === null || size === null ? null : foresee(document, size, symbol, best)
    const would = problems.length === 0 && holds && decision.outcome === "fire"
    const preview: RulePreview = {
      problems,
      next: nextFiring({
        document,
        nextAt: runs[0] ?? null,
        last: view?.last ?? null,
        reference: reference.price,
        armed: true,
        tick: symbol?.priceTick ?? null
      }),
      nextRuns: runs,
      ladder: document.ladder === null ? null : (foreseen?.ladder ?? null),
      exit: foreseen?.exit ?? null,
      ...outlook(document, symbol, view?.ask ?? null),
      wouldFireNow: would,
      reason: would || symbol === null ? null : holds ? decision.reason : reason("NOT_TRUE"),
      decision: symbol === null ? null : decision,
      warmup: warmupOf(reference.warmup),
      firings: fits ? yield* firingsOf(document) : null
    }
    return preview
  })
})
