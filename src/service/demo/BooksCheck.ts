import * as Decimal from "../../domain/Decimal.ts"
import type { Fill, Order } from "../../domain/order/Order.ts"
import type { Position } from "../../domain/Position.ts"
import type { WalletAsset } from "../../domain/Wallet.ts"
import type { Fact, Filled } from "../../paper/engine/Facts.ts"

/** What the service says of one user, read through its API. */
export interface OurBooks {
  readonly orders: ReadonlyArray<Order>
  readonly fills: ReadonlyArray<Fill>
  readonly positions: ReadonlyArray<Position>
  readonly assets: ReadonlyArray<WalletAsset>
}

/** One comparison of our books with the exchange's journal. */
export interface CheckLine {
  readonly label: string
  readonly ours: string
  readonly exchange: string
  readonly holds: boolean
}

/** Base and quote of a traded pair, by the positions' and the wallet's own names. */
export interface Pair {
  readonly symbol: string
  readonly baseAsset: string
  readonly quoteAsset: string
}

type Totals = Map<string, Decimal.Decimal>

const move = (totals: Totals, asset: string, amount: Decimal.Decimal) =>
  totals.set(asset, Decimal.add(totals.get(asset) ?? Decimal.zero, amount))

/** Folds the journal of one account by itself: nothing of the service's own arithmetic is used on this side. */
const totalsOf = (facts: ReadonlyArray<Fact>, pairs: ReadonlyArray<Pair>): Totals => {
  const totals: Totals = new Map()
  for (const fact of facts) {
    if (fact._tag === "deposited") move(totals, fact.asset, fact.amount)
    if (fact._tag === "withdrawn") move(totals, fact.asset, Decimal.negate(fact.amount))
    const pair = isFill(fact) ? pairs.find((candidate) => candidate.symbol === fact.symbol) : undefined
    if (!isFill(fact) || pair === undefined) continue
    const sign = fact.side === "buy" ? Decimal.one : Decimal.negate(Decimal.one)
    move(totals, pair.baseAsset, Decimal.multiply(sign, fact.quantity))
    move(totals, pair.quoteAsset, Decimal.negate(Decimal.multiply(sign, fact.quoteQuantity)))
    move(totals, fact.feeAsset, Decimal.negate(fact.fee))
  }
  return totals
}

const isFill = (fact: Fact): fact is Filled => fact._tag === "filled"

const sorted = (texts: Iterable<string>): string => [...texts].sort().join(" ")

const line = (label: string, ours: string, exchange: string): CheckLine => ({
  label,
  ours,
  exchange,
  holds: ours === exchange
})

/** The same for two lists: what is shown is the count, what is compared is every item. */
const lists = (label: string, ours: ReadonlyArray<string>, exchange: ReadonlyArray<string>): CheckLine => ({
  label,
  ours: String(ours.length),
  exchange: String(exchange.length),
  holds: sorted(ours) === sorted(exchange)
})

/** Compares orders, fills, balances and positions, item by item. `facts` are those of the one account. */
export const checkBooks = (
  ours: OurBooks,
  facts: ReadonlyArray<Fact>,
  pairs: ReadonlyArray<Pair>
): ReadonlyArray<CheckLine> => {
  const fills = facts.filter(isFill)
  const accepted = facts.flatMap((fact) => (fact._tag === "orderAccepted" ? [fact] : []))
  const totals = totalsOf(facts, pairs)
  const balances = [...totals].map(([asset, total]) =>
    line(
      `${asset} total`,
      Decimal.format(ours.assets.find((held) => held.asset === asset)?.total ?? Decimal.zero),
      Decimal.format(total)
    )
  )
  const positions = pairs.map((pair) =>
    line(
      `${pair.symbol} position`,
      Decimal.format(ours.positions.find((held) => held.symbol === pair.symbol)?.quantity ?? Decimal.zero),
      Decimal.format(totals.get(pair.baseAsset) ?? Decimal.zero)
    )
  )
  return [
    lists(
      "orders, each client id once",
      ours.orders.filter((order) => order.exchangeOrderId !== null).map((order) => order.clientOrderId),
      accepted.map((order) => order.clientOrderId ?? "")
    ),
    lists(
      "fills, by trade id, price and quantity",
      ours.fills.map((fill) => `${fill.tradeId}:${Decimal.format(fill.price)}:${Decimal.format(fill.quantity)}`),
      fills.map((fill) => `${fill.tradeId}:${Decimal.format(fill.price)}:${Decimal.format(fill.quantity)}`)
    ),
    ...balances,
    ...positions
  ]
}
