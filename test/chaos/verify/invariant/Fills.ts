import { addTo, type Exact, plain, sum } from "../Exact.ts"
import type { VenueFill } from "../journal/Exchange.ts"
import { amount, flag, instant, type Json, object, text } from "../Reading.ts"
import type { Kept } from "../journal/Service.ts"
import type { Check, Pairing, Run, Violation } from "../Run.ts"

/**
 * I4, fills: each fill of the exchange is at the service once, under the order it belongs to, with the same price, amounts,
 * fee and time, and nothing else is; what an order executed and paid is the sum of its fills.
 */
export const fills: Check = function* (run) {
  for (const pairing of run.users) {
    yield* oneByOne(run, pairing)
    yield* perOrder(pairing)
  }
}

const oneByOne = function* (run: Run, { accountId, record }: Pairing): Iterable<Violation> {
  const kept = new Map<string, Kept<Json> & { readonly order: string }>()
  for (const fill of record.fills) {
    const id = text(fill.value, "tradeId")
    const before = kept.get(id)
    if (before !== undefined)
      yield { text: `the fill ${id} of ${record.user} is there twice`, lines: [before.line, fill.line] }
    kept.set(id, fill)
  }
  for (const fill of run.exchange.fills) {
    if (fill.accountId !== accountId) continue
    const found = kept.get(fill.tradeId)
    kept.delete(fill.tradeId)
    if (found === undefined) yield { text: `${record.user} has no fill ${fill.tradeId}`, lines: [fill.line] }
    else {
      const exchangeOrderId = record.byId.get(found.order)?.value.exchangeOrderId ?? null
      for (const what of differences(fill, found.value, exchangeOrderId))
        yield { text: `the fill ${fill.tradeId} has another ${what}`, lines: [fill.line, found.line] }
    }
  }
  for (const { line, value } of kept.values())
    yield { text: `the exchange has no fill ${text(value, "tradeId")} of ${record.user}`, lines: [line] }
}

const differences = (venue: VenueFill, ours: Json, exchangeOrderId: string | null): ReadonlyArray<string> => {
  const fee = object(ours, "fee")
  return [
    ...(exchangeOrderId === venue.orderId ? [] : ["order"]),
    ...(amount(ours, "price") === venue.price ? [] : ["price"]),
    ...(amount(ours, "quantity") === venue.quantity ? [] : ["quantity"]),
    ...(amount(ours, "quoteQuantity") === venue.quoteQuantity ? [] : ["quote quantity"]),
    ...(amount(fee, "amount") === venue.fee ? [] : ["fee"]),
    ...(text(fee, "asset") === venue.feeAsset ? [] : ["fee asset"]),
    ...(flag(ours, "maker") === venue.maker ? [] : ["role"]),
    ...(instant(ours, "at") === venue.at ? [] : ["time"])
  ]
}

const perOrder = function* ({ record }: Pairing): Iterable<Violation> {
  const byOrder = new Map<string, Array<Kept<Json>>>()
  for (const fill of record.fills) byOrder.set(fill.order, [...(byOrder.get(fill.order) ?? []), fill])
  for (const { line, value: order } of record.orders) {
    const its = byOrder.get(order.id) ?? []
    const lines = [line, ...its.map((fill) => fill.line)]
    const quantity = sum(its.map(({ value }) => amount(value, "quantity")))
    const quote = sum(its.map(({ value }) => amount(value, "quoteQuantity")))
    if (quantity !== order.executedQuantity)
      yield { text: `the fills of ${order.id} are ${plain(quantity)}, not ${plain(order.executedQuantity)}`, lines }
    if (quote !== order.executedQuote)
      yield { text: `the fills of ${order.id} are worth ${plain(quote)}, not ${plain(order.executedQuote)}`, lines }
    const fees = new Map<string, Exact>()
    for (const { value } of its)
      addTo(fees, text(object(value, "fee"), "asset"), amount(object(value, "fee"), "amount"))
    for (const asset of new Set([...fees.keys(), ...order.fees.keys()]))
      if ((fees.get(asset) ?? 0n) !== (order.fees.get(asset) ?? 0n))
        yield { text: `the fees of ${order.id} in ${asset} are not those of its fills`, lines }
  }
}
