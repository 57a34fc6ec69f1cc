import { Either, Option, ParseResult, Predicate, Schema } from "effect"
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

const Text = Schema.parseJson(RuleDocument)
const Own = Schema.Struct({
  name: Schema.String,
  note: Schema.NullOr(Schema.String),
  symbol: SymbolName,
  trigger: Trigger
})

const decodeText = ParseResult.decodeEither(Text)
const encodeText = ParseResult.encodeEither(Text)
const decodeOwn = ParseResult.decodeUnknownEither(Own)

const kinds = new Map<string, RuleDocument>()

const typeOf = (trigger: unknown): unknown => (Predicate.hasProperty(trigger, "type") ? trigger.type : null)

/**
 * Rules are many and their kinds are few: name, note, pair and trigger tell them apart, the rest is often the same to
 * the letter. That rest is decoded once and shared.
 */
const decodeShared = (text: string): Either.Either<RuleDocument, ParseResult.ParseIssue> => {
  const fields = Option.getOrNull(Option.filter(Either.getRight(parse(text)), Predicate.isRecord))
  if (fields === null) return decodeText(text)
  const { name, note, symbol, trigger, ...rest } = fields
  const kind = JSON.stringify([typeOf(trigger), rest])
  const alike = kinds.get(kind)
  return alike === undefined
    ? Either.map(decodeText(text), (document) => keep(kinds, kind, document))
    : Either.map(decodeOwn({ name, note, symbol, trigger }), (own) => ({ ...alike, ...own }))
}

const parse = (text: string): Either.Either<unknown, unknown> => Either.try(() => JSON.parse(text))

export const StoredDocument = Schema.transformOrFail(Schema.String, fromSelf<RuleDocument>(), {
  strict: true,
  decode: decodeShared,
  encode: (document) => encodeText(document)
})
