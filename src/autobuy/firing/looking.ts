import { Effect, Option } from "effect"
import { dataAgeLimit } from "../../domain/rule/decision/gates.ts"
import type { Instant } from "../../domain/Time.ts"
import { Books } from "../../portfolio/Books.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import type { ExecutionRow, RuleRow } from "../record/rows.ts"
import { RuleMarket } from "../RuleMarket.ts"
import { bookOf } from "../record/bookOf.ts"
import { elapsedSlots } from "./elapsedSlots.ts"
import type { makeSettling } from "./settling.ts"

/** A slot of a schedule is named by its instant; every other firing counts from its trigger. */
const slotInstant = (row: ExecutionRow): Instant => {
  const slot = Date.parse(row.slot)
  return Number.isNaN(slot) || slot > row.triggered_at ? row.triggered_at : slot
}

/** Everything that a firing is judged by, read now. What cannot be read is null. */
export const makeLooking = Effect.fnUntraced(function* ({ usageOf }: Effect.Effect.Success<typeof makeSettling>) {
  const books = yield* Books
  const wallets = yield* Wallets
  const market = yield* RuleMarket

  return Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow) {
    const { gates, size } = rule.document
    const listed = yield* market.symbol(rule.symbol)
    const symbol = listed === null ? null : Option.getOrNull(listed)
    const view = yield* market.view(rule.symbol, dataAgeLimit(gates), {
      withVolume: gates.some(({ type }) => type === "min24hQuoteVolume"),
      // The firing has its trigger's price. An exit has none of its own: while it waited, the price that it is for could go by.
      caughtUp: true
    })
    const free =
      symbol === null
        ? null
        : yield* Effect.option(wallets.freeOf(rule.user_id, symbol.quoteAsset)).pipe(Effect.map(Option.getOrNull))
    const scope = { scope: "rule", ruleId: rule.rule_id } as const
    const lastBuy = gates.some(({ type }) => type === "minImprovementOverLastBuy")
      ? yield* books.lastBuy(rule.user_id, rule.symbol, scope)
      : null
    const averaging = size.type === "valueAveraging"
    return {
      symbol,
      isSymbolUnread: listed === null,
      view,
      free,
      lastBuy,
      held: averaging ? (yield* books.lots(rule.user_id, rule.symbol, bookOf(rule.rule_id))).quantity : null,
      elapsedSlots: averaging ? elapsedSlots(rule, slotInstant(row)) : null,
      // A firing counts on the day of its trigger, however late its order is made.
      usage: yield* usageOf(rule, row.triggered_at, row.execution_id)
    }
  })
})
