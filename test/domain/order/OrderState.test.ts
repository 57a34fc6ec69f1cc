import { assert, describe, it } from "@effect/vitest"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import type { VenueFill, VenueOrder } from "../../../src/domain/order/Order.ts"
import {
  ackFacts,
  fillFacts,
  join,
  noFacts,
  orderFacts,
  readOrder,
  type OrderFacts,
  type OrderReading
} from "../../../src/domain/order/OrderState.ts"

const d = Decimal.unsafe
const symbol = SymbolName.make("BTCUSDT")

const told = (status: VenueOrder["status"], executed: string, quote: string, at: number): OrderFacts =>
  orderFacts({
    symbol,
    exchangeOrderId: "C01",
    clientOrderId: "dp1",
    side: "buy",
    type: "limit",
    status,
    price: d("10"),
    quantity: d("3"),
    quoteAmount: null,
    executedQuantity: d(executed),
    executedQuote: d(quote),
    createdAt: 1,
    at
  })

const fill = (tradeId: string, quantity: string, price: string, at: number): OrderFacts => {
  const one: VenueFill = {
    symbol,
    tradeId,
    exchangeOrderId: "C01",
    clientOrderId: null,
    side: "buy",
    price: d(price),
    quantity: d(quantity),
    quoteQuantity: Decimal.multiply(d(quantity), d(price)),
    fee: { asset: "USDT", amount: d("0.01") },
    maker: false,
    at
  }
  return fillFacts(one)
}

/** Everything the venue may say of one order, in the order it happened. */
const stories: Record<string, { readonly messages: ReadonlyArray<OrderFacts>; readonly ends: string }> = {
  "filled in two parts": {
    messages: [
      ackFacts("C01", 1),
      told("open", "0", "0", 1),
      fill("t1", "1", "10", 2),
      told("partiallyFilled", "1", "10", 2),
      fill("t2", "2", "9", 3),
      told("filled", "3", "28", 3)
    ],
    ends: "filled 3 28 fees 0.02 at 3"
  },
  "cancelled with a part filled": {
    messages: [
      ackFacts("C01", 1),
      told("open", "0", "0", 1),
      fill("t1", "1", "10", 2),
      told("partiallyFilled", "1", "10", 2),
      told("partiallyCancelled", "1", "10", 4)
    ],
    ends: "partiallyCancelled 1 10 fees 0.01 at 4"
  },
  "cancelled untouched": {
    messages: [
      ackFacts("C01", 1),
      told("open", "0", "0", 1),
      told("cancelled", "0", "0", 5),
      told("cancelled", "0", "0", 5)
    ],
    ends: "cancelled 0 0 fees 0 at 5"
  },
  "told under a word nobody knows, then cancelled": {
    messages: [
      ackFacts("C01", 1),
      told("unrecognised", "1", "10", 3),
      told("unrecognised", "0", "0", 9),
      told("partiallyCancelled", "1", "10", 4)
    ],
    ends: "partiallyCancelled 1 10 fees 0 at 4"
  },
  "only ever told under a word nobody knows": {
    messages: [ackFacts("C01", 1), told("unrecognised", "0", "0", 3), told("unrecognised", "1", "10", 9)],
    ends: "partiallyFilled 1 10 fees 0 at "
  },
  "filled, told by fills alone": {
    messages: [fill("u1", "1", "10", 2), fill("u2", "1", "10", 3), fill("u3", "1", "10", 4)],
    ends: "filled 3 30 fees 0.03 at 4"
  },
  "filled, told by order messages alone": {
    messages: [told("open", "0", "0", 1), told("partiallyFilled", "1", "10", 2), told("filled", "3", "28", 3)],
    ends: "filled 3 28 fees 0 at 3"
  }
}

const show = (reading: OrderReading): string =>
  [
    reading.status,
    Decimal.format(reading.executedQuantity),
    Decimal.format(reading.executedQuote),
    "fees",
    Decimal.format(Decimal.sum(reading.fees.map((fee) => fee.amount))),
    "at",
    reading.terminalAt
  ].join(" ")

const permutations = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) =>
        permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest])
      )

const ended = (reading: OrderReading): boolean => reading.terminalAt !== null
const asked = d("3")

describe("the state of an order", () => {
  for (const [name, { messages, ends }] of Object.entries(stories)) {
    it(`comes out the same in every order of arrival, with any message twice: ${name}`, () => {
      let sequences = 0
      for (const twice of messages) {
        for (const arrival of permutations([...messages, twice])) {
          let facts = noFacts
          let before = readOrder(facts, asked)
          for (const message of arrival) {
            facts = join(facts, message)
            const now = readOrder(facts, asked)
            if (ended(before)) assert.isTrue(ended(now), "an order that had finished came back to life")
            assert.isTrue(
              Decimal.greaterOrEqual(now.executedQuantity, before.executedQuantity),
              "an execution vanished"
            )
            before = now
          }
          assert.strictEqual(show(before), ends)
          sequences += 1
        }
      }
      assert.isAbove(sequences, 10)
    })
  }

  it("joins in any grouping", () => {
    const all = Object.values(stories).flatMap((story) => story.messages)
    for (const a of all)
      for (const b of all)
        for (const c of all.slice(0, 6)) {
          const left = join(join(a, b), c)
          const right = join(a, join(b, c))
          assert.strictEqual(show(readOrder(left, asked)), show(readOrder(right, asked)))
          assert.strictEqual(show(readOrder(join(left, left), asked)), show(readOrder(left, asked)))
          assert.strictEqual(show(readOrder(join(b, a), asked)), show(readOrder(join(a, b), asked)))
        }
  })

  it("says when fills are missing for what the order message told", () => {
    const facts = join(told("filled", "3", "28", 3), fill("t1", "1", "10", 2))
    assert.isFalse(readOrder(facts, asked).explained)
    assert.isTrue(readOrder(join(facts, fill("t2", "2", "9", 3)), asked).explained)
  })

  it("lets a quote-sized market order end filled below its amount", () => {
    const reading = readOrder(told("filled", "2.9", "27.7", 3), null)
    assert.strictEqual(reading.status, "filled")
  })
})
