import { addTo, type Exact, plain } from "../Exact.ts"
import { amount, flag, objects, text } from "../Reading.ts"
import type { Check, Violation } from "../Run.ts"

/**
 * I5, the books of rules: what a rule's book holds is what the exchange filled of the orders of that book, and at no time
 * had they sold more than they had bought. Left out are books
 * that others took from, of which an event tells, and those of archived rules, whose lots may have been handed on.
 */
export const ruleBooks: Check = function* ({ exchange, users }) {
  for (const { record } of users) {
    const { events, orders, positions, rules, user, wallet } = record
    const names = new Map(orders.map(({ value }) => [value.exchangeOrderId, `${value.symbol} ${value.book}`] as const))
    const expected = new Map<string, Exact>()
    const oversold = new Map<string, Violation>()
    for (const fill of exchange.fills) {
      const name = names.get(fill.orderId)
      if (name === undefined) continue
      const isBaseFee = fill.feeAsset === exchange.orders.get(fill.orderId)?.baseAsset
      addTo(expected, name, (fill.side === "buy" ? fill.quantity : -fill.quantity) - (isBaseFee ? fill.fee : 0n))
      if ((expected.get(name) ?? 0n) < 0n)
        oversold.set(name, { text: `the book ${name} of ${user} sold more than it had`, lines: [fill.line] })
    }
    const held = new Map<string, Exact>()
    for (const position of positions) {
      if (flag(position, "incomplete")) continue
      for (const book of objects(position, "books"))
        held.set(`${text(position, "symbol")} ${text(book, "book")}`, amount(book, "quantity"))
    }
    const excused = new Set([
      ...rules.filter(({ value }) => value.state === "archived").map(({ value }) => `rule:${value.id}`),
      ...events.filter(({ value }) => value.type === "ledger.adjusted").map(({ value }) => text(value.data, "book"))
    ])
    const complete = new Set(positions.filter((each) => !flag(each, "incomplete")).map((each) => text(each, "symbol")))
    for (const name of new Set([...expected.keys(), ...held.keys()])) {
      const [symbol = "", book = ""] = name.split(" ")
      if (book === "manual" || excused.has(book) || !complete.has(symbol)) continue
      const wrong = oversold.get(name)
      if (wrong !== undefined) yield wrong
      const is = held.get(name) ?? 0n
      const should = expected.get(name) ?? 0n
      if (is !== should)
        yield {
          text: `the book ${name} of ${user} has ${plain(is)}, its fills make ${plain(should)}`,
          lines: [wallet.line]
        }
    }
  }
}
