import { Either, ParseResult, Predicate, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { problemPath } from "./rest/problemPath.ts"

/**
 * Fields as the venue really sends them: numbers as text or as JSON numbers, ids likewise, "" and null for nothing.
 * What is only shown is read leniently; a price, a quantity or an id is what it says or it is refused.
 */

type Read<A> = (value: unknown) => Either.Either<A, string>

/** How a field's value is read; for one that may be missing, `undefined` too. */
const readers = new WeakMap<object, Read<unknown>>()

const fieldOf = <A>(identifier: string, to: Schema.Schema<A>, read: Read<A>) => {
  const field = Schema.transformOrFail(Schema.Unknown, to, {
    strict: true,
    decode: (value, _, ast) =>
      Either.mapLeft(read(value), (message) => new ParseResult.Type(ast, typeof value, message)),
    encode: (value) => ParseResult.succeed(value)
  }).annotations({ identifier })
  readers.set(field, read)
  return field
}

/** A field that may be missing: its reader says what that means. */
const missable = <A, I>(field: Schema.Schema<A, I>, options: { readonly default: () => NoInfer<A> }) => {
  const signature = Schema.optionalWith(field, options)
  const read = readers.get(field)
  if (read !== undefined) readers.set(signature, read)
  return signature
}

const isNothing = (value: unknown): boolean => value === null || value === undefined || value === ""

const readAmount = (value: unknown): Either.Either<Decimal.Decimal, string> =>
  typeof value === "string" || typeof value === "number"
    ? Decimal.parseVenue(String(value))
    : Either.left("expected a decimal")

const readPrice = (value: unknown): Either.Either<Decimal.Decimal, string> => {
  const price = readAmount(value)
  return Either.isLeft(price) || price.right.value > 0n ? price : Either.left("expected a price above zero")
}

const readQuantity = (value: unknown): Either.Either<Decimal.Decimal, string> => {
  const quantity = readAmount(value)
  return Either.isLeft(quantity) || quantity.right.value >= 0n ? quantity : Either.left("expected zero or more")
}

const orNull =
  <A>(read: (value: unknown) => Either.Either<A, string>) =>
  (value: unknown): Either.Either<A | null, string> =>
    isNothing(value) ? Either.right(null) : read(value)

const nullableDecimal = Schema.NullOr(Schema.BigDecimalFromSelf)
const none = { default: () => null }
const noPrice: Either.Either<Decimal.Decimal | null, string> = Either.right(null)

/** An amount or rate that must be there, of either sign. */
export const Amount = fieldOf("Amount", Schema.BigDecimalFromSelf, readAmount)
/** Above zero. */
export const Price = fieldOf("Price", Schema.BigDecimalFromSelf, readPrice)
/** Zero or more. */
export const Quantity = fieldOf("Quantity", Schema.BigDecimalFromSelf, readQuantity)

/** Missing, null and "" all mean that the venue has none. */
export const AmountOrNull = missable(fieldOf("AmountOrNull", nullableDecimal, orNull(readAmount)), none)
export const QuantityOrNull = missable(fieldOf("QuantityOrNull", nullableDecimal, orNull(readQuantity)), none)
/** Zero is no price either. */
export const PriceOrNull = missable(
  fieldOf("PriceOrNull", nullableDecimal, (value) => {
    const price = isNothing(value) ? noPrice : readQuantity(value)
    return Either.isRight(price) && price.right !== null && price.right.value === 0n ? noPrice : price
  }),
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
export const IdOrNull = missable(
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
export const MillisOrNull = missable(
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
  missable(
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
  missable(
    fieldOf("FlagOr", Schema.Boolean, (value) => (isNothing(value) ? Either.right(fallback) : readFlag(value))),
    { default: () => fallback }
  )

/** The texts of a list; what is none is left out. */
export const TextsOrEmpty = missable(
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

/** Reads a whole row without its Schema; null for a row that does not fit, which the Schema can say more about. */
const rowReader = (fields: Schema.Struct.Fields) => {
  const columns = Object.entries(fields).flatMap(([key, field]): ReadonlyArray<readonly [string, Read<unknown>]> => {
    const known = readers.get(field)
    if (known !== undefined) return [[key, known]]
    return Schema.isSchema(field) ? [[key, plainReader(field)]] : []
  })
  if (columns.length < Object.keys(fields).length) return null
  return (value: unknown) => {
    if (!Predicate.isRecord(value)) return null
    const row = Object.create(Object.prototype)
    for (const [key, read] of columns) {
      const field = read(value[key])
      if (Either.isLeft(field)) return null
      row[key] = field.right
    }
    return row
  }
}

const rememberedAtMost = 10_000

/** The same names of pairs come with every list. */
const plainReader = (field: Schema.Schema.All): Read<unknown> => {
  const decode = ParseResult.decodeUnknownEither(Schema.make(field.ast))
  const remembered = new Map<unknown, Either.Either<unknown, string>>()
  return (value) => {
    const before = remembered.get(value)
    if (before !== undefined) return before
    const read = Either.mapLeft(decode(value), () => "is wrong")
    if (typeof value === "string" && remembered.size < rememberedAtMost) remembered.set(value, read)
    return read
  }
}

/**
 * Lists are read row by row: one odd pair must not take the other two thousand away, as an exchangeInfo change of
 * August 2024 did to many bots at once. A Schema spends most of its time on what the readers of the fields do without;
 * it is asked about rows that do not fit, and a test holds the two against each other.
 */
export const readRows = <A, I>(schema: Schema.Schema<A, I> & { readonly fields?: Schema.Struct.Fields }) => {
  const decode = Schema.decodeUnknownEither(schema)
  const readRow = schema.fields === undefined ? null : rowReader(schema.fields)
  return (values: ReadonlyArray<unknown>): Rows<A> => {
    const rows: Array<A> = []
    let problem: string | null = null
    for (const value of values) {
      const quick = readRow?.(value) ?? null
      if (quick !== null) {
        rows.push(quick)
        continue
      }
      const row = decode(value)
      if (Either.isRight(row)) rows.push(row.right)
      else problem ??= problemPath(row.left)
    }
    return { rows, rejected: values.length - rows.length, problem }
  }
}
