import { Either, type ParseResult, Schema } from "effect"
import { isPositive, VenueDecimal } from "../../../domain/Decimal.ts"
import type { BookLevel, Side } from "../../../domain/Market.ts"
import type { Decimal } from "../../../domain/Decimal.ts"
import type { PushFrame } from "../../../mexc/wire/Stream.ts"
import type { BookDelta } from "./BookCopy.ts"

/** A public trade of the venue; `at` is the venue's time. */
export interface Deal {
  readonly price: Decimal
  readonly quantity: Decimal
  readonly takerSide: Side
  readonly at: number
}

/** Versions exceed 32 bits. */
export const Version = Schema.String.pipe(Schema.pattern(/^\d{1,30}$/), Schema.compose(Schema.BigInt))
const Level = Schema.Struct({ price: VenueDecimal, quantity: VenueDecimal })
const Delta = Schema.Struct({
  fromVersion: Version,
  toVersion: Version,
  bids: Schema.Array(Level),
  asks: Schema.Array(Level)
})
const Positive = VenueDecimal.pipe(Schema.filter((value) => isPositive(value)))
const Deals = Schema.Array(
  Schema.Struct({ price: Positive, quantity: Positive, tradeType: Schema.Literal(1, 2), time: Schema.Positive })
)

const decodeDelta = Schema.decodeUnknownEither(Delta)
const decodeDeals = Schema.decodeUnknownEither(Deals)

const level = ({ price, quantity }: typeof Level.Type): BookLevel => [price, quantity]

/** Null when the frame is about something else. */
export const readDelta = (frame: PushFrame): Either.Either<BookDelta, ParseResult.ParseError> | null =>
  frame.publicAggreDepths === undefined
    ? null
    : Either.map(decodeDelta(frame.publicAggreDepths), ({ asks, bids, fromVersion, toVersion }) => ({
        from: fromVersion,
        to: toVersion,
        bids: bids.map(level),
        asks: asks.map(level)
      }))

/** Null when the frame is about something else. */
export const readDeals = (frame: PushFrame): Either.Either<ReadonlyArray<Deal>, ParseResult.ParseError> | null =>
  frame.publicAggreDeals === undefined
    ? null
    : Either.map(decodeDeals(frame.publicAggreDeals.deals), (deals) =>
        deals.map(({ price, quantity, time, tradeType }) => ({
          price,
          quantity,
          takerSide: tradeType === 1 ? "buy" : "sell",
          at: time
        }))
      )
