import { Either, ParseResult, Predicate, Schema } from "effect"
import { SymbolName } from "../../domain/Market.ts"
import { RuleDocument } from "../../domain/Rule.ts"
import { Trigger } from "../../domain/rule/Trigger.ts"

/** So many different texts are remembered; then it begins anew. */
const remembered = 2_000

/** Decodes a text once: rows with the same text share one value, which nobody changes. */
export const sharedByText = <A>(schema: Schema.Schema<A, string>): Schema.Schema<A, string> => {
  const known = new Map<string, A>()
  const decode = ParseResult.decodeEither(schema)
  const encode = ParseResult.encodeEither(schema)
  return Schema.transformOrFail(Schema.String, fromSelf<A>(), {
    strict: true,
    decode: (text) => {
      const found = known.get(text)
      return found === undefined ? Either.map(decode(text), (value) => keep(known, text, value)) : Either.right(found)
    },
    encode: (value) => encode(value)
  })
}

const keep = <A>(known: Map<string, A>, key: string, value: A): A => {
  if (known.size >= remembered) known.clear()
  known.set(key, value)
  return value
}

/** What our own decoder made is not looked through again. */
const fromSelf = <A>() => Schema.declare((value): value is A => Predicate.isObject(value))

const Own = Schema.Struct({
  name: Schema.String,
  note: Schema.NullOr(Schema.String),
  symbol: SymbolName,
  trigger: Trigger
})

const decodeWhole = ParseResult.decodeUnknownEither(RuleDocument)
const decodeOwn = ParseResult.decodeUnknownEither(Own)

const kinds = new Map<string, RuleDocument>()

const typeOf = (trigger: unknown): unknown => (Predicate.hasProperty(trigger, "type") ? trigger.type : null)

const decodeShared = (value: unknown): Either.Either<RuleDocument, ParseResult.ParseIssue> => {
  if (!Predicate.isRecord(value)) return decodeWhole(value)
  const { name, note, symbol, trigger, ...rest } = value
  const kind = JSON.stringify([typeOf(trigger), rest])
  const alike = kinds.get(kind)
  return alike === undefined
    ? Either.map(decodeWhole(value), (document) => keep(kinds, kind, document))
    : Either.map(decodeOwn({ name, note, symbol, trigger }), (own) => ({ ...alike, ...own }))
}

/**
 * Rules are many and their kinds are few: name, note, pair and trigger tell them apart, the rest is often the same to
 * the letter. That rest is decoded once and shared.
 */
export const SharedDocument = Schema.transformOrFail(Schema.Unknown, fromSelf<RuleDocument>(), {
  strict: true,
  decode: decodeShared,
  encode: ParseResult.encodeEither(RuleDocument)
})

export const StoredDocument = Schema.parseJson(SharedDocument)
