import { BigDecimal, FastCheck as fc } from "effect"
import { assert, describe, it } from "@effect/vitest"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Book } from "../../../src/paper/engine/Book.ts"
import { chargeFor, type FeeTerms } from "../../../src/paper/engine/Fees.ts"
import { buildLadder } from "../../../src/paper/engine/Ladder.ts"
import { take } from "../../../src/paper/engine/Matching.ts"
import { listing as coarse } from "../kit/engineModel.ts"

/** Steps worth less than the fee's last digit matter: here a rounding up can cost more than the amount had left. */
const listing = { ...coarse, basePrecision: 8 }

const bookAt = (price: string): Book => {
  const book = new Book(listing.quotePrecision)
  book.replaceLadder(buildLadder(listing, Decimal.unsafe(price), 1))
  return book
}

const terms: FeeTerms = {
  feeIn: "quote",
  rates: { maker: listing.makerFeeRate, taker: listing.takerFeeRate },
  baseAsset: "ABC",
  quoteAsset: "USDT"
}

describe("a market buy sized in quote", () => {
  it("spends at most its amount, fees included, and leaves less than one more step would cost", () => {
    const book = bookAt("60")
    fc.assert(
      fc.property(fc.integer({ min: 100_000_000, max: 4_000_000_000 }), (units) => {
        const quoteAmount = BigDecimal.make(BigInt(units), 8)
        // More than it can pay for, so that the amount is what ends it.
        const order = { type: "market", quantity: Decimal.hundred, price: Decimal.unsafe("63"), quoteAmount } as const
        const { takes } = take(book, listing, terms, "buy", order)
        const spent = Decimal.sum(
          takes.map(({ offer, quantity }) => {
            const { fee, quoteQuantity } = chargeFor(terms, "buy", false, offer.price, quantity)
            return Decimal.add(quoteQuantity, fee)
          })
        )
        assert.isTrue(Decimal.lessOrEqual(spent, quoteAmount), `spent ${Decimal.format(spent)} of ${units}e-8`)
        // One step at 60 and its fee, plus a digit of rounding for each level.
        const left = Decimal.subtract(quoteAmount, spent)
        assert.isTrue(Decimal.lessThan(left, Decimal.unsafe("0.000001")), `left ${Decimal.format(left)}`)
      }),
      { numRuns: 1_000 }
    )
  })
})

describe("the simulated ladder", () => {
  it("stands around its price, a basis point wide, and is the same for the same moment", () => {
    const price = Decimal.unsafe("60")
    const { asks, bids } = buildLadder(listing, price, 5)
    assert.deepStrictEqual(buildLadder(listing, price, 5), { asks, bids })
    assert.notDeepEqual(buildLadder(listing, price, 6), { asks, bids })
    assert.strictEqual(Decimal.format(bids[0]?.price ?? Decimal.zero), "59.997")
    assert.strictEqual(Decimal.format(asks[0]?.price ?? Decimal.zero), "60.003")
  })

  it("has no bid at or below zero where a pair costs a few ticks", () => {
    const { asks, bids } = buildLadder(listing, Decimal.unsafe("0.002"), 5)
    assert.isAbove(asks.length, bids.length)
    for (const level of bids) assert.isTrue(Decimal.isPositive(level.price))
  })
})
