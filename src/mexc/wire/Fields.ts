import { BigDecimal, Either, ParseResult, Predicate, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { problemPath } from "./problemPath.ts"

/**
 * Fields as the venue really sends them: numbers as text or as JSON numbers, ids likewise, "" and null for nothing.
 * What is only shown is read leniently; a price, a quantity or an id is what it says or it is refused.
 */

const fieldOf = <A>(identifier: string, to: Schema.Schema<A>, read: (value: unknown) => Either.Either<A, string>) =>
  Schema.transformOrFail(Schema.Unknown, to, {
    strict: true,
    decode: (value, _, ast) =>
      Either.mapLeft(read(value), (message) => new ParseResult.Type(ast, typeof value, message)),
    encode: (value) => ParseResult.succeed(value)
  }).annotations({ identifier })

const isNothing = (value: unknown): boolean => value === null || value === undefined || value === ""

const longest = { whole: 30, decimals: 40 }

const readAmount = (value: unknown): Either.Either<Decimal.Decimal, string> => {
  if (typeof value !== "string" && typeof value !== "number") return Either.left("expected a decimal")
  return Either.filterOrLeft(
    Decimal.parseVenue(String(value)),
    ({ scale, value: digits }) =>
      scale <= longest.decimals && digits.toString().replace("-", "").length - scale <= longest.whole,
    () => "expected a decimal of at most thirty whole digits"
  )
}

const readPrice = (value: unknown) =>
  Either.filterOrLeft(readAmount(value), Decimal.isPositive, () => "expected a price above zero")

const readQuantity = (value: unknown) =>
  Either.filterOrLeft(
    readAmount(value),
    (amount) => !Decimal.isNegative(amount),
    () => "expected zero or more"
  )

const orNull =
  <A>(read: (value: unknown) => Either.Either<A, string>) =>
  (value: unknown): Either.Either<A | null, string> =>
    isNothing(value) ? Either.right(null) : read(value)

const nullableDecimal = Schema.NullOr(Schema.BigDecimalFromSelf)
const none = { default: () => null }

/** An amount or rate that must be there, of either sign. */
export const Amount = fieldOf("Amount", Schema.BigDecimalFromSelf, readAmount)
/** Above zero. */
export const Price = fieldOf("Price", Schema.BigDecimalFromSelf, readPrice)
/** Zero or more. */
export const Quantity = fieldOf("Quantity", Schema.BigDecimalFromSelf, readQuantity)

/** Missing, null and "" all mean that the venue has none. */
export const AmountOrNull = Schema.optionalWith(fieldOf("AmountOrNull", nullableDecimal, orNull(readAmount)), none)
export const QuantityOrNull = Schema.optionalWith(
  fieldOf("QuantityOrNull", nullableDecimal, orNull(readQuantity)),
  none
)
/** Zero is no price either. */
export const PriceOrNull = Schema.optionalWith(
  fieldOf("PriceOrNull", nullableDecimal, (value) =>
    Either.map(orNull(readQuantity)(value), (price) => (price === null || BigDecimal.isZero(price) ? null : price))
  ),
  none
)

const idForm = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$/
const noId = /^(0+|null|undefined|nan)$/i

const readId = (value: unknown): Either.Either<string, string> => {
  const id = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value
  return typeof id === "string" && idForm.test(id) && !noId.test(id) ? Either.right(id) : Either.left("expected an id")
}

/** `"C02__385413065019117569043"`, 32 hex digits, or a number in the documentation. */
export const Id = fieldOf("Id", Schema.String, readId)

/** An id somebody else may have chosen; missing, null and "" all mean none. */
export const IdOrNull = Schema.optionalWith(
  fieldOf("IdOrNull", Schema.NullOr(Schema.String), (value) =>
    isNothing(value)
      ? Either.right(null)
      : typeof value === "string" || typeof value === "number"
        ? Either.right(String(value))
        : Either.left("expected an id or none")
  ),
  none
)

/** The counter of a book's states; exceeds 32 bits. */
export const Version = fieldOf("Version", Schema.String, (value) =>
  /^\d{1,30}$/.test(String(value)) ? Either.right(String(value)) : Either.left("expected a version number")
)

/** The end of the year 9999; a later one has no form in RFC 3339. */
const latest = 253_402_300_799_999
/** Between these a number of milliseconds lies before 1973, and one of seconds after 2001. */
const secondsFrom = 1_000_000_000
const secondsTo = 100_000_000_000

const readMillis = (value: unknown): Either.Either<number, string> => {
  const given = typeof value === "string" && /^\d{1,17}(\.\d{0,9})?$/.test(value) ? Number(value) : value
  if (typeof given !== "number" || !Number.isFinite(given)) return Either.left("expected a time in epoch milliseconds")
  const at = Math.trunc(given >= secondsFrom && given < secondsTo ? given * 1_000 : given)
  return at >= 0 && at <= latest ? Either.right(at) : Either.left("expected a time before the year 10000")
}

/** Epoch milliseconds; lower precision is read too. */
export const Millis = fieldOf("Millis", Schema.Int, readMillis)

/** An informational time; an odd one is none. */
export const MillisOrNull = Schema.optionalWith(
  fieldOf("MillisOrNull", Schema.NullOr(Schema.Int), (value) =>
    Either.right(isNothing(value) ? null : Either.getOrNull(readMillis(value)))
  ),
  none
)

/** Number of decimals; a few copies of the documentation print text. */
export const Count = fieldOf("Count", Schema.NonNegativeInt, (value) => {
  const count = typeof value === "string" && /^\d{1,2}$/.test(value) ? Number(value) : value
  return typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= 30
    ? Either.right(count)
    : Either.left("expected a small whole number")
})

const readText = (value: unknown): Either.Either<string, string> =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? Either.right(String(value))
    : Either.left("expected text")

export const Text = fieldOf("Text", Schema.NonEmptyString, (value) =>
  Either.filterOrLeft(
    readText(value),
    (text) => text !== "",
    () => "expected some text"
  )
)

export const TextOr = (fallback: string) =>
  Schema.optionalWith(
    fieldOf("TextOr", Schema.String, (value) =>
      value === null || value === undefined ? Either.right(fallback) : readText(value)
    ),
    { default: () => fallback }
  )

const flags = new Map<unknown, boolean>([
  [true, true],
  [false, false],
  ["true", true],
  ["false", false],
  [1, true],
  [0, false]
])

const readFlag = (value: unknown): Either.Either<boolean, string> =>
  Either.fromNullable(flags.get(value), () => "expected true or false")

export const Flag = fieldOf("Flag", Schema.Boolean, readFlag)

export const FlagOr = (fallback: boolean) =>
  Schema.optionalWith(
    fieldOf("FlagOr", Schema.Boolean, (value) => (isNothing(value) ? Either.right(fallback) : readFlag(value))),
    { default: () => fallback }
  )

/** The texts of a list; what is none is left out. */
export const TextsOrEmpty = Schema.optionalWith(
  fieldOf("TextsOrEmpty", Schema.Array(Schema.String), (value) =>
    isNothing(value)
      ? Either.right([])
      : Array.isArray(value)
        ? Either.right(value.filter(Predicate.isString))
        : Either.left("expected a list")
  ),
  { default: () => [] }
)

/** A list whose rows are read one by one; a single object is a list of one. */
export const RowList = fieldOf("RowList", Schema.Array(Schema.Unknown), (value) =>
  Array.isArray(value)
    ? Either.right<ReadonlyArray<unknown>>(value)
    : Predicate.isRecord(value)
      ? Either.right([value])
      : Either.left("expected a list")
)

/** Decoded rows, how many did not fit, and where the first of those did not. */
export interface Rows<A> {
  readonly rows: ReadonlyArray<A>
  readonly rejected: number
  readonly problem: string | null
}

/**
 * Lists are read row by row: one odd pair must not take the other two thousand away, as an exchangeInfo change of
 * August 2024 did to many bots at once.
 */
export const readRows = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema)
  return (values: ReadonlyArray<unknown>): Rows<A> => {
    const rows: Array<A> = []
    let problem: string | null = null
    for (const value of values) {
      const row = decode(value)
      if (Either.isRight(row)) rows.push(row.right)
      else problem ??= problemPath(row.left)
    }
    return { rows, rejected: values.length - rows.length, problem }
  }
}
