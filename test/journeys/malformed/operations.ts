import { asObject, isList, isObject, type Json, type JsonObject } from "../../../src/api/openapi/Json.ts"
import type { Dice } from "./Dice.ts"

export interface Parameter {
  readonly name: string
  readonly place: "path" | "query" | "header"
  readonly required: boolean
  readonly schema: Json
}

/** One route as the document describes it. */
export interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly parameters: ReadonlyArray<Parameter>
  readonly body: { readonly schema: Json; readonly example: Json | undefined } | null
}

const placeOf = (text: Json | undefined): Parameter["place"] => (text === "path" || text === "query" ? text : "header")

export const operationsOf = (document: JsonObject): ReadonlyArray<Operation> =>
  Object.entries(asObject(document["paths"])).flatMap(([path, methods]) =>
    Object.entries(asObject(methods)).map(([method, described]) => {
      const operation = asObject(described)
      const parameters = operation["parameters"]
      const body = operation["requestBody"]
      const json = asObject(asObject(asObject(body)["content"])["application/json"])
      return {
        id: String(operation["operationId"]),
        method: method.toUpperCase(),
        path,
        parameters: (isList(parameters) ? parameters : []).map((parameter) => {
          const { in: place, name, required, schema = {} } = asObject(parameter)
          return { name: String(name), place: placeOf(place), required: required === true, schema }
        }),
        body: isObject(body) ? { schema: json["schema"] ?? {}, example: json["example"] } : null
      }
    })
  )

/** Texts that some field or other takes. */
const texts = [
  "BTCUSDT",
  "12.5",
  "0.001",
  "PT10M",
  "2026-03-01T09:00:00.000Z",
  "09:00",
  "Europe/Berlin",
  "rule_01hzy3v7k2m4n6p8q0r2s4t6w8",
  "ord_01hzy3v7k2m4n6p8q0r2s4t6w8",
  "BTC",
  "manual",
  "some text"
]

const deepest = 6

/** A value that the schema more or less asks for: what is wrong with it otherwise is put in afterwards. */
export const valueOf = (document: JsonObject, schema: Json, dice: Dice, depth = 0): Json => {
  const described = asObject(schema)
  const ref = described["$ref"]
  if (typeof ref === "string") {
    const named = asObject(asObject(document["components"])["schemas"])[ref.split("/").at(-1) ?? ""]
    return valueOf(document, named ?? {}, dice, depth + 1)
  }
  const options = described["oneOf"] ?? described["anyOf"] ?? described["enum"]
  if (described["const"] !== undefined) return described["const"]
  if (isList(options)) {
    const picked = dice.pick(options)
    return described["enum"] === options ? picked : valueOf(document, picked, dice, depth + 1)
  }
  const examples = described["examples"]
  if (isList(examples) && examples.length > 0 && dice.chance(0.7)) return dice.pick(examples)
  switch (described["type"]) {
    case "boolean":
      return dice.chance(0.5)
    case "integer":
    case "number":
      return Number(described["minimum"] ?? 1) + dice.below(3)
    case "array":
      return depth > deepest
        ? []
        : Array.from({ length: dice.below(3) }, () => valueOf(document, described["items"] ?? {}, dice, depth + 1))
    case "object": {
      const required = described["required"]
      const wanted = Object.entries(asObject(described["properties"])).filter(
        ([name]) => (isList(required) && required.includes(name)) || (depth <= deepest && dice.chance(0.5))
      )
      return Object.fromEntries(wanted.map(([name, field]) => [name, valueOf(document, field, dice, depth + 1)]))
    }
    default:
      return dice.pick(texts)
  }
}
