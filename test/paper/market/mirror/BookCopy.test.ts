import { assert, describe, it } from "@effect/vitest"
import { format, unsafe } from "../../../../src/domain/Decimal.ts"
import type { BookLevel } from "../../../../src/domain/Market.ts"
import { BookCopy, type BookDelta } from "../../../../src/paper/market/mirror/BookCopy.ts"
import type { BookChange } from "../../../../src/paper/MarketSource.ts"

const side = (levels: Readonly<Record<string, string>>): ReadonlyArray<BookLevel> =>
  Object.entries(levels).map(([price, quantity]) => [unsafe(price), unsafe(quantity)])
const delta = (from: bigint, to: bigint, bids: Readonly<Record<string, string>> = {}): BookDelta => ({
  from,
  to,
  bids: side(bids),
  asks: []
})
const snapshot = (version: bigint, bids: Readonly<Record<string, string>>) => ({ version, bids: side(bids), asks: [] })
const told = (change: BookChange | string | null) =>
  change === null || typeof change === "string"
    ? change
    : change.bids.map(([price, quantity]) => `${format(price)} x ${format(quantity)}`).sort()

describe("a copy of a venue's book", () => {
  it("waits for a snapshot, drops what it holds already and goes on from there", () => {
    const book = new BookCopy()
    assert.strictEqual(book.take(delta(5n, 6n, { 100: "1" })), "waiting")
    assert.strictEqual(book.take(delta(7n, 8n, { 99: "4" })), "waiting")
    assert.isFalse(book.isKnown)
    assert.deepStrictEqual(told(book.load(snapshot(6n, { 100: "1", 98: "2" }))), ["100 x 1", "98 x 2", "99 x 4"])
    assert.isTrue(book.isKnown)
    assert.deepStrictEqual(told(book.take(delta(9n, 9n, { 98: "0", 97: "3" }))), ["97 x 3", "98 x 0"])
    assert.deepStrictEqual(told(book.take(delta(8n, 9n, { 98: "7" }))), [], "a delta that came twice changes nothing")
  })

  it("refuses a snapshot older than the first change it saw", () => {
    const book = new BookCopy()
    book.take(delta(10n, 11n, { 100: "1" }))
    assert.isNull(book.load(snapshot(9n, { 100: "9" })))
    assert.isNull(book.load(snapshot(8n, { 100: "9" })))
    assert.isFalse(book.isKnown)
    assert.deepStrictEqual(told(book.load(snapshot(10n, { 100: "9" }))), ["100 x 1"])
  })

  it("takes a first change that reaches back before the snapshot, and no later one that does", () => {
    const book = new BookCopy()
    book.load(snapshot(10n, { 100: "1" }))
    assert.deepStrictEqual(told(book.take(delta(8n, 12n, { 100: "2" }))), ["100 x 2"])
    assert.strictEqual(book.take(delta(12n, 13n, { 100: "3" })), "gap")
  })

  it("knows nothing any more after a missing change, and tells only the differences of the next snapshot", () => {
    const book = new BookCopy()
    book.load(snapshot(10n, { 100: "1", 99: "2", 98: "3" }))
    assert.strictEqual(book.take(delta(12n, 12n, { 100: "5" })), "gap")
    assert.isFalse(book.isKnown)
    assert.strictEqual(book.take(delta(13n, 13n, { 97: "1" })), "waiting")
    assert.deepStrictEqual(told(book.load(snapshot(12n, { 100: "5", 99: "2" }))), ["100 x 5", "97 x 1", "98 x 0"])
    assert.deepStrictEqual(told(book.take(delta(14n, 14n, { 97: "0" }))), ["97 x 0"])
  })

  it("finds a gap among the changes that waited", () => {
    const book = new BookCopy()
    book.take(delta(5n, 5n, { 100: "1" }))
    book.take(delta(7n, 7n, { 100: "2" }))
    assert.isNull(book.load(snapshot(5n, { 100: "1" })))
    assert.deepStrictEqual(told(book.load(snapshot(7n, { 100: "2" }))), ["100 x 2"])
  })

  it("tells nothing of a level that is said again as it was", () => {
    const book = new BookCopy()
    book.load(snapshot(1n, { 100: "1" }))
    assert.deepStrictEqual(told(book.take(delta(2n, 2n, { "100.00": "1.0" }))), [])
  })
})
