import { Duration, Effect } from "effect"
import { makeRuleId, type UserId } from "../../domain/Ids.ts"
import type { SymbolInfo } from "../../domain/Market.ts"
import type { RuleDocument } from "../../domain/Rule.ts"
import { noUsage } from "../../domain/rule/decision/caps.ts"
import { decide } from "../../domain/rule/decision/decide.ts"
import { dataAgeLimit } from "../../domain/rule/decision/gates.ts"
import { freshTrigger, observe } from "../../domain/rule/decision/levels.ts"
import { outlook } from "../../domain/rule/outlook.ts"
import { pastFirings } from "../../domain/rule/pastFirings.ts"
import type { RulePreview } from "../../domain/rule/RulePreview.ts"
import { ruleProblems } from "../../domain/rule/ruleProblems.ts"
import type { PriceTrigger } from "../../domain/rule/Trigger.ts"
import { nextFiring } from "../../domain/rule/words.ts"
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

const priceTrigger = ({ trigger }: RuleDocument): PriceTrigger | null =>
  trigger.type === "price.level" || trigger.type === "price.drop" ? trigger : null

const windowOf = (trigger: PriceTrigger): Duration.Duration =>
  trigger.type === "price.drop" && "window" in trigger.from ? trigger.from.window : Duration.zero

/** A rule before it exists: everything that storing and running it would show, and nothing stored. */
export const makePreview = Effect.gen(function* () {
  const market = yield* RuleMarket
  const books = yield* Books
  const wallets = yield* Wallets
  const clock = yield* MarketClock

  const referenceOf = Effect.fnUntraced(
    function* (rule: RuleRow, trigger: PriceTrigger) {
      const reference = yield* makeReference(rule, trigger)
      yield* Effect.timeoutOption(reference.ready, historyPatience)
      return yield* reference.read(yield* clock.now, yield* market.last(rule.symbol))
    },
    Effect.scoped,
    Effect.provideService(RuleMarket, market),
    Effect.provideService(Books, books)
  )

  const firingsOf = Effect.fnUntraced(function* (document: RuleDocument, trigger: PriceTrigger) {
    const length = Duration.min(Duration.sum(windowOf(trigger), lookedBack), longestLook)
    const candles = yield* market.history(document.symbol, length)
    const fired = pastFirings(document, trigger, candles)
    const [first, last] = [candles[0], candles.at(-1)]
    if (fired === null || first === undefined || last === undefined) return null
    return { from: first.openTime, to: last.openTime + 60_000, count: fired.length, items: fired.slice(-100) }
  })

  return Effect.fnUntraced(function* (userId: UserId, document: RuleDocument, symbol: SymbolInfo | null) {
    const now = yield* clock.now
    const view = symbol === null ? null : yield* market.view(document.symbol, dataAgeLimit(document.gates))
    const problems = ruleProblems(document, { symbol, ask: view?.ask ?? null, now, createdAt: now })
    const ruleId = yield* makeRuleId()
    const row: RuleRow = {
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
    }
    const trigger = priceTrigger(document)
    const fits = symbol !== null && !problems.some(({ path }) => path.startsWith("trigger"))
    const reference = trigger === null || !fits ? noReference : yield* referenceOf(row, trigger)
    const free =
      symbol === null ? null : yield* Effect.orElseSucceed(wallets.freeOf(userId, symbol.quoteAsset), () => null)
    const seen = { reference: reference.price, now, cooldown: document.limits.cooldown }
    const holdsNow =
      trigger === null || (view !== null && observe(trigger, freshTrigger, { ...seen, price: view.last }).fires)
    const operands =
      trigger === null || view === null
        ? []
        : priceOperands(document.symbol, trigger, { price: view.last, at: view.asOf }, reference.price)
    const { decision } = decide({
      ruleId,
      ruleVersion: 1,
      document,
      trigger: document.trigger.type,
      operands,
      symbol,
      view,
      usage: noUsage,
      free,
      now
    })
    const runs = fits ? runsOf(document, now, now) : []
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
      ladder: null,
      ...outlook(document, symbol, view?.ask ?? null),
      wouldFireNow: problems.length === 0 && holdsNow && decision.outcome === "fire",
      decision: symbol === null ? null : decision,
      warmup: warmupOf(reference.warmup),
      firings: trigger === null || !fits ? null : yield* firingsOf(document, trigger)
    }
    return preview
  })
})
