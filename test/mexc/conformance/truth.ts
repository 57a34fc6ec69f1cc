import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { Json, makeClient } from "../../paper/kit/SignedClient.ts"
import { credentials } from "./world.ts"

type Operator = ReturnType<typeof makeClient>

export interface TrueOrder {
  readonly orderId: string
  readonly clientOrderId: string | null
  readonly status: string
  readonly executedQuantity: string
  readonly executedQuote: string
  readonly tradeIds: ReadonlyArray<string>
}

/** What the exchange's own record says of our account. */
export interface Truth {
  readonly orders: ReadonlyArray<TrueOrder>
  readonly tradeIds: ReadonlyArray<string>
  /** Free and locked together, by adding up the record. */
  readonly totals: ReadonlyMap<string, string>
}

const amount = (text: string) => Decimal.unsafe(text)
const sumOf = (facts: ReadonlyArray<Json>, field: string) =>
  Decimal.sum(facts.map((fact): Decimal.Decimal => amount(fact[field])))

/** A quote-sized order is complete when it was not closed: the exchange closes what it cannot spend. */
const statusOf = (order: Json, fills: ReadonlyArray<Json>, isClosed: boolean): string => {
  if (isClosed) return fills.length === 0 ? "cancelled" : "partiallyCancelled"
  if (fills.length === 0) return "open"
  const isComplete = order.quoteSized || Decimal.equals(sumOf(fills, "quantity"), amount(order.quantity))
  return isComplete ? "filled" : "partiallyFilled"
}

const totalsOf = (facts: ReadonlyArray<Json>, orders: ReadonlyMap<string, Json>): ReadonlyMap<string, string> => {
  const totals = new Map<string, Decimal.Decimal>()
  const add = (asset: string, by: Decimal.Decimal) =>
    void totals.set(asset, Decimal.add(totals.get(asset) ?? Decimal.zero, by))
  for (const fact of facts) {
    if (fact._tag === "deposited" || fact._tag === "adjusted") add(fact.asset, amount(fact.amount))
    if (fact._tag !== "filled") continue
    const { baseAsset, quoteAsset } = orders.get(fact.orderId)
    const isBuy = fact.side === "buy"
    add(baseAsset, isBuy ? amount(fact.quantity) : Decimal.negate(amount(fact.quantity)))
    add(quoteAsset, isBuy ? Decimal.negate(amount(fact.quoteQuantity)) : amount(fact.quoteQuantity))
    add(fact.feeAsset, Decimal.negate(amount(fact.fee)))
  }
  return new Map([...totals].map(([asset, total]) => [asset, Decimal.format(total)]))
}

/** Reads the journal without the exchange's code: one JSON object a line. */
export const truthOf = (operator: Operator): Effect.Effect<Truth> =>
  Effect.map(operator.control("GET", "/paper/v1/journal"), ({ body }) => {
    const facts: ReadonlyArray<Json> = String(body)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line))
    const accountId: string = facts.find((fact) => fact.accessKey === credentials.accessKey).accountId
    const ours = facts.filter((fact) => fact.accountId === accountId)
    const closed = new Set(facts.filter((fact) => fact._tag === "orderClosed").map((fact) => fact.orderId))
    const accepted = ours.filter((fact) => fact._tag === "orderAccepted")
    const filled = ours.filter((fact) => fact._tag === "filled")
    return {
      orders: accepted.map((order): TrueOrder => {
        const fills = filled.filter(({ orderId }) => orderId === order.orderId)
        return {
          orderId: order.orderId,
          clientOrderId: order.clientOrderId,
          status: statusOf(order, fills, closed.has(order.orderId)),
          executedQuantity: Decimal.format(sumOf(fills, "quantity")),
          executedQuote: Decimal.format(sumOf(fills, "quoteQuantity")),
          tradeIds: fills.map(({ tradeId }) => tradeId).sort()
        }
      }),
      tradeIds: filled.map(({ tradeId }) => tradeId).sort(),
      totals: totalsOf(ours, new Map(accepted.map((order) => [order.orderId, order])))
    }
  })
