import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { ackFacts, orderFacts } from "../../../src/domain/order/OrderState.ts"
import { isTerminal } from "../../../src/domain/order/Order.ts"
import { reason } from "../../../src/domain/Reason.ts"
import { advance, rejected, unknown } from "../../../src/orders/record/advance.ts"
import type { FillRow, OrderRow } from "../../../src/orders/record/OrderRow.ts"
import { expected, type Look, type Message } from "../kit/OrderModel.ts"
import { ann, btc, d, newIntent, pair, told } from "../kit/orders.ts"

/** Everything that can be heard of one order of three: pushes, answers, fills, two ways to end, and our own doubts. */
const declared: ReadonlyArray<Message> = [
  { type: "ack" },
  { type: "told", status: "open", executed: 0, quote: 0, at: 1 },
  { type: "fill", id: "a", quantity: 1, price: 10, at: 2 },
  { type: "told", status: "partiallyFilled", executed: 1, quote: 10, at: 2 },
  { type: "fill", id: "b", quantity: 1, price: 9, at: 3 },
  { type: "fill", id: "c", quantity: 1, price: 8, at: 4 },
  { type: "told", status: "filled", executed: 3, quote: 27, at: 4 },
  { type: "told", status: "partiallyCancelled", executed: 2, quote: 19, at: 6 },
  { type: "told", status: "cancelled", executed: 0, quote: 0, at: 5 },
  { type: "told", status: "unrecognised", executed: 2, quote: 19, at: 7 },
  { type: "lost" },
  { type: "absent" }
]
const longest = 8

interface Stored {
  readonly row: OrderRow
  readonly fills: ReadonlyArray<FillRow>
}

const fillRow = (row: OrderRow, fill: Extract<Message, { type: "fill" }>): FillRow => ({
  user_id: ann,
  symbol: btc,
  trade_id: fill.id,
  order_id: row.order_id,
  exchange_order_id: "C1",
  book: "manual",
  base_asset: pair.baseAsset,
  quote_asset: pair.quoteAsset,
  side: "buy",
  price: d(String(fill.price)),
  quantity: d(String(fill.quantity)),
  quote_quantity: d(String(fill.price * fill.quantity)),
  fee_asset: "USDT",
  fee_amount: Decimal.one,
  maker: false,
  at: fill.at
})

/** One message as the repository applies it; null when it changes nothing. */
const hear = ({ fills, row }: Stored, message: Message): Stored | null => {
  switch (message.type) {
    case "fill": {
      const known = fills.some(({ trade_id: id }) => id === message.id)
      const kept = known ? fills : [...fills, fillRow(row, message)]
      const next = advance(row, kept, ackFacts("C1", message.at), 0)
      return next === null && known ? null : { row: next ?? row, fills: kept }
    }
    case "lost":
    case "absent": {
      const next = message.type === "lost" ? unknown(row, 0, 0) : rejected(row, { reason: reason("NOT_PLACED") }, 99)
      return next === null ? null : { row: next, fills }
    }
    default: {
      const { executed, quote, ...rest } = message.type === "told" ? message : { executed: 0, quote: 0 }
      const facts =
        "status" in rest
          ? orderFacts(told(1, rest.status, String(executed), String(quote), { at: rest.at }))
          : ackFacts("C1", 1)
      const next = advance(row, fills, facts, 0)
      return next === null ? null : { row: next, fills }
    }
  }
}

const lookOf = ({ row }: Stored): Look => ({
  status: row.status,
  executed: Decimal.toNumber(row.executed_quantity),
  quote: Decimal.toNumber(row.executed_quote),
  fees: Decimal.toNumber(Decimal.sum(row.fees.map(({ amount }) => amount))),
  explained: row.explained,
  endedAt: row.terminal_at
})

/** All that later messages can depend on; `version` and `updated_at` count changes and decide nothing. */
const keyOf = ({ fills, row }: Stored): string =>
  JSON.stringify([
    lookOf({ fills, row }),
    row.exchange_order_id,
    row.held_at,
    Decimal.format(row.told_quantity),
    Decimal.format(row.told_quote),
    row.closed,
    row.closed_at,
    row.unknown_since,
    row.reject_reason?.code,
    fills.map(({ trade_id: id }) => id).sort()
  ])

interface Node {
  readonly stored: Stored
  readonly heard: ReadonlySet<Message>
  readonly next: Array<string>
}

/**
 * Follows every sequence of up to eight of the declared messages, repetitions included. Two sequences that stored the
 * same and were heard as the same set go on alike, so they are followed once: an implementation whose state depends on
 * the order of arrival has more states, and each of them is compared. The sequences are counted over the same graph.
 */
const walk = (intent: OrderRow, asked: number | null) => {
  const nodes = new Map<string, Node>([["", { stored: { row: intent, fills: [] }, heard: new Set(), next: [] }]])
  const differences: Array<string> = []

  const follow = ({ heard, stored }: Node, message: Message): string => {
    const changed = hear(stored, message)
    const after = changed ?? stored
    const both = new Set([...heard, message])
    const said = JSON.stringify(message)
    if (heard.has(message) && changed !== null) differences.push(`heard twice, changed again: ${said}`)
    if (isTerminal(stored.row.status) && stored.row.status !== "rejected" && !isTerminal(after.row.status))
      differences.push(`came back to life: ${said}`)
    const key = `${declared.map((one) => (both.has(one) ? "1" : "0")).join("")} ${keyOf(after)}`
    if (nodes.has(key)) return key
    nodes.set(key, { stored: after, heard: both, next: [] })
    const [is, should] = [JSON.stringify(lookOf(after)), JSON.stringify(expected([...both], asked))]
    if (is !== should) differences.push(`${JSON.stringify([...both])}: ${is} instead of ${should}`)
    return key
  }

  let sequences = 1
  let ways = new Map([["", 1]])
  for (let length = 1; length <= longest; length++) {
    const longer = new Map<string, number>()
    for (const [key, count] of ways) {
      const node = nodes.get(key)
      if (node === undefined) continue
      if (node.next.length === 0) node.next.push(...declared.map((message) => follow(node, message)))
      for (const next of node.next) longer.set(next, (longer.get(next) ?? 0) + count)
    }
    for (const count of longer.values()) sequences += count
    ways = longer
  }
  return { differences, sequences, states: nodes.size }
}

describe("an order", () => {
  for (const [name, quantity, asked] of [
    ["sized in base", d("3"), 3],
    ["sized in quote", null, null]
  ] as const)
    it.effect(`looks like the model after any eight messages, repeated, late or in any order: ${name}`, () =>
      Effect.gen(function* () {
        const intent = yield* newIntent(1, { quantity, sent_at: 1 })
        const { differences, sequences, states } = walk(intent, asked)
        assert.deepEqual(differences.slice(0, 5), [])
        // Σ 12^k for k ≤ 8: nothing was left out.
        assert.strictEqual(sequences, (12 ** (longest + 1) - 1) / 11)
        assert.isAbove(states, 3_000)
      })
    )
})
