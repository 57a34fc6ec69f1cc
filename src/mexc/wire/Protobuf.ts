import { Either, Option, ParseResult, Schema } from "effect"
import protobuf from "protobufjs/light.js"

/**
 * One declaration per message gives both its protobuf type and its Schema. proto3 leaves default values out, so a
 * missing text is "", a missing number 0, a missing flag false, a missing list empty.
 */

interface FieldSpec {
  readonly id: number
  readonly type: string
  readonly repeated: boolean
  /** Its absence is told apart from its default. */
  readonly optional: boolean
}

const fieldSpecs = new WeakMap<object, FieldSpec>()
const messageNames = new WeakMap<object, string>()
const root = new protobuf.Root()

const numbered = <A extends object>(field: A, spec: FieldSpec): A => {
  fieldSpecs.set(field, spec)
  return field
}

export const text = (id: number) =>
  numbered(Schema.optionalWith(Schema.String, { default: () => "" }), {
    id,
    type: "string",
    repeated: false,
    optional: false
  })

/** A proto3 `optional string`: absence is told apart from "". */
export const optionalText = (id: number) =>
  numbered(Schema.optional(Schema.String), { id, type: "string", repeated: false, optional: true })

export const int32 = (id: number) =>
  numbered(Schema.optionalWith(Schema.Int, { default: () => 0 }), {
    id,
    type: "int32",
    repeated: false,
    optional: false
  })

/** 64-bit on the wire; every one MEXC sends is a time and fits a number, one that does not is refused. */
export const int64 = (id: number) =>
  numbered(Schema.optionalWith(Schema.Int, { default: () => 0 }), {
    id,
    type: "int64",
    repeated: false,
    optional: false
  })

export const optionalInt64 = (id: number) =>
  numbered(Schema.optional(Schema.Int), { id, type: "int64", repeated: false, optional: true })

export const flag = (id: number) =>
  numbered(Schema.optionalWith(Schema.Boolean, { default: () => false }), {
    id,
    type: "bool",
    repeated: false,
    optional: false
  })

const nameOf = (message: object): string =>
  Option.getOrThrowWith(
    Option.fromNullable(messageNames.get(message)),
    () => new Error("a protobuf field refers to a schema that is not a message")
  )

export const listOf = <A, I>(id: number, message: Schema.Schema<A, I>) =>
  numbered(Schema.optionalWith(Schema.Array(message), { default: () => [] }), {
    id,
    type: nameOf(message),
    repeated: true,
    optional: false
  })

export const optionalMessage = <A, I>(id: number, message: Schema.Schema<A, I>) =>
  numbered(Schema.optional(message), { id, type: nameOf(message), repeated: false, optional: true })

/** From a decoded protobuf message to the plain value its Schema describes, by message name. */
const plainReaders = new Map<string, Function>()

/** The end of the year 9999: a later one cannot be written down. */
const latestTime = 253_402_300_799_999

const wholeNumber = (value: number | { readonly toNumber: () => number }): number => {
  const number = typeof value === "number" ? value : value.toNumber()
  if (Math.abs(number) <= latestTime) return number
  throw new RangeError("a 64-bit number of the venue is no time")
}

/**
 * A Schema takes ten times as long as the protobuf library for a message whose types that library has just made sure
 * of. So the step to the plain value is generated from the same declaration, by the generator the library makes its
 * own decoders with; a test holds it against the Schema.
 */
const plainReader = (name: string, fields: Schema.Struct.Fields): Function => {
  const readers: Record<string, Function> = {}
  const read = (key: string, { repeated, type }: FieldSpec): string => {
    const reader = plainReaders.get(type)
    if (reader === undefined) return type === "int64" ? `whole(m.${key})` : `m.${key}`
    readers[`read_${type}`] = reader
    return repeated ? `m.${key}.map(read_${type})` : `read_${type}(m.${key})`
  }
  const specs = Object.entries(fields).flatMap(([key, field]) => {
    const spec = fieldSpecs.get(field)
    return spec === undefined ? [] : [{ key, spec }]
  })
  const always = specs.filter(({ spec }) => !spec.optional).map(({ key, spec }) => `${key}:${read(key, spec)}`)
  const generate = protobuf.util.codegen(["m"], `${name}$plain`)
  generate(`var o={${always.join(",")}}`)
  for (const { key, spec } of specs) if (spec.optional) generate(`if(has.call(m,"${key}"))o.${key}=${read(key, spec)}`)
  generate("return o")
  return generate({ ...readers, whole: wholeNumber, has: Object.prototype.hasOwnProperty })
}

/** Declares a message; the ones it refers to stand before it. */
export const message = <Fields extends Schema.Struct.Fields>(name: string, fields: Fields): Schema.Struct<Fields> => {
  const type = new protobuf.Type(name)
  for (const [key, field] of Object.entries(fields)) {
    const spec = fieldSpecs.get(field)
    if (spec !== undefined)
      type.add(new protobuf.Field(key, spec.id, spec.type, spec.repeated ? "repeated" : undefined))
  }
  root.add(type)
  plainReaders.set(name, plainReader(name, fields))
  const schema = Schema.Struct(fields)
  messageNames.set(schema, name)
  return schema
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const withoutDefaults = (value: object): Record<string, unknown> => {
  const kept: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined || inner === "" || inner === 0 || inner === false) continue
    if (Array.isArray(inner)) kept[key] = inner.map((item) => (isObject(item) ? withoutDefaults(item) : item))
    else kept[key] = isObject(inner) ? withoutDefaults(inner) : inner
  }
  return kept
}

/** Encoder and decoder of one declared message. */
export const codec = <A, I>(schema: Schema.Schema<A, I>) => {
  const name = nameOf(schema)
  const type = root.lookupType(name)
  const reader = Option.getOrThrow(Option.fromNullable(plainReaders.get(name)))
  const toPlain = (message: unknown): A => Reflect.apply(reader, undefined, [message])
  return {
    /** The compiler has seen to the types of the value, so the library need not convert it first. */
    encode: (value: I): Uint8Array => type.encode(isObject(value) ? withoutDefaults(value) : {}).finish(),
    decode: (bytes: Uint8Array): Either.Either<A, ParseResult.ParseError> =>
      Either.try({
        try: () => toPlain(type.decode(bytes)),
        catch: () =>
          new ParseResult.ParseError({
            issue: new ParseResult.Type(schema.ast, bytes.length, "the bytes are not a protobuf message of this type")
          })
      })
  }
}
