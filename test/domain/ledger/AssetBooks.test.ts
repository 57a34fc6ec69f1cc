import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { applyEvent, type AssetBooks, bookKey, type LotEvent } from "../../../src/domain/ledger/AssetBooks.ts"
import { type CostBasis, costOf, quantityOf } from "../../../src/domain/ledger/CostBasis.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import type { BookName } from "../../../src/domain/order/Order.ts"

const d = Decimal.unsafe
const text = Decimal.format
const btc = SymbolName.make("BTCUSDT")
const usdc = SymbolName.make("BTCUSDC")

const got = (book: BookName, quantity: string, cost: string, symbol = btc): LotEvent => ({
  type: "acquired",
  symbol,
  book,
  quantity: d(quantity),
  cost: d(cost),
  fees: Decimal.zero,
  incomplete: false,
  bought: null
})

const gone = (book: BookName, quantity: string, proceeds: string | null = null, symbol = btc): LotEvent => ({
  type: "left",
  symbol,
  book,
  quantity: d(quantity),
  proceeds: proceeds === null ? null : d(proceeds),
  fees: Decimal.zero,
  incomplete: false
})

const fold = (events: ReadonlyArray<LotEvent>, basis: CostBasis = "average"): AssetBooks => {
  const books: AssetBooks = new Map()
  for (const event of events) applyEvent(books, event, basis)
  return books
}

const shown = (books: AssetBooks) =>
  Object.fromEntries(
    [...books.values()].map((state) => [
      state.symbol === btc ? state.book : bookKey(state),
      [quantityOf(state.lots), costOf(state.lots), state.realisedPnl, state.taken, state.missing].map(text).join(" ")
    ])
  )

describe("the books of an asset", () => {
  it("take a sale from its own book and leave the others alone", () => {
    const books = fold([got("manual", "2", "200"), got("rule:a", "1", "50"), gone("rule:a", "0.5", "40")])
    assert.deepEqual(shown(books), { manual: "2 200 0 0 0", "rule:a": "0.5 25 15 0 0" })
  })

  it("take what was sold elsewhere from the manual book first, then from the rules in proportion", () => {
    const held = [got("manual", "1", "100"), got("rule:a", "3", "300"), got("rule:b", "1", "50")]
    assert.deepEqual(shown(fold([...held, gone("manual", "0.4")])), {
      manual: "0.6 60 0 0 0",
      "rule:a": "3 300 0 0 0",
      "rule:b": "1 50 0 0 0"
    })
    // 2 of the 4 that rules hold: 1.5 and 0.5. What was withdrawn realises nothing.
    assert.deepEqual(shown(fold([...held, gone("manual", "3")])), {
      manual: "0 0 0 0 0",
      "rule:a": "1.5 150 0 1.5 0",
      "rule:b": "0.5 25 0 0.5 0"
    })
    // A sale of 3 at 120: a third of the proceeds belongs to each unit sold.
    assert.deepEqual(shown(fold([...held, gone("manual", "3", "360")])), {
      manual: "0 0 20 0 0",
      "rule:a": "1.5 150 30 1.5 0",
      "rule:b": "0.5 25 35 0.5 0"
    })
  })

  it("let a rule that sells beyond its book take the manual one before it touches another rule", () => {
    const held = [got("manual", "1", "100"), got("rule:a", "1", "100"), got("rule:b", "1", "50")]
    assert.deepEqual(shown(fold([...held, gone("rule:a", "2.5", "250")])), {
      manual: "0 0 0 0 0",
      "rule:a": "0 0 0 0 0",
      "rule:b": "0.5 25 25 0.5 0"
    })
  })

  it("note what nobody had as missing, at no cost, and never go below zero", () => {
    const books = fold([got("manual", "1", "10"), gone("manual", "3", "60")])
    assert.deepEqual(shown(books), { manual: "0 0 50 0 2" })
    assert.isTrue(books.get(bookKey({ symbol: btc, book: "manual" }))?.incomplete)
  })

  it("never realise proceeds of one currency on a cost in another", () => {
    const books = fold([got("manual", "1", "100"), gone("manual", "1", "90", usdc)])
    assert.deepEqual(shown(books), { manual: "0 0 0 0 0" })
    assert.isTrue(books.get(bookKey({ symbol: btc, book: "manual" }))?.incomplete)
  })

  it("release the oldest lots first where the owner wants it so", () => {
    const events = [got("manual", "1", "10"), got("manual", "1", "30"), gone("manual", "1.5", "60")]
    assert.deepEqual(shown(fold(events, "fifo")), { manual: "0.5 15 35 0 0" })
    assert.deepEqual(shown(fold(events, "average")), { manual: "0.5 10 30 0 0" })
  })

  it("conserve every unit and every cost, whatever comes and leaves", () => {
    const books = FastCheck.constantFrom<BookName>("manual", "rule:a", "rule:b", "rule:c")
    const size = FastCheck.integer({ min: 1, max: 9_999 }).map((n) =>
      Decimal.format(Decimal.divide(d(String(n)), d("1000"), 3))
    )
    const step = FastCheck.record({
      book: books,
      quantity: size,
      money: size,
      comes: FastCheck.boolean(),
      sold: FastCheck.boolean()
    })
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(step, { maxLength: 40 }),
        FastCheck.constantFrom<CostBasis>("average", "fifo"),
        (steps, basis) => {
          const state: AssetBooks = new Map()
          let units = Decimal.zero
          let paid = Decimal.zero
          let received = Decimal.zero
          for (const { book, comes, money, quantity, sold } of steps) {
            const all = () => [...state.values()]
            const before = Decimal.sum(all().map(({ lots }) => costOf(lots)))
            const missing = Decimal.sum(all().map((one) => one.missing))
            applyEvent(state, comes ? got(book, quantity, money) : gone(book, quantity, sold ? money : null), basis)
            const known = Decimal.subtract(Decimal.sum(all().map((one) => one.missing)), missing)
            units = comes ? Decimal.add(units, d(quantity)) : Decimal.add(Decimal.subtract(units, d(quantity)), known)
            assert.strictEqual(text(Decimal.sum(all().map(({ lots }) => quantityOf(lots)))), text(units))
            for (const { lots, realisedPnl, taken } of all()) {
              assert.isTrue(lots.every((lot) => !Decimal.isNegative(lot.quantity) && !Decimal.isNegative(lot.cost)))
              assert.isFalse(Decimal.isNegative(taken))
              if (lots.length === 0) assert.strictEqual(text(costOf(lots)), "0", text(realisedPnl))
            }
            const after = Decimal.sum(all().map(({ lots }) => costOf(lots)))
            if (comes) paid = Decimal.add(paid, d(money))
            else if (sold) received = Decimal.add(received, d(money))
            // A withdrawal takes its cost along.
            else paid = Decimal.subtract(paid, Decimal.subtract(before, after))
            const realised = Decimal.sum(all().map(({ realisedPnl }) => realisedPnl))
            assert.strictEqual(text(Decimal.subtract(realised, after)), text(Decimal.subtract(received, paid)))
          }
        }
      ),
      { numRuns: 300 }
    )
  })
})
