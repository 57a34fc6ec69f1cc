import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { BookLevel } from "../../../src/domain/Market.ts"
import { type DepthDelta, type DepthSnapshot, makeLocalBook } from "../../../src/mexc/book/LocalBook.ts"

const level = (price: string, quantity: string): BookLevel => [Decimal.unsafe(price), Decimal.unsafe(quantity)]
const text = (levels: ReadonlyArray<BookLevel>) =>
  levels.map(([price, quantity]) => `${Decimal.format(price)}x${Decimal.format(quantity)}`)

const delta = (from: bigint, to: bigint, sides: Partial<DepthDelta> = {}): DepthDelta => ({
  fromVersion: from,
  toVersion: to,
  bids: [],
  asks: [],
  at: Number(to),
  ...sides
})
const snapshot = (version: bigint, sides: Partial<DepthSnapshot> = {}): DepthSnapshot => ({
  version,
  bids: [level("10", "1"), level("9.5", "2")],
  asks: [level("11", "1"), level("11.25", "3")],
  at: Number(version),
  truncated: false,
  ...sides
})

const shown = (book: ReturnType<typeof makeLocalBook>, depth = 10) => {
  const levels = book.levels(depth)
  return levels === null ? null : { bids: text(levels.bids), asks: text(levels.asks) }
}

describe("a local book", () => {
  it("waits for its snapshot, drops what the snapshot holds already, and applies the rest", () => {
    const book = makeLocalBook()
    assert.strictEqual(book.apply(delta(98n, 100n, { bids: [level("10", "7")] })), "buffered")
    assert.strictEqual(book.apply(delta(101n, 103n, { bids: [level("10", "5"), level("9.75", "4")] })), "buffered")
    assert.isNull(book.levels(10))
    assert.strictEqual(book.load(snapshot(100n)), "loaded")
    assert.deepStrictEqual(shown(book), { bids: ["10x5", "9.75x4", "9.5x2"], asks: ["11x1", "11.25x3"] })
    assert.strictEqual(book.version(), 103n)
  })

  it("refuses a snapshot that ends before its first delta, and keeps the deltas for the next", () => {
    const book = makeLocalBook()
    book.apply(delta(105n, 106n, { asks: [level("11", "0")] }))
    assert.strictEqual(book.load(snapshot(103n)), "tooOld")
    assert.isNull(book.version())
    assert.strictEqual(book.load(snapshot(105n)), "loaded")
    assert.deepStrictEqual(shown(book)?.asks, ["11.25x3"])
  })

  it("takes absolute quantities: zero removes, an unknown price comes in at its place", () => {
    const book = makeLocalBook()
    book.load(snapshot(1n))
    book.apply(delta(2n, 2n, { bids: [level("9.9999", "1")], asks: [level("11", "0"), level("11.1", "6")] }))
    assert.deepStrictEqual(shown(book), { bids: ["10x1", "9.9999x1", "9.5x2"], asks: ["11.1x6", "11.25x3"] })
    book.apply(delta(3n, 3n, { asks: [level("12", "0")] }))
    assert.deepStrictEqual(shown(book)?.asks, ["11.1x6", "11.25x3"])
  })

  it("says when a delta is missing, and comes back with a snapshot that covers the loss", () => {
    const book = makeLocalBook()
    book.load(snapshot(1n))
    assert.strictEqual(book.apply(delta(3n, 4n)), "gap")
    assert.isNull(book.levels(1))
    assert.strictEqual(book.apply(delta(5n, 5n, { bids: [level("10", "8")] })), "buffered")
    assert.strictEqual(book.load(snapshot(1n)), "tooOld")
    assert.strictEqual(book.load(snapshot(4n)), "loaded")
    assert.deepStrictEqual(shown(book)?.bids, ["10x8", "9.5x2"])
  })

  it("takes a repetition, and a delta that another connection merged otherwise, for what they are", () => {
    const book = makeLocalBook()
    book.load(snapshot(5n))
    assert.strictEqual(book.apply(delta(4n, 5n, { bids: [level("10", "99")] })), "known")
    assert.strictEqual(book.apply(delta(4n, 8n, { bids: [level("10", "3")] })), "applied")
    assert.deepStrictEqual([shown(book)?.bids[0], book.version()], ["10x3", 8n])
  })

  it("compares versions beyond what a number holds", () => {
    const book = makeLocalBook()
    const base = 2n ** 60n
    book.load(snapshot(base))
    assert.strictEqual(book.apply(delta(base + 2n, base + 2n)), "gap")
  })

  it("does not invent levels below the end of a truncated snapshot", () => {
    const book = makeLocalBook()
    book.load(snapshot(1n, { truncated: true }))
    book.apply(delta(2n, 2n, { bids: [level("5", "1")], asks: [level("11.2", "1")] }))
    assert.isNull(book.levels(3), "the third best bid may be one that was cut off")
    assert.deepStrictEqual(shown(book, 2), { bids: ["10x1", "9.5x2"], asks: ["11x1", "11.2x1"] })
  })
})

/** A venue's book of a few dozen prices, changed at random; each step is one version. */
const change = fc.record({
  side: fc.constantFrom("bids" as const, "asks" as const),
  price: fc.integer({ min: 1, max: 24 }),
  decimals: fc.integer({ min: 0, max: 3 }),
  quantity: fc.integer({ min: 0, max: 4 })
})

/** What the network does to each delta, and when the reader asks for a snapshot. */
const fate = fc.record({
  steps: fc.integer({ min: 1, max: 3 }),
  does: fc.constantFrom("arrives", "arrives", "arrives", "arrives", "is lost", "comes twice", "comes late"),
  snapshotAge: fc.integer({ min: 0, max: 4 }),
  asks: fc.boolean()
})

const priceOf = ({ decimals, price }: { readonly price: number; readonly decimals: number }) =>
  Decimal.parse(String(Number((100 + price / 10 ** decimals).toFixed(decimals))))

type Changes = ReadonlyArray<typeof change extends fc.Arbitrary<infer A> ? A : never>

const referenceOf = (changes: Changes) => {
  const levels = { bids: new Map<string, string>(), asks: new Map<string, string>() }
  for (const one of changes) {
    const price = priceOf(one)
    if (price._tag === "Left") continue
    const name = Decimal.format(price.right)
    if (one.quantity === 0) levels[one.side].delete(name)
    else levels[one.side].set(name, String(one.quantity))
  }
  const sorted = (side: ReadonlyMap<string, string>, sign: 1 | -1) =>
    [...side]
      .sort(([a], [b]) => sign * (Number(a) - Number(b)))
      .map(([price, quantity]): BookLevel => level(price, quantity))
  return { bids: sorted(levels.bids, -1), asks: sorted(levels.asks, 1) }
}

const levelsOf = (changes: Changes, side: "bids" | "asks"): ReadonlyArray<BookLevel> =>
  changes.flatMap((one) => {
    const price = priceOf(one)
    return one.side === side && price._tag === "Right"
      ? [[price.right, Decimal.unsafe(String(one.quantity))] as const]
      : []
  })

describe("whatever the network does", () => {
  it("the book is the venue's at its version, or says that it waits: never silently wrong", () => {
    let live = 0
    let waiting = 0
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 40, maxLength: 120 }),
        fc.array(fate, { minLength: 15, maxLength: 60 }),
        fc.option(fc.integer({ min: 2, max: 6 }), { nil: null }),
        (changes, fates, cut) => {
          const book = makeLocalBook()
          const late: Array<DepthDelta> = []
          let at = 0
          for (const { asks, does, snapshotAge, steps } of fates) {
            const merged = changes.slice(at, at + steps)
            if (merged.length === 0) break
            const next: DepthDelta = {
              fromVersion: BigInt(at + 1),
              toVersion: BigInt(at + merged.length),
              bids: levelsOf(merged, "bids"),
              asks: levelsOf(merged, "asks"),
              at
            }
            at += merged.length
            if (does === "comes late") late.push(next)
            else if (does !== "is lost") book.apply(next)
            if (does === "comes twice") book.apply(next)
            if (does === "arrives") for (const old of late.splice(0)) book.apply(old)
            if (asks && book.version() === null) {
              const version = Math.max(0, at - snapshotAge)
              const { asks: all, bids } = referenceOf(changes.slice(0, version))
              const limit = cut ?? 1_000
              book.load({
                version: BigInt(version),
                bids: bids.slice(0, limit),
                asks: all.slice(0, limit),
                at: version,
                truncated: bids.length >= limit || all.length >= limit
              })
            }
            const version = book.version()
            if (version === null) {
              waiting++
              continue
            }
            live++
            const reference = referenceOf(changes.slice(0, Number(version)))
            for (const depth of [1, 2, 4]) {
              const levels = book.levels(depth)
              if (levels === null) {
                assert.isNotNull(cut, "only a cut snapshot leaves levels unknown")
                continue
              }
              assert.deepStrictEqual(text(levels.bids), text(reference.bids.slice(0, depth)))
              assert.deepStrictEqual(text(levels.asks), text(reference.asks.slice(0, depth)))
            }
          }
        }
      ),
      { numRuns: 400 }
    )
    assert.isAbove(live, 2_000)
    assert.isAbove(waiting, 1_000)
  })
})
