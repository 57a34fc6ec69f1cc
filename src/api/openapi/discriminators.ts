import type { Json, JsonObject } from "./Json.ts"
import { asObject, isList, isObject } from "./Json.ts"

/**
 * Writes a union of named objects that differ in their `type` as `oneOf` with a discriminator, so that generated clients
 * decide by it and do not try one member after the other.
 */
export const withDiscriminators = (node: Json, named: JsonObject): Json => {
  if (isList(node)) return node.map((item) => withDiscriminators(item, named))
  if (!isObject(node)) return node
  const { anyOf, ...rest } = Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, withDiscriminators(value, named)])
  )
  if (!isList(anyOf)) return anyOf === undefined ? rest : { ...rest, anyOf }
  const nulls = anyOf.filter(isNull)
  const members = anyOf.filter((member) => !isNull(member))
  const types = members.map((member) => typeOf(member, named))
  if (members.length < 2 || types.includes(null)) return { ...rest, anyOf }
  const union = {
    oneOf: members,
    discriminator: {
      propertyName: "type",
      mapping: Object.fromEntries(members.map((member, i) => [types[i] ?? "", asObject(member)["$ref"] ?? ""]))
    }
  }
  return nulls.length === 0 ? { ...rest, ...union } : { ...rest, anyOf: [union, ...nulls] }
}

const isNull = (member: Json) => asObject(member)["type"] === "null"

/** The one value of a named member's `type`; null for what cannot be told apart by it. */
const typeOf = (member: Json, named: JsonObject): string | null => {
  const reference = asObject(member)["$ref"]
  if (typeof reference !== "string") return null
  const definition = asObject(named[reference.slice(reference.lastIndexOf("/") + 1)])
  const values = asObject(asObject(definition["properties"])["type"])["enum"]
  const [only] = isList(values) && values.length === 1 ? values : []
  return typeof only === "string" ? only : null
}
