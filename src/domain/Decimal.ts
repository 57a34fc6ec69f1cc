import { BigDecimal, Either, ParseResult, Schema } from "effect"

/**
 * Exact money arithmetic. Prices, quantities, balances and fees are `Decimal` from the edge to the
 * database; a JavaScript number never holds one. `BigDecimal`'s own parser and formatter are not used at
 * the edges: they accept `""` and `1e5000000`, and print exponents from sixteen decimals on.
 */
export type Decimal = BigDecimal.BigDecimal

export type Rounding = "floor" | "ceil" | "half-even"

/** Decimals kept by a quotient or a product that is stored. */
export const keptScale = 18

const canonical = /^-?(0|[1-9]\d{0,29})(\.\d{1,18})?$/
// The venue sends up to thirty decimals and, in old data, exponents.
const venueText = /^-?\d{1,30}(\.\d{0,40})?([eE][+-]?\d{1,2})?$/

/** Plain canonical text: no exponent, no trailing zeros, no `-0`. */
export const format = (value: Decimal): string => {
  const { scale, value: digits } = BigDecimal.normalize(value)
  if (digits === 0n) return "0"
  const negative = digits < 0n
  const text = (negative ? -digits : digits).toString()
  const plain =
    scale <= 0
      ? text + "0".repeat(-scale)
      : text.length > scale
        ? `${text.slice(0, -scale)}.${text.slice(-scale)}`
        : `0.${text.padStart(scale, "0")}`
  return negative ? `-${plain}` : plain
}

const parsePlain = (text: string): Decimal => {
  const dot = text.indexOf(".")
  if (dot === -1) return BigDecimal.make(BigInt(text), 0)
  return BigDecimal.make(BigInt(text.slice(0, dot) + text.slice(dot + 1)), text.length - dot - 1)
}

/** Reads a client's or our own decimal text: at most 30 integer digits and 18 decimals, no exponent. */
export const parse = (text: string): Either.Either<Decimal, string> =>
  canonical.test(text)
    ? Either.right(BigDecimal.normalize(parsePlain(text)))
    : Either.left(`expected a decimal string such as "12.5", with at most 18 decimals and no exponent`)

/** Where `BigDecimal.normalize` notes what it has found out. */
type Noted = Decimal & { normalized?: Decimal }

const normalZero = BigDecimal.normalize(BigDecimal.make(0n, 0))
/** As many digits as a JavaScript number holds exactly. */
const exactDigits = 15
const dot = 46
const minus = 45
const digitZero = 48

/**
 * Nearly every number of the venue is short and plain: reading one digit by digit costs a fifth of the way over
 * patterns and `BigInt`'s own parser. Null for the rest, and for what is no number.
 */
const readShort = (text: string): Decimal | null => {
  const { length } = text
  if (length > exactDigits + 1) return null
  const start = text.charCodeAt(0) === minus ? 1 : 0
  let read = 0
  let coefficient = 0
  let dotAt = -1
  let last = -1
  for (let at = start; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === dot && dotAt === -1 && at > start) {
      dotAt = at
      continue
    }
    const digit = code - digitZero
    if (digit < 0 || digit > 9) return null
    read = read * 10 + digit
    if (digit === 0) continue
    // Zeros behind the last other digit are the scale's.
    coefficient = read
    last = at
  }
  if (length === start || (dotAt === -1 && length - start > exactDigits)) return null
  if (coefficient === 0) return normalZero
  const units = dotAt === -1 ? length : dotAt
  const value = BigInt(start === 0 ? coefficient : -coefficient)
  const decimal: Noted = BigDecimal.make(value, last > units ? last - units : last + 1 - units)
  decimal.normalized = decimal
  return decimal
}

/** Reads the venue's decimal text, which may carry an exponent or thirty decimals. */
export const parseVenue = (text: string): Either.Either<Decimal, string> => {
  const short = readShort(text)
  if (short !== null) return Either.right(short)
  if (!venueText.test(text)) return Either.left(`the venue sent "${text.slice(0, 40)}" for a decimal`)
  const [mantissa = "0", exponent = "0"] = text.toLowerCase().split("e")
  const plain = parsePlain(mantissa.endsWith(".") ? mantissa.slice(0, -1) : mantissa)
  const value = BigDecimal.normalize(BigDecimal.make(plain.value, plain.scale - Number(exponent)))
  return isBounded(value) ? Either.right(value) : Either.left("the venue sent an exponent of no real amount")
}

/** An exponent must not reach further than the plain form may. */
const isBounded = ({ scale, value }: Decimal): boolean =>
  scale <= 40 && value.toString().replace("-", "").length - scale <= 30

/** A literal in our own code; a wrong one is a bug. */
export const unsafe = (text: string): Decimal => Either.getOrThrowWith(parse(text), (why) => new Error(why))

/** Statistics enter the money world only here, at an explicit scale. */
export const fromFiniteNumber = (value: number, scale: number): Decimal => unsafe(value.toFixed(scale))

/** For statistics and display only; the result never becomes money again. */
export const toNumber = (value: Decimal): number => Number(format(value))

export const zero: Decimal = BigDecimal.make(0n, 0)
export const one: Decimal = BigDecimal.make(1n, 0)
export const hundred: Decimal = BigDecimal.make(100n, 0)
export const tenThousand: Decimal = BigDecimal.make(10_000n, 0)

export const add: (a: Decimal, b: Decimal) => Decimal = BigDecimal.sum
export const subtract: (a: Decimal, b: Decimal) => Decimal = BigDecimal.subtract
export const negate: (a: Decimal) => Decimal = BigDecimal.negate
export const abs: (a: Decimal) => Decimal = BigDecimal.abs
export const min: (a: Decimal, b: Decimal) => Decimal = BigDecimal.min
export const max: (a: Decimal, b: Decimal) => Decimal = BigDecimal.max
/** Most that are compared have one scale, as the prices of a pair: their digits alone tell, and nothing is made for it. */
export const order = (a: Decimal, b: Decimal): -1 | 0 | 1 => {
  if (a.scale !== b.scale) return BigDecimal.Order(a, b)
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0
}
export const equals = (a: Decimal, b: Decimal): boolean => order(a, b) === 0
export const lessThan = (a: Decimal, b: Decimal): boolean => order(a, b) < 0
export const lessOrEqual = (a: Decimal, b: Decimal): boolean => order(a, b) <= 0
export const greaterThan = (a: Decimal, b: Decimal): boolean => order(a, b) > 0
export const greaterOrEqual = (a: Decimal, b: Decimal): boolean => order(a, b) >= 0
export const isZero: (a: Decimal) => boolean = BigDecimal.isZero
export const isPositive: (a: Decimal) => boolean = BigDecimal.isPositive
export const isNegative: (a: Decimal) => boolean = BigDecimal.isNegative
export const sum = (values: Iterable<Decimal>): Decimal => {
  let total = zero
  for (const value of values) total = add(total, value)
  return total
}

/** The exact product. A product that is kept goes through {@link round}. */
export const multiply: (a: Decimal, b: Decimal) => Decimal = BigDecimal.multiply

const floorDivide = (a: bigint, b: bigint): bigint => {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

const roundedQuotient = (a: bigint, b: bigint, mode: Rounding): bigint => {
  const low = floorDivide(a, b)
  const rest = a - low * b
  if (rest === 0n || mode === "floor") return low
  if (mode === "ceil") return low + 1n
  const twice = 2n * (rest < 0n ? -rest : rest)
  const size = b < 0n ? -b : b
  return twice > size || (twice === size && low % 2n !== 0n) ? low + 1n : low
}

const powerOfTen = (n: number): bigint => 10n ** BigInt(n)

/** `a / b` at a fixed scale, half-even unless the caller names a direction. `b` must not be zero. */
export const divide = (a: Decimal, b: Decimal, scale = keptScale, mode: Rounding = "half-even"): Decimal => {
  const shift = scale + b.scale - a.scale
  const numerator = shift >= 0 ? a.value * powerOfTen(shift) : a.value
  const denominator = shift >= 0 ? b.value : b.value * powerOfTen(-shift)
  return BigDecimal.normalize(BigDecimal.make(roundedQuotient(numerator, denominator, mode), scale))
}

export const round = (value: Decimal, scale: number, mode: Rounding): Decimal => divide(value, one, scale, mode)

/** The nearest multiple of `step` below (`floor`) or above (`ceil`); works for steps such as 0.5 or 3. */
export const quantise = (value: Decimal, step: Decimal, mode: "floor" | "ceil"): Decimal =>
  multiply(divide(value, step, 0, mode), step)

/** Takes `percent` percent of a value, exact. */
export const percentOf = (value: Decimal, percent: Decimal): Decimal =>
  multiply(value, BigDecimal.make(percent.value, percent.scale + 2))

/** The factor `1 + bps/10⁴`. */
export const plusBps = (bps: number): Decimal => add(one, BigDecimal.make(BigInt(Math.trunc(bps)), 4))

const schemaFrom = (read: (text: string) => Either.Either<Decimal, string>, identifier: string) =>
  Schema.transformOrFail(Schema.String, Schema.BigDecimalFromSelf, {
    strict: true,
    decode: (text, _, ast) => Either.mapLeft(read(text), (message) => new ParseResult.Type(ast, text, message)),
    encode: (value) => ParseResult.succeed(format(value))
  }).annotations({ identifier, jsonSchema: { type: "string", pattern: "^-?\\d+(\\.\\d{1,18})?$", examples: ["12.5"] } })

/** Decimal string in canonical plain form; input may carry trailing zeros. Unit by field. */
export const Decimal = schemaFrom(parse, "Decimal")

/** A decimal above zero. */
export const PositiveDecimal = Decimal.pipe(
  Schema.filter((value) => isPositive(value) || "expected a decimal above zero")
).annotations({
  identifier: "PositiveDecimal",
  jsonSchema: { type: "string", pattern: "^\\d+(\\.\\d{1,18})?$", examples: ["12.5"] }
})

/** A decimal of zero or more. */
export const NonNegativeDecimal = Decimal.pipe(
  Schema.filter((value) => !isNegative(value) || "expected a decimal of zero or more")
).annotations({
  identifier: "NonNegativeDecimal",
  jsonSchema: { type: "string", pattern: "^\\d+(\\.\\d{1,18})?$", examples: ["12.5"] }
})

/** Decimal text as the venue writes it. */
export const VenueDecimal = schemaFrom(parseVenue, "VenueDecimal")
