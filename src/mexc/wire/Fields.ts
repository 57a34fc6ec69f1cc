import { Either, ParseResult, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"

/**
 * Fields as the venue really sends them: numbers as text or as JSON numbers, ids likewise, "" and null for nothing.
 * Encoding writes the form the venue uses most.
 */

const TextOrNumber = Schema.Union(Schema.String, Schema.Number)

const readAmount = (value: string | number): Either.Either<Decimal.Decimal, string> => Decimal.parseVenue(String(value))

/** A price, quantity, amount or rate that must be there. */
export const Amount = Schema.transformOrFail(TextOrNumber, Schema.BigDecimalFromSelf, {
  strict: true,
  decode: (value, _, ast) => Either.mapLeft(readAmount(value), (message) => new ParseResult.Type(ast, value, message)),
  encode: (value) => ParseResult.succeed(Decimal.format(value))
}).annotations({ identifier: "Amount" })

const NullableAmount = Schema.transformOrFail(Schema.NullOr(TextOrNumber), Schema.NullOr(Schema.BigDecimalFromSelf), {
  strict: true,
  decode: (value, _, ast) =>
    value === null || value === ""
      ? ParseResult.succeed(null)
      : Either.mapLeft(readAmount(value), (message) => new ParseResult.Type(ast, value, message)),
  encode: (value) => ParseResult.succeed(value === null ? null : Decimal.format(value))
}).annotations({ identifier: "NullableAmount" })

/** Missing, null and "" all mean that the venue has none. */
export const AmountOrNull = Schema.optionalWith(NullableAmount, { default: () => null })

/** `"C02__385413065019117569043"`, 32 hex digits, or a number in the documentation. */
export const Id = Schema.transform(TextOrNumber, Schema.String, {
  strict: true,
  decode: (value) => String(value),
  encode: (value) => value
}).annotations({ identifier: "Id" })

/** Missing, null and "" all mean none. */
export const IdOrNull = Schema.optionalWith(
  Schema.transform(Schema.NullOr(TextOrNumber), Schema.NullOr(Schema.String), {
    strict: true,
    decode: (value) => (value === null || value === "" ? null : String(value)),
    encode: (value) => value
  }),
  { default: () => null }
)

/** Epoch milliseconds. */
export const Millis = Schema.transformOrFail(TextOrNumber, Schema.Int, {
  strict: true,
  decode: (value, _, ast) => {
    const at = typeof value === "number" ? value : value === "" ? Number.NaN : Number(value)
    return Number.isSafeInteger(at)
      ? ParseResult.succeed(at)
      : ParseResult.fail(new ParseResult.Type(ast, value, "expected a time in epoch milliseconds"))
  },
  encode: (value) => ParseResult.succeed(value)
}).annotations({ identifier: "Millis" })

export const MillisOrNull = Schema.optionalWith(Schema.NullOr(Millis), { default: () => null })

/** Number of decimals; a few copies of the documentation print text. */
export const Count = Schema.transformOrFail(TextOrNumber, Schema.NonNegativeInt, {
  strict: true,
  decode: (value, _, ast) => {
    const count = Number(value)
    return value !== "" && Number.isInteger(count) && count >= 0 && count <= 30
      ? ParseResult.succeed(count)
      : ParseResult.fail(new ParseResult.Type(ast, value, "expected a small whole number"))
  },
  encode: (value) => ParseResult.succeed(value)
}).annotations({ identifier: "Count" })

export const TextOr = (fallback: string) =>
  Schema.optionalWith(
    Schema.transform(Schema.NullOr(TextOrNumber), Schema.String, {
      strict: true,
      decode: (value) => (value === null ? fallback : String(value)),
      encode: (value) => value
    }),
    { default: () => fallback }
  )

export const FlagOr = (fallback: boolean) =>
  Schema.optionalWith(
    Schema.transform(Schema.NullOr(Schema.Boolean), Schema.Boolean, {
      strict: true,
      decode: (value) => value ?? fallback,
      encode: (value) => value
    }),
    { default: () => fallback }
  )

export const TextsOrEmpty = Schema.optionalWith(
  Schema.transform(Schema.NullOr(Schema.Array(Schema.String)), Schema.Array(Schema.String), {
    strict: true,
    decode: (value) => value ?? [],
    encode: (value) => value
  }),
  { default: () => [] }
)

/** Decoded rows, and how many did not fit. */
export interface Rows<A> {
  readonly rows: ReadonlyArray<A>
  readonly rejected: number
}

/**
 * Long public lists are read row by row: one odd pair must not take the other two thousand away, as an exchangeInfo
 * change of August 2024 did to many bots at once.
 */
export const readRows = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema)
  return (values: ReadonlyArray<unknown>): Rows<A> => {
    const rows: Array<A> = []
    for (const value of values) {
      const row = decode(value)
      if (Either.isRight(row)) rows.push(row.right)
    }
    return { rows, rejected: values.length - rows.length }
  }
}
