import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Either, FastCheck, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"

const scaled = FastCheck.tuple(FastCheck.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), FastCheck.nat(18)).map(
  ([digits, scale]) => Decimal.divide(Decimal.unsafe(String(digits)), Decimal.unsafe(`1${"0".repeat(scale)}`), 18)
)
const step = FastCheck.constantFrom("0.00000001", "0.01", "0.5", "1", "3").map(Decimal.unsafe)

describe("reading a decimal", () => {
  const decode = Schema.decodeUnknownEither(Decimal.Decimal)

  it.each(["", "1e5", "+1", ".5", "5.", "01", "-", "1,5", " 1", "0.1234567890123456789", "1".repeat(31), "NaN"])(
    "refuses %j",
    (text) => assert.isTrue(Either.isLeft(decode(text)))
  )

  it("refuses a number, which may have lost digits already", () => {
    assert.isTrue(Either.isLeft(decode(12.5)))
  })

  it.each([
    ["100.00", "100"],
    ["0.000000000000000001", "0.000000000000000001"],
    ["12345678901234567890.12345678", "12345678901234567890.12345678"],
    ["-0", "0"],
    ["-12.50", "-12.5"]
  ])("writes %s back as %s", (text, canonical) => {
    assert.strictEqual(Decimal.format(Decimal.unsafe(text)), canonical)
  })

  it("reads the venue's long and exponential forms", () => {
    assert.strictEqual(Either.getOrThrow(Either.map(Decimal.parseVenue("1e-7"), Decimal.format)), "0.0000001")
    assert.strictEqual(Either.getOrThrow(Either.map(Decimal.parseVenue(`1.${"0".repeat(30)}`), Decimal.format)), "1")
    assert.isTrue(Either.isLeft(Decimal.parseVenue("1e5000000")))
  })

  const digits = FastCheck.string({ unit: FastCheck.constantFrom(..."0000123456789"), maxLength: 32 })
  const plainNumber = FastCheck.tuple(FastCheck.constantFrom("", "-"), digits, FastCheck.constantFrom("", "."), digits)

  it.prop("reads every plain number of the venue as the whole number behind it", [plainNumber], ([parts]) => {
    const [sign, whole, dot, fraction] = parts
    const read = Decimal.parseVenue(parts.join(""))
    const decimals = dot === "" ? "" : fraction
    const integer = dot === "" ? whole + fraction : whole
    if (integer === "" || integer.length > 30) return assert.isTrue(Either.isLeft(read))
    const value = Either.getOrThrow(read)
    const expected = BigInt(integer + decimals) * (sign === "" ? 1n : -1n)
    assert.strictEqual(value.value * 10n ** BigInt(decimals.length - value.scale), expected)
    // In normal form, or two readings of one number would not be the same.
    assert.isTrue(value.value === 0n ? value.scale === 0 : value.value % 10n !== 0n)
    assert.strictEqual(BigDecimal.normalize(value).value, value.value)
    assert.deepStrictEqual(value, BigDecimal.normalize(BigDecimal.make(value.value, value.scale)))
  })

  it.prop("refuses what is no number", [FastCheck.string({ unit: "binary", maxLength: 8 })], ([text]) => {
    const isNumber = /^-?\d+(\.\d*)?([eE][+-]?\d{1,2})?$/.test(text)
    assert.strictEqual(Either.isRight(Decimal.parseVenue(text)), isNumber)
  })
})

describe("arithmetic", () => {
  it.prop("never prints an exponent and reads back what it printed", [scaled, scaled], ([a, b]) => {
    const product = Decimal.round(Decimal.multiply(a, b), 18, "half-even")
    const text = Decimal.format(product)
    assert.match(text, /^-?\d+(\.\d*[1-9])?$/)
    assert.isTrue(Decimal.equals(Decimal.round(product, 18, "floor"), product))
  })

  it.prop("quantises to a multiple of the step, at most one step away", [scaled, step], ([value, by]) => {
    const low = Decimal.quantise(value, by, "floor")
    const high = Decimal.quantise(value, by, "ceil")
    assert.isTrue(Decimal.lessOrEqual(low, value) && Decimal.lessOrEqual(value, high))
    assert.isTrue(Decimal.lessThan(Decimal.subtract(value, low), by))
    assert.isTrue(Decimal.lessThan(Decimal.subtract(high, value), by))
    assert.isTrue(Decimal.isZero(Decimal.subtract(low, Decimal.multiply(Decimal.divide(low, by, 0, "floor"), by))))
  })

  it.each([
    ["0.125", 2, "half-even", "0.12"],
    ["0.135", 2, "half-even", "0.14"],
    ["-0.125", 2, "half-even", "-0.12"],
    ["-1.01", 1, "floor", "-1.1"],
    ["-1.01", 1, "ceil", "-1"],
    ["2.5", 0, "half-even", "2"]
  ] as const)("rounds %s to %i decimals by %s: %s", (value, scale, mode, expected) => {
    assert.strictEqual(Decimal.format(Decimal.round(Decimal.unsafe(value), scale, mode)), expected)
  })

  it("divides at a fixed scale", () => {
    assert.strictEqual(Decimal.format(Decimal.divide(Decimal.one, Decimal.unsafe("3"))), "0.333333333333333333")
  })

  it("takes percents and basis points exactly", () => {
    assert.strictEqual(Decimal.format(Decimal.percentOf(Decimal.unsafe("104088.05"), Decimal.unsafe("8"))), "8327.044")
    assert.strictEqual(Decimal.format(Decimal.plusBps(50)), "1.005")
    assert.strictEqual(Decimal.format(Decimal.plusBps(-50)), "0.995")
  })
})
