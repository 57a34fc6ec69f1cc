import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Effect, Either, Option, ParseResult, Schema, SchemaAST } from "effect"
import { type ApiError, Detail, registry, VenueAnswer } from "./Errors.ts"

/**
 * The only place that knows the envelope: `{"success":true,"data":…}` and `{"success":false,"error":{code,message,…}}`.
 * One of the two files that may cast; everything that a move to Effect 4 changes in the wire shape is here.
 */

/** Annotation of a success schema: the schema of `data`, for the OpenAPI document. */
export const DataAnnotation: unique symbol = Symbol.for("dipper/api/Envelope/Data")

/** The platform's own names no character set. */
const encoding: HttpApiSchema.Encoding = { kind: "Json", contentType: "application/json; charset=utf-8" }

/**
 * Wraps the value of a success. A value that does not fit its schema is our bug: it dies and is answered 500, where a
 * failed encoding would be shown to the client as a fault of its request.
 */
export const ok = <A, I>(schema: Schema.Schema<A, I>, status: 200 | 201 | 202 = 200): Schema.Schema<A, Success<I>> => {
  const encode = ParseResult.encode(schema)
  const decode = ParseResult.decodeUnknown(schema)
  return Schema.transformOrFail(
    // `data` is the inner schema's to look at, once.
    Schema.Struct({ success: Schema.Literal(true), data: Schema.Unknown }),
    Schema.Any as unknown as Schema.Schema<A>,
    {
      strict: true,
      decode: ({ data }) => decode(data),
      encode: (value) => {
        const encoded = encode(value)
        // Synchronous schemas, that is all of ours, stay off the fiber.
        return Either.isEither(encoded) && Either.isRight(encoded)
          ? ParseResult.succeed({ success: true as const, data: encoded.right })
          : Effect.map(Effect.orDie(encoded), (data) => ({ success: true as const, data }))
      }
    }
  ).annotations({
    [HttpApiSchema.AnnotationStatus]: status,
    [HttpApiSchema.AnnotationEncoding]: encoding,
    [DataAnnotation]: schema
  }) as unknown as Schema.Schema<A, Success<I>>
}

export interface Success<I> {
  readonly success: true
  readonly data: I
}

/** A success as text, for answers that choose their own status or headers. */
export const encodeSuccess = <A, I>(schema: Schema.Schema<A, I>): ((value: A) => string) => {
  const encode = Schema.encodeSync(schema)
  return (value) => JSON.stringify({ success: true, data: encode(value) })
}

type ErrorClass = (typeof registry)[number]

const wireOf = (code: string) =>
  Schema.Struct({
    success: Schema.Literal(false),
    error: Schema.Struct({
      code: Schema.Literal(code),
      message: Schema.String,
      details: Schema.optionalWith(Schema.Array(Detail), { exact: true }),
      venue: Schema.optionalWith(VenueAnswer, { exact: true }),
      retryable: Schema.optionalWith(Schema.Boolean, { exact: true }),
      requestId: Schema.optionalWith(Schema.String, { exact: true })
    })
  })
type Wire = Schema.Schema.Type<ReturnType<typeof wireOf>>

// A class schema is a transformation; its own annotations are on the declaration it leads to.
const annotationsOf = (Class: ErrorClass): SchemaAST.Annotations => Class.ast.to.annotations

export const codeOf = (Class: ErrorClass): ApiError["_tag"] => Class._tag
export const statusOf = (Class: ErrorClass): number => annotationsOf(Class)[HttpApiSchema.AnnotationStatus] as number
export const descriptionOf = (Class: ErrorClass): string =>
  Option.getOrElse(SchemaAST.getDescriptionAnnotation({ annotations: annotationsOf(Class) }), () => "")

const toWire = (error: ApiError, requestId?: string): Wire => ({
  success: false,
  error: {
    code: error._tag,
    message: error.message,
    ...(error.details === undefined ? {} : { details: error.details }),
    ...(error.venue === undefined ? {} : { venue: error.venue }),
    ...(error.retryable === undefined ? {} : { retryable: error.retryable }),
    ...(requestId === undefined ? {} : { requestId })
  }
})

const failureSchema = (Class: ErrorClass) =>
  Schema.transform(wireOf(Class._tag), Schema.instanceOf(Class as new (_: never) => ApiError), {
    strict: true,
    decode: ({ error: { code: _code, requestId: _requestId, ...fields } }) => new Class(fields) as ApiError,
    encode: (error) => toWire(error)
  }).annotations({ [HttpApiSchema.AnnotationStatus]: statusOf(Class), description: descriptionOf(Class) })

// One schema per class, so that an error declared at several levels is one member of the union.
const schemas = new Map(registry.map((Class) => [Class as ErrorClass, failureSchema(Class)]))

/** Declares errors of an endpoint or a middleware: each a class instance in the typed client, an envelope on the wire. */
export const failures = <const Classes extends ReadonlyArray<ErrorClass>>(
  ...classes: Classes
): Schema.Schema<InstanceType<Classes[number]>, Wire> =>
  Schema.Union(...classes.map((Class) => schemas.get(Class) as Schema.Schema.Any)) as never

const statuses = new Map<string, number>(registry.map((Class) => [Class._tag, statusOf(Class)]))

export const isApiError = (value: unknown): value is ApiError =>
  value instanceof Error && "_tag" in value && statuses.has(String(value._tag))

/** A failure as it leaves: the request id enters here and nowhere else. */
export const renderFailure = (
  error: ApiError,
  requestId: string
): { readonly status: number; readonly body: string } => ({
  status: statuses.get(error._tag) ?? 500,
  body: JSON.stringify(toWire(error, requestId))
})

/**
 * An API whose every endpoint may answer with the errors of the boundary. `HttpApi.make` would start from the
 * platform's own decode error, which never leaves this service.
 */
export const makeApi = <const Id extends string, const Classes extends ReadonlyArray<ErrorClass>>(
  id: Id,
  ...everywhere: Classes
): HttpApi.HttpApi<Id, never, InstanceType<Classes[number]>> => {
  const api = HttpApi.make(id)
  Object.assign(api, { errorSchema: failures(...everywhere) })
  return api as unknown as HttpApi.HttpApi<Id, never, InstanceType<Classes[number]>>
}
