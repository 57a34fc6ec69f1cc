import * as HttpApi from "@effect/platform/HttpApi"
import * as PlatformOpenApi from "@effect/platform/OpenApi"
import { Context, JSONSchema, Option, Predicate, type SchemaAST } from "effect"
import { Api } from "../Api.ts"
import { FreshFactor, RequiredScope } from "../Authorization.ts"
import { DataAnnotation, descriptionOf, statusOf } from "../Envelope.ts"
import { EventStreamed } from "../stream/Events.ts"
import { registry } from "../Errors.ts"
import { examples } from "./examples.ts"
import { withDiscriminators } from "./discriminators.ts"
import { asObject, type Json, type JsonObject, toJson } from "./Json.ts"

const components = "#/components/schemas/"

/**
 * The OpenAPI 3.1 document of {@link Api}. The platform's own document is the base for parameters and security; bodies
 * are written again from our schemas, because it sees only the encoded side of an envelope and loses the names.
 */
export const openApi = (version: string): JsonObject => {
  const base = asObject(toJson(PlatformOpenApi.fromApi(Api)))
  const definitions: Record<string, JSONSchema.JsonSchema7> = {}
  const schemaOf = (ast: SchemaAST.AST): Json =>
    toJson(JSONSchema.fromAST(ast, { definitions, definitionPath: components, target: "openApi3.1" }))

  const paths: Record<string, Record<string, Json>> = {}
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, mergedAnnotations, successes }) => {
      const path = endpoint.path.replace(/:(\w+)/g, "{$1}")
      const method = endpoint.method.toLowerCase()
      const operation = asObject(asObject(asObject(base["paths"])[path])[method])
      const example = examples[endpoint.name]
      const scope = Option.getOrNull(Context.getOption(mergedAnnotations, RequiredScope))
      const fresh = Option.isSome(Context.getOption(mergedAnnotations, FreshFactor))
      const streamed = Option.getOrNull(Context.getOption(mergedAnnotations, EventStreamed))
      const succeeded = [...successes].flatMap(([status, { ast }]) =>
        Option.match(ast, {
          onNone: () => [],
          onSome: (found) => {
            const answer = success(schemaOf(dataOf(found)), example?.response)
            return [[String(status), streamed === null ? answer : alsoStreamed(answer, streamed, schemaOf)] as const]
          }
        })
      )
      paths[path] ??= {}
      paths[path][method] = {
        summary: titleOf(endpoint.name),
        ...operation,
        operationId: endpoint.name,
        ...(scope === null
          ? {}
          : { "x-required-scope": scope, description: `Needs the scope \`${scope}\`.${fresh ? freshness : ""}` }),
        ...(fresh ? { "x-fresh-factor": true } : {}),
        ...Option.match(endpoint.payloadSchema, {
          onNone: () => ({}),
          onSome: (payload) => ({
            requestBody: { required: true, content: content(schemaOf(payload.ast), example?.request) }
          })
        }),
        responses: { ...failuresOf(asObject(operation["responses"])), ...Object.fromEntries(succeeded) }
      }
    }
  })

  const named = asObject(
    toJson({ ...asObject(asObject(base["components"])["schemas"]), ...definitions, Error: errorSchema })
  )
  const document = {
    ...base,
    info: { title: "Dipper", version, description: "Auto-buy service for the MEXC exchange." },
    servers: [{ url: "/" }],
    paths,
    components: { ...asObject(base["components"]), schemas: named }
  }
  return asObject(withDiscriminators(document, named))
}

/** `listRuleDecisions` reads "List rule decisions". */
/** Where people sign in. */
const freshness =
  " Whoever is signed in must have proven who they are within ten minutes; a key of a service where people sign in cannot do it."

const titleOf = (name: string): string =>
  name.charAt(0).toUpperCase() + name.slice(1).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

const content = (schema: Json, example?: unknown): JsonObject => ({
  "application/json": { schema, ...(example === undefined ? {} : { example: toJson(example) }) }
})

const success = (data: Json, example?: unknown): JsonObject => ({
  description: "Success",
  content: content(
    {
      type: "object",
      required: ["success", "data"],
      properties: { success: { type: "boolean", enum: [true] }, data }
    },
    example === undefined ? undefined : { success: true, data: example }
  )
})

/** The same route as a stream: the document can only say that it is text, so its messages are described by name. */
const alsoStreamed = (
  answer: JsonObject,
  { data, example }: typeof EventStreamed.Service,
  schemaOf: (ast: SchemaAST.AST) => Json
): JsonObject => ({
  ...answer,
  description: "Success; a stream of Server-Sent Events for `Accept: text/event-stream`.",
  content: {
    ...asObject(answer["content"]),
    "text/event-stream": {
      schema: {
        type: "string",
        description: "Messages with `id:` (the sequence), `event:` (the name) and `data:` (JSON), and comments.",
        "x-message-data": Object.fromEntries(Object.entries(data).map(([name, schema]) => [name, schemaOf(schema.ast)]))
      },
      example
    }
  }
})

/** The value inside the envelope. */
const dataOf = (ast: SchemaAST.AST): SchemaAST.AST => {
  // One status may be declared twice with the same value, then it is a union of envelopes.
  const envelope = ast._tag === "Union" ? ast.types[0] : ast
  const data: unknown = envelope?.annotations[DataAnnotation]
  if (!Predicate.hasProperty(data, "ast") || !isAst(data.ast))
    throw new TypeError("A success schema must come from ok()")
  return data.ast
}
const isAst = (value: unknown): value is SchemaAST.AST =>
  Predicate.hasProperty(value, "_tag") && Predicate.hasProperty(value, "annotations")

const codes = registry.map((Class) => Class._tag)

const errorSchema: JsonObject = {
  type: "object",
  required: ["code", "message"],
  properties: {
    code: { type: "string", enum: codes },
    message: { type: "string" },
    details: { type: "array", items: { $ref: `${components}Detail` } },
    venue: { $ref: `${components}VenueAnswer` },
    retryable: { type: "boolean" },
    requestId: { type: "string" }
  }
}

/** One answer per status, with the codes that it may have on this route: nobody has to tell a union apart. */
const failuresOf = (responses: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(responses)
      .filter(([status]) => Number(status) >= 400)
      .map(([status, response]) => {
        const text = JSON.stringify(response)
        const possible = registry.filter(
          (Class) => statusOf(Class) === Number(status) && text.includes(`"${Class._tag}"`)
        )
        return [
          status,
          {
            description: possible.map((Class) => `\`${Class._tag}\`: ${descriptionOf(Class)}`).join("\n\n"),
            content: content({
              type: "object",
              required: ["success", "error"],
              properties: {
                success: { type: "boolean", enum: [false] },
                error: {
                  allOf: [
                    { $ref: `${components}Error` },
                    { type: "object", properties: { code: { enum: possible.map((Class) => Class._tag) } } }
                  ]
                }
              }
            })
          }
        ]
      })
  )
