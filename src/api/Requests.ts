import { ParseResult, Schema } from "effect"
import { SymbolName } from "../domain/Market.ts"
import { Instant } from "../domain/Time.ts"

/** What every route shares: strict bodies and queries, pages, and the headers of safe writes. */

/** Unknown fields are refused and every fault is told at once, here and in everything nested. */
export const strict = <S extends Schema.Annotable.All>(schema: S): Schema.Annotable.Self<S> =>
  schema.annotations({ parseOptions: { onExcessProperty: "error", errors: "all" } })

/** A query string. A route without one takes no parameter at all; the listener sees to that. */
export const query = <const Fields extends Schema.Struct.Fields>(fields: Fields) => strict(Schema.Struct(fields))

export const optional = <S extends Schema.Schema.All>(schema: S) => Schema.optionalWith(schema, { exact: true })

const wholeNumber = (low: number, high: number) =>
  Schema.transformOrFail(Schema.String, Schema.Number, {
    strict: true,
    decode: (text, _, ast) =>
      /^\d{1,9}$/.test(text) && Number(text) >= low && Number(text) <= high
        ? ParseResult.succeed(Number(text))
        : ParseResult.fail(new ParseResult.Type(ast, text, `expected a whole number from ${low} to ${high}`)),
    encode: (value) => ParseResult.succeed(String(value))
  })

/** A number in a query string; the document shows it as the integer it is. */
export const integerParameter = (low: number, high: number, example: number) =>
  wholeNumber(low, high).annotations({
    jsonSchema: { type: "integer", minimum: low, maximum: high, examples: [example] }
  })

export const defaultLimit = 50
export const Limit = integerParameter(1, 500, defaultLimit)

/** Where the next page starts; opaque, taken from `nextCursor`. */
export const Cursor = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9._~-]{1,200}$/)).annotations({
  message: () => "expected a cursor as `nextCursor` gave it",
  jsonSchema: { type: "string", examples: ["b3JkXzAxaHp5M3Y3azJtNG42cDhxMHIyczR0Nnc4"] }
})

export const paging = { limit: optional(Limit), cursor: optional(Cursor) }

/** A stretch of market time: `from` inclusive, `to` exclusive. */
export const period = { from: optional(Instant), to: optional(Instant) }

/** A list answer. */
export const page = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.Struct({ items: Schema.Array(item), nextCursor: Schema.NullOr(Schema.String) })

/** A list that has no second page, in the shape of one that has. */
export const wholePage = <A>(items: ReadonlyArray<A>) => ({ items, nextCursor: null })

/** `BTCUSDT,ETHUSDT` in a query string. */
export const SymbolNames = Schema.transform(Schema.String, Schema.Array(SymbolName), {
  strict: true,
  decode: (text) => text.split(","),
  encode: (symbols) => symbols.join(",")
}).annotations({ jsonSchema: { type: "string", examples: ["BTCUSDT,ETHUSDT"] } })

const IdempotencyKey = Schema.String.pipe(Schema.pattern(/^[\x20-\x7e]{16,64}$/)).annotations({
  message: () => "expected 16 to 64 printable ASCII characters",
  jsonSchema: { type: "string", minLength: 16, maxLength: 64, examples: ["order-2026-03-01-0001"] }
})

/** Makes a repeated request the same one: it is answered, not done again. Its absence is answered 428. */
export const idempotencyHeaders = Schema.Struct({ "idempotency-key": IdempotencyKey })

const Version = Schema.transformOrFail(Schema.String, Schema.Number, {
  strict: true,
  decode: (text, _, ast) => {
    const version = /^(?:(\d{1,9})|"(\d{1,9})")$/.exec(text.trim())
    return version === null
      ? ParseResult.fail(new ParseResult.Type(ast, text, `expected the version of the object, such as 3 or "3"`))
      : ParseResult.succeed(Number(version[1] ?? version[2]))
  },
  encode: (version) => ParseResult.succeed(`"${version}"`)
}).annotations({ jsonSchema: { type: "string", examples: ['"3"'] } })

/** The version an update was made from, as `ETag` gave it. Its absence is answered 428, another version 412. */
export const versionHeaders = Schema.Struct({ "if-match": Version })
