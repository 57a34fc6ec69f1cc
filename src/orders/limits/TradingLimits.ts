import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Layer, Schema } from "effect"
import { type BudgetExceeded, type DatabaseUnavailable, StaleMarketData } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { OrderId, UserId } from "../../domain/Ids.ts"
import { limitAsset, type Limits, type LimitsInForce } from "../../domain/Limits.ts"
import type { ApprovedOrder } from "../../domain/order/risk.ts"
import { Symbols } from "../../market/Symbols.ts"
import { TickerHub } from "../../market/TickerHub.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Wallets, type WalletError } from "../../portfolio/Wallets.ts"
import { Database } from "../../store/Database.ts"
import { boundsSpending, budgetExceeded, over, spendingExcess } from "./checks.ts"
import { LimitsRepo } from "./LimitsRepo.ts"
import { makePositions } from "./Positions.ts"
import { earliest, makeSpending, takenSince, type Rates, type Spending } from "./Spending.ts"
import { windowsAt } from "./windows.ts"
import { worstQuote } from "./worstQuote.ts"

/** An order before its intent, as the limits see it. */
export interface BudgetAsk {
  readonly userId: UserId
  /** The API key of an order that a person places; null for a rule's. */
  readonly keyId: string | null
  /** A rule's exit is never refused by a limit. */
  readonly purpose: "entry" | "exit" | "manual"
  readonly order: ApprovedOrder
}

/** Run it in the transaction that inserts the intent, before the insert. */
export type Reserve = (orderId: OrderId) => Effect.Effect<void, BudgetExceeded | StaleMarketData | DatabaseUnavailable>

/**
 * The budget firewall. A buy reserves the most it can cost in the transaction of its intent; what it still holds later
 * is derived from its order and fills, so the outcome settles it by itself.
 */
export class TradingLimits extends Context.Tag("dipper/orders/TradingLimits")<
  TradingLimits,
  {
    /** Asks what cannot be asked in a transaction: prices, and the wallet where a share is limited. */
    readonly prepare: (ask: BudgetAsk) => Effect.Effect<Reserve, StaleMarketData | WalletError>
    readonly inForce: (userId: UserId) => Effect.Effect<LimitsInForce, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    TradingLimits,
    Effect.suspend(() => make)
  )
}

/** What everything is worth, and how much of it is one asset, before the books change. */
interface Share {
  readonly equity: Decimal.Decimal
  readonly held: Decimal.Decimal
  readonly booked: Decimal.Decimal
  readonly price: Decimal.Decimal
}

interface Prepared extends BudgetAsk {
  readonly worst: Decimal.Decimal
  readonly rates: Rates
  readonly share: Share | null
}

const CountRow = Schema.Struct({ open: Schema.Int })

const stale = (message: string) => new StaleMarketData({ message, retryable: true, retryAfterSeconds: 5 })

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const clock = yield* MarketClock
  const hub = yield* TickerHub
  const symbols = yield* Symbols
  const wallets = yield* Wallets
  const limitsOf = yield* LimitsRepo
  const spending = yield* makeSpending
  const positionOf = yield* makePositions

  /** What one of an asset is worth in `limitAsset`; null when nobody can say now. */
  const worthOf = Effect.fnUntraced(function* (asset: string) {
    if (asset === limitAsset) return Decimal.one
    const pair = (yield* symbols.all).find((info) => info.baseAsset === asset && info.quoteAsset === limitAsset)
    if (pair === undefined) return null
    const ticker = yield* hub.latest(pair.symbol)
    return ticker.stale || !Decimal.isPositive(ticker.last) ? null : ticker.last
  })
  const rateOf = (asset: string) => Effect.orElseSucceed(worthOf(asset), () => null)
  const ratesOf = Effect.fnUntraced(function* (assets: Iterable<string>) {
    const rates = new Map<string, Decimal.Decimal | null>()
    for (const asset of assets) rates.set(asset, yield* rateOf(asset))
    return rates
  })

  const shareOf = Effect.fnUntraced(function* (userId: UserId, asset: string) {
    // Books first: a fill that comes in between is then counted twice and not lost.
    const { quantity: booked } = yield* positionOf(userId, asset)
    const wallet = yield* wallets.refresh(userId)
    const price = yield* rateOf(asset)
    if (price === null) return yield* stale(`${asset} has no fresh price, so its share cannot be told.`)
    const holding = wallet.assets.find((item) => item.asset === asset)
    return { equity: wallet.totalValue, held: holding?.total ?? Decimal.zero, booked, price } satisfies Share
  })

  const openOrders = (userId: UserId) =>
    Effect.map(
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: CountRow,
          execute: () => sql`SELECT count(*) AS open FROM orders WHERE user_id = ${userId}
            AND status IN ('pending', 'unknown', 'open', 'partiallyFilled') AND origin <> 'external'`
        })()
      ),
      ([row]) => row?.open ?? 0
    )

  const assertOpenOrders = Effect.fnUntraced(function* (userId: UserId, max: number | null) {
    if (max === null) return
    const open = yield* openOrders(userId)
    if (open < max) return
    const excess = { cap: "user.maxOpenOrders", limit: String(max), used: String(open), asked: "1", unit: " orders" }
    return yield* budgetExceeded(excess)
  })

  const assertAsset = Effect.fnUntraced(function* (
    ask: Prepared,
    limits: Limits,
    spending: Spending,
    asked: Decimal.Decimal
  ) {
    const { baseAsset: asset } = ask.order.symbol
    const limit = limits.assets.find((item) => item.asset === asset)
    if (limit === undefined) return
    const position = yield* positionOf(ask.userId, asset)
    const underWay = Decimal.sum(
      spending.held.filter((held) => held.baseAsset === asset && held.endedAt === null).map(({ amount }) => amount)
    )
    if (limit.maxPositionQuote !== null) {
      let cost = underWay
      for (const [quote, amount] of position.costs) {
        if (Decimal.isZero(amount)) continue
        const rate = ask.rates.get(quote) ?? null
        if (rate === null) return yield* stale(`${quote} has no fresh price, so the position cannot be valued.`)
        cost = Decimal.add(cost, Decimal.multiply(amount, rate))
      }
      const excess = over(`assets.${asset}.maxPositionQuote`, limit.maxPositionQuote, cost, asked)
      if (excess !== null) return yield* budgetExceeded(excess)
    }
    if (limit.maxShare !== null) {
      // Set since the wallet was asked.
      if (ask.share === null) return yield* stale(`The share of ${asset} was limited just now; try again.`)
      const { booked, equity, held, price } = ask.share
      const bought = Decimal.max(Decimal.zero, Decimal.subtract(position.quantity, booked))
      const value = Decimal.add(Decimal.multiply(Decimal.add(held, bought), price), underWay)
      const excess = over(`assets.${asset}.maxShare`, Decimal.multiply(limit.maxShare, equity), value, asked)
      if (excess !== null) return yield* budgetExceeded(excess)
    }
  })

  const reserve = Effect.fnUntraced(function* (ask: Prepared, orderId: OrderId) {
    const { keyId, order, rates, userId, worst } = ask
    const { baseAsset, quoteAsset } = order.symbol
    const limits = yield* limitsOf.of(userId)
    if (ask.purpose !== "exit") yield* assertOpenOrders(userId, limits.user.maxOpenOrders)
    if (order.side === "sell") return
    const now = yield* clock.now
    const rate = rates.get(quoteAsset) ?? null
    if (boundsSpending(limits, keyId, baseAsset)) {
      if (rate === null)
        return yield* stale(`${quoteAsset} has no fresh price in ${limitAsset}, which your limits need.`)
      const asked = Decimal.round(Decimal.multiply(worst, rate), Decimal.keptScale, "ceil")
      const windows = windowsAt(now)
      const taken = yield* spending.since(userId, earliest(windows), rates)
      if (taken.unpriced.size > 0)
        return yield* stale(
          `What you bought for ${[...taken.unpriced].join(", ")} has no fresh price, which your limits need.`
        )
      const excess = spendingExcess(limits, taken, windows, { asked, keyId })
      if (excess !== null) return yield* budgetExceeded(excess)
      yield* assertAsset(ask, limits, taken, asked)
    }
    yield* database.write(
      sql`INSERT INTO reservations ${sql.insert({
        user_id: userId,
        order_id: orderId,
        key_id: keyId,
        base_asset: baseAsset,
        quote_asset: quoteAsset,
        worst_quote: Decimal.format(worst),
        rate: rate === null ? null : Decimal.format(rate),
        at: now
      })}`
    )
  })

  const prepare = Effect.fn("TradingLimits.prepare")(function* (ask: BudgetAsk) {
    const { order, userId } = ask
    if (order.side === "sell")
      return (id: OrderId) => reserve({ ...ask, worst: Decimal.zero, rates: new Map(), share: null }, id)
    const { baseAsset, quoteAsset } = order.symbol
    const worst = yield* worstQuote(order)
    const limits = yield* limitsOf.of(userId)
    const limit = limits.assets.find(({ asset }) => asset === baseAsset)
    const binds = boundsSpending(limits, ask.keyId, baseAsset)
    const quotes = new Set([quoteAsset, ...(binds ? yield* spending.unpriced(userId) : [])])
    if (limit !== undefined) for (const quote of (yield* positionOf(userId, baseAsset)).costs.keys()) quotes.add(quote)
    const rates = yield* ratesOf(quotes)
    const share = (limit?.maxShare ?? null) === null ? null : yield* shareOf(userId, baseAsset)
    return (id: OrderId) => reserve({ ...ask, worst, rates, share }, id)
  })

  const inForce = Effect.fn("TradingLimits.inForce")(function* (userId: UserId) {
    const limits = yield* limitsOf.of(userId)
    const windows = windowsAt(yield* clock.now)
    const rates = yield* ratesOf(yield* spending.unpriced(userId))
    const taken = yield* spending.since(userId, earliest(windows), rates)
    const used = {
      day: takenSince(taken, windows.day, null),
      week: takenSince(taken, windows.week, null),
      month: takenSince(taken, windows.month, null),
      openOrders: yield* openOrders(userId)
    }
    return { ...limits, quoteAsset: limitAsset, used }
  })

  return TradingLimits.of({ prepare, inForce })
})
