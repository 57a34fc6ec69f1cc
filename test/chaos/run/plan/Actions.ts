import { decimal, type Market, markets, pricesOf } from "./Markets.ts"
import type { Random } from "./Random.ts"
import { type Body, ruleOf } from "./Rules.ts"

/** What a user does. `pick` chooses among the user's own rules or orders of that moment. */
export type Deed =
  | { readonly do: "order"; readonly key: string; readonly body: Body }
  | { readonly do: "again" | "changed"; readonly key: string; readonly body: Body }
  | { readonly do: "close"; readonly key: string; readonly symbol: string }
  | { readonly do: "cancel"; readonly pick: number }
  | { readonly do: "cancelAll"; readonly query: string }
  | { readonly do: "halt" | "limits"; readonly body: Body }
  | { readonly do: "rule"; readonly key: string; readonly body: Body }
  | { readonly do: "edit"; readonly pick: number; readonly key: string; readonly body: Body }
  | { readonly do: "run"; readonly pick: number; readonly key: string }
  | { readonly do: "pause" | "resume" | "archive"; readonly pick: number }
  | { readonly do: "read"; readonly path: string; readonly pick: number }
  /** Two looks at the wallet at once, so many times: each asks the exchange, and nobody waits for the answer. */
  | { readonly do: "glance"; readonly times: number }
  /** Rules that nobody touches afterwards, one after the other. */
  | { readonly do: "rules"; readonly rules: ReadonlyArray<{ readonly key: string; readonly body: Body }> }

export interface Action {
  /** Milliseconds after the start of the load. */
  readonly at: number
  readonly user: number
  readonly deed: Deed
}

const reads = [
  "/trading/orders?limit=100",
  "/trading/orders/{order}",
  "/trading/orders/{order}/fills",
  "/trading/positions",
  "/trading/rules",
  "/trading/rules/{rule}",
  "/trading/rules/{rule}/decisions?limit=20",
  "/trading/rules/{rule}/executions?limit=20",
  "/trading/rules/{rule}/explain",
  "/trading/rules/{rule}/position",
  "/trading/executions?limit=20",
  "/trading/halt",
  "/trading/limits",
  "/account",
  "/account/wallet",
  "/account/transactions?limit=50",
  "/account/events?since=0&limit=20",
  "/market/tickers",
  "/market/tickers/BTCUSDT",
  "/market/order-book/ETHUSDT",
  "/market/candles/BTCUSDT?interval=1m&limit=5",
  "/status",
  "/status/ready",
  "/status/limits",
  "/status/engine"
] as const

const orderOf = (dice: Random, market: Market, price: number): Body => {
  const { priceDecimals, quantityDecimals, symbol } = market
  const at = (factor: number) => decimal(price * factor, priceDecimals)
  const worth = dice.between(8, 40)
  const quantity = decimal(worth / price, quantityDecimals)
  const side = dice.chance(0.62) ? "buy" : "sell"
  const away = side === "buy" ? 1 - dice.between(0.0005, 0.006) : 1 + dice.between(0.0005, 0.006)
  const across = side === "buy" ? 1.004 : 0.996
  const waitMs = dice.pick([0, 200, 1_000, 2_000])
  const common = { symbol, side, waitMs }
  switch (dice.integer(0, 6)) {
    case 0:
      return side === "buy"
        ? { ...common, type: "market", quoteAmount: decimal(worth, 2) }
        : { ...common, type: "market", quantity }
    case 1:
      return { ...common, type: "market", quantity, maxSlippageBps: 80 }
    case 2:
      return { ...common, type: "limitMaker", quantity, price: at(away) }
    case 3:
      return { ...common, type: "immediateOrCancel", quantity, price: at(across) }
    case 4:
      return { ...common, type: "fillOrKill", quantity, price: at(across) }
    default:
      return { ...common, type: "limit", quantity, price: at(away) }
  }
}

const limitsOf = (dice: Random): Body => ({
  user: {
    perDay: dice.pick([null, "2000", "5000"]),
    perWeek: null,
    perMonth: dice.pick([null, "9000"]),
    maxOpenOrders: dice.pick([null, 20, 60])
  },
  assets: dice.chance(0.4) ? [{ asset: "BTC", maxShare: null, maxPositionQuote: String(dice.integer(500, 3_000)) }] : []
})

/** Everything one user does in a run of this many milliseconds. */
export const actionsOf = (
  seed: number,
  user: number,
  dice: Random,
  rules: number,
  lasts: number,
  isCrowded: boolean
): ReadonlyArray<Action> => {
  const actions: Array<Action> = []
  const prices = new Map(markets.map((market) => [market.symbol, pricesOf(seed, market)]))
  const priceAt = (symbol: string, at: number) => prices.get(symbol)?.(at) ?? 1
  let made = 0
  const key = () => `chaos-${seed}-${user}-${String(++made).padStart(6, "0")}`
  const sent: Array<{ readonly key: string; readonly body: Body }> = []
  const add = (at: number, deed: Deed) => actions.push({ at: Math.round(at), user, deed })

  for (let index = 0; index < rules; index++)
    add(index * 120, { do: "rule", key: key(), body: ruleOf(index * 4 + user, dice, isCrowded) })
  let busyUntil = 0
  for (let at = 500; at < lasts; at += dice.between(250, 1_100)) {
    const roll = dice.next()
    const pick = dice.next()
    if (roll < 0.34) {
      const market = dice.pick(markets)
      const order = { key: key(), body: orderOf(dice, market, priceAt(market.symbol, at)) }
      sent.push(order)
      add(at, { do: "order", ...order })
    } else if (roll < 0.43) add(at, { do: "cancel", pick })
    else if (roll < 0.44)
      add(at, { do: "cancelAll", query: dice.pick(["symbol=BTCUSDT", "symbol=ETHUSDT", "all=true"]) })
    else if (roll < 0.46) {
      const earlier = sent[dice.integer(0, sent.length - 1)]
      if (earlier !== undefined) add(at, { do: dice.chance(0.7) ? "again" : "changed", ...earlier })
    } else if (roll < 0.475) add(at, { do: "close", key: key(), symbol: dice.pick(markets).symbol })
    else if (roll < 0.505 && at > busyUntil) {
      busyUntil = at + dice.between(500, 4_000)
      const scope = dice.pick(["entries", "all"])
      add(at, { do: "halt", body: { halted: true, scope, cancelOpen: dice.chance(0.6), reason: "chaos" } })
      add(busyUntil, { do: "halt", body: { halted: false } })
      busyUntil += 3_000
    } else if (roll < 0.525) add(at, { do: "limits", body: limitsOf(dice) })
    else if (roll < 0.54) add(at, { do: "rule", key: key(), body: ruleOf(dice.integer(0, 200), dice, isCrowded) })
    else if (roll < 0.55) add(at, { do: "edit", pick, key: key(), body: { name: `edited ${made}` } })
    else if (roll < 0.57) {
      add(at, { do: "pause", pick })
      add(at + dice.between(300, 3_000), { do: "resume", pick })
    } else if (roll < 0.61) add(at, { do: "run", pick, key: key() })
    else if (roll < 0.615) add(at, { do: "archive", pick })
    else add(at, { do: "read", path: dice.pick(reads), pick })
  }
  return actions
}
