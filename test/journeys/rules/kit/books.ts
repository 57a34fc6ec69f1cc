import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import type { RuleId } from "../../../../src/domain/Ids.ts"
import { Execution } from "../../../../src/domain/order/Execution.ts"
import { isTerminal, Order } from "../../../../src/domain/order/Order.ts"
import type { Stage } from "./stage.ts"

const text = Decimal.format
const encodeOrder = Schema.encodeSync(Order)
const encodeExecution = Schema.encodeSync(Execution)
const amountOf = (value: unknown) => Decimal.unsafe(String(value))

type Fact = Readonly<Record<string, unknown>>
const only = (journal: ReadonlyArray<Fact>, tag: string) => journal.filter((fact) => fact["_tag"] === tag)

/** What the exchange's own journal adds up to, asset by asset. */
export const balancesOf = (journal: ReadonlyArray<Fact>): ReadonlyMap<string, Decimal.Decimal> => {
  const balances = new Map<string, Decimal.Decimal>()
  const add = (asset: unknown, amount: Decimal.Decimal) =>
    balances.set(String(asset), Decimal.add(balances.get(String(asset)) ?? Decimal.zero, amount))
  const orders = new Map(only(journal, "orderAccepted").map((fact) => [fact["orderId"], fact]))
  for (const fact of only(journal, "deposited")) add(fact["asset"], amountOf(fact["amount"]))
  for (const fact of only(journal, "withdrawn")) add(fact["asset"], Decimal.negate(amountOf(fact["amount"])))
  for (const fact of only(journal, "filled")) {
    const order = orders.get(fact["orderId"])
    const [base, quote] = [amountOf(fact["quantity"]), amountOf(fact["quoteQuantity"])]
    const isBuy = fact["side"] === "buy"
    add(order?.["baseAsset"], isBuy ? base : Decimal.negate(base))
    add(order?.["quoteAsset"], isBuy ? Decimal.negate(quote) : quote)
    add(fact["feeAsset"], Decimal.negate(amountOf(fact["fee"])))
  }
  return balances
}

const byName = (entries: Iterable<readonly [string, Decimal.Decimal]>) =>
  Object.fromEntries(
    [...entries]
      .filter(([, amount]) => !Decimal.isZero(amount))
      .map(([name, amount]) => [name, text(amount)] as const)
      .sort(([a], [b]) => a.localeCompare(b))
  )

/** The exchange's journal, our orders, wallet, ledger, positions and events all tell the same story. */
export const agree = Effect.fnUntraced(function* (
  { api, becomes, events, paper, quiet, sequence }: Stage,
  ruleId: RuleId
) {
  yield* quiet
  const journal = yield* paper.journal
  const { items: orders } = yield* api.trading.listOrders({ urlParams: { limit: 500 } })

  const accepted = only(journal, "orderAccepted").map((fact) => String(fact["clientOrderId"]))
  assert.strictEqual(new Set(accepted).size, accepted.length, "no order twice")
  assert.deepStrictEqual(
    orders.flatMap(({ clientOrderId, exchangeOrderId }) => (exchangeOrderId === null ? [] : [clientOrderId])).sort(),
    accepted.toSorted(),
    "an order is in both books or in neither"
  )
  const fillsOf = (clientOrderId: string, field: string) =>
    Decimal.sum(
      only(journal, "filled")
        .filter((fact) => fact["clientOrderId"] === clientOrderId)
        .map((fact) => amountOf(fact[field]))
    )
  for (const order of orders) {
    assert.strictEqual(text(order.executedQuantity), text(fillsOf(order.clientOrderId, "quantity")))
    assert.strictEqual(text(order.executedQuote), text(fillsOf(order.clientOrderId, "quoteQuantity")))
  }

  const balances = byName(balancesOf(journal))
  const wallet = yield* api.account.refreshWallet()
  assert.deepStrictEqual(byName(wallet.assets.map(({ asset, total }) => [asset, total])), balances, "the wallet")
  // What came and went is asked of the venue's histories, once the balances have shown it.
  const booked = Effect.gen(function* () {
    yield* api.account.refreshWallet()
    const { items } = yield* api.account.listTransactions({ urlParams: { limit: 500 } })
    const ledger = new Map<string, Decimal.Decimal>()
    for (const { amount, asset } of items) ledger.set(asset, Decimal.add(ledger.get(asset) ?? Decimal.zero, amount))
    return byName(ledger)
  })
  yield* becomes("the ledger", booked, (ledger) => isDeepStrictEqual(ledger, balances))

  const { items: positions } = yield* api.trading.listPositions()
  for (const { books, quantity, symbol } of positions) {
    const base = symbol.replace(/USDT$/, "")
    assert.strictEqual(text(quantity), balances[base] ?? "0", "the position")
    assert.strictEqual(text(Decimal.sum(books.map((book) => book.quantity))), text(quantity), "its books")
  }

  const { items: executions } = yield* api.trading.listRuleExecutions({ path: { id: ruleId }, urlParams: {} })
  const told = events.map(({ seq }) => seq)
  assert.deepStrictEqual(
    told,
    Array.from({ length: yield* sequence }, (_, i) => i + 1),
    "events without gap or repetition"
  )
  const last = (type: string, id: string) => events.findLast((one) => one.type === type && one.objectId === id)
  for (const order of orders) {
    const event = last("order.changed", order.id)
    if (event?.type !== "order.changed") return assert.fail(`no event of ${order.id}`)
    assert.deepStrictEqual(encodeOrder(event.data), encodeOrder(order), "the last event of an order is the order")
  }
  for (const execution of executions) {
    const event = last("execution.changed", execution.id)
    if (event?.type !== "execution.changed") return assert.fail(`no event of ${execution.id}`)
    assert.deepStrictEqual(encodeExecution(event.data), encodeExecution(execution), "so it is of an execution")
  }
  assert.deepStrictEqual(
    executions.flatMap((execution) => execution.orders).sort(),
    orders
      .filter(({ origin }) => origin.ruleId === ruleId)
      .map(({ id }) => id)
      .sort()
  )
  return { orders, balances, journal, open: orders.filter(({ status }) => !isTerminal(status)) }
})
