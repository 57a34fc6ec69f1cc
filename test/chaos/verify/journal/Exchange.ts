import { addTo, type Exact } from "../Exact.ts"
import { amount, flag, type Json, number, object, objects, orNull, text, Unreadable } from "../Reading.ts"
import type { Line, Lines } from "./Lines.ts"
import type { Status } from "./Orders.ts"

export interface VenueFill {
  readonly line: Line
  readonly at: number
  readonly tradeId: string
  readonly orderId: string
  readonly accountId: string
  readonly symbol: string
  readonly side: string
  readonly price: Exact
  readonly quantity: Exact
  readonly quoteQuantity: Exact
  readonly fee: Exact
  readonly feeAsset: string
  readonly maker: boolean
}

export interface VenueOrder {
  readonly line: Line
  /** Place among all facts: the exchange's own order of things. */
  readonly n: number
  readonly at: number
  readonly id: string
  readonly accountId: string
  readonly clientOrderId: string | null
  readonly symbol: string
  readonly side: string
  readonly type: string
  readonly price: Exact
  readonly quantity: Exact
  readonly quoteAmount: Exact
  readonly quoteSized: boolean
  readonly baseAsset: string
  readonly quoteAsset: string
  readonly fills: Array<VenueFill>
  executedQuantity: Exact
  executedQuote: Exact
  status: Status
  /** When it ended: the place and time of the last fill or of the cancellation. */
  ended: { readonly n: number; readonly at: number } | null
}

export interface VenueAccount {
  readonly id: string
  readonly accessKey: string
  /** By asset, free and locked together. */
  readonly balances: Map<string, Exact>
}

/** E: what the exchange did, with its own sums at the end. */
export interface ExchangeRecord {
  readonly accounts: ReadonlyMap<string, VenueAccount>
  readonly orders: ReadonlyMap<string, VenueOrder>
  readonly fills: ReadonlyArray<VenueFill>
  /** Each pair's, oldest first. */
  readonly prices: ReadonlyMap<string, ReadonlyArray<Price>>
  readonly sums: Line
}

export interface Price {
  readonly line: Line
  readonly at: number
  readonly price: Exact
}

const worldly = ["ticked", "pairChanged", "mxDeductSet", "keyAdded", "keyChanged"]

export const exchangeOf = ({ lines }: Lines): ExchangeRecord => {
  const accounts = new Map<string, VenueAccount>()
  const orders = new Map<string, VenueOrder>()
  const fills: Array<VenueFill> = []
  const prices = new Map<string, Array<Price>>()
  const accountOf = (value: Json, line: Line) => {
    const account = accounts.get(text(value, "accountId"))
    if (account === undefined) throw new Unreadable(`${line.place} is of an account that was never opened`)
    return account
  }
  const orderAt = (value: Json, line: Line) => {
    const order = orders.get(text(value, "orderId"))
    if (order === undefined) throw new Unreadable(`${line.place} is of an order that was never accepted`)
    return order
  }
  const move = (line: Line, sign: 1n | -1n, name = "amount") =>
    addTo(accountOf(line.value, line).balances, text(line.value, "asset"), sign * amount(line.value, name))

  const fill = (line: Line, n: number) => {
    const fact = fillOf(line)
    const order = orderAt(line.value, line)
    const { balances } = accountOf(line.value, line)
    const sign = fact.side === "buy" ? 1n : -1n
    addTo(balances, order.baseAsset, sign * fact.quantity)
    addTo(balances, order.quoteAsset, -sign * fact.quoteQuantity)
    addTo(balances, fact.feeAsset, -fact.fee)
    fills.push(fact)
    order.fills.push(fact)
    order.executedQuantity += fact.quantity
    order.executedQuote += fact.quoteQuantity
    const done = order.executedQuantity === order.quantity
    order.status = done ? "filled" : "partiallyFilled"
    if (done) order.ended = { n, at: fact.at }
  }

  let sums: Line | null = null
  for (const [n, line] of lines.entries()) {
    const { value } = line
    if (sums !== null) throw new Unreadable(`${line.place} comes after the exchange's sums`)
    const tag = text(value, "_tag")
    if (tag === "accountOpened") {
      const id = text(value, "accountId")
      accounts.set(id, { id, accessKey: text(value, "accessKey"), balances: new Map() })
    } else if (tag === "deposited" || tag === "adjusted") move(line, 1n)
    else if (tag === "withdrawn") {
      move(line, -1n)
      if ("fee" in value) move(line, -1n, "fee")
    } else if (tag === "transferred") move(line, text(value, "to") === "SPOT" ? 1n : -1n)
    else if (tag === "orderAccepted") {
      const order = acceptedOf(line, n)
      accountOf(value, line)
      if (orders.has(order.id)) throw new Unreadable(`${line.place} accepts an order a second time`)
      orders.set(order.id, order)
    } else if (tag === "filled") fill(line, n)
    else if (tag === "orderClosed") {
      const order = orderAt(value, line)
      order.status = order.executedQuantity === 0n ? "cancelled" : "partiallyCancelled"
      order.ended = { n, at: number(value, "at") }
    } else if (tag === "marked") {
      const symbol = text(value, "symbol")
      const its = prices.get(symbol) ?? []
      its.push({ line, at: number(value, "at"), price: amount(value, "price") })
      prices.set(symbol, its)
    } else if (tag === "sums") sums = line
    else if (!worldly.includes(tag)) throw new Unreadable(`${line.place} is of an unknown kind "${tag}"`)
  }
  if (sums === null) throw new Unreadable("E ends without the exchange's sums")
  return { accounts, orders, fills, prices, sums }
}

const acceptedOf = (line: Line, n: number): VenueOrder => {
  const { value } = line
  return {
    line,
    n,
    at: number(value, "at"),
    id: text(value, "orderId"),
    accountId: text(value, "accountId"),
    clientOrderId: orNull(text, value, "clientOrderId"),
    symbol: text(value, "symbol"),
    side: text(value, "side"),
    type: text(value, "type"),
    price: amount(value, "price"),
    quantity: amount(value, "quantity"),
    quoteAmount: amount(value, "quoteAmount"),
    quoteSized: flag(value, "quoteSized"),
    baseAsset: text(value, "baseAsset"),
    quoteAsset: text(value, "quoteAsset"),
    fills: [],
    executedQuantity: 0n,
    executedQuote: 0n,
    status: "open",
    ended: null
  }
}

const fillOf = (line: Line): VenueFill => {
  const { value } = line
  return {
    line,
    at: number(value, "at"),
    tradeId: text(value, "tradeId"),
    orderId: text(value, "orderId"),
    accountId: text(value, "accountId"),
    symbol: text(value, "symbol"),
    side: text(value, "side"),
    price: amount(value, "price"),
    quantity: amount(value, "quantity"),
    quoteQuantity: amount(value, "quoteQuantity"),
    fee: amount(value, "fee"),
    feeAsset: text(value, "feeAsset"),
    maker: flag(value, "maker")
  }
}

/** What the exchange itself says each account has, free and locked together. */
export const toldBalances = ({ sums }: ExchangeRecord): ReadonlyMap<string, ReadonlyMap<string, Exact>> =>
  new Map(
    objects(object(sums.value, "accounts"), "accounts").map((account) => [
      text(account, "accountId"),
      new Map(
        objects(account, "balances").map((balance) => [
          text(balance, "asset"),
          amount(balance, "free") + amount(balance, "locked")
        ])
      )
    ])
  )
