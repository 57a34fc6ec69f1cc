import { Predicate } from "effect"

/** JSON as it is written, for documents that are built and walked. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [name: string]: Json }
export type JsonObject = { readonly [name: string]: Json }

export const isList = (value: Json | undefined): value is ReadonlyArray<Json> => Array.isArray(value)
export const isObject = (value: Json | undefined): value is JsonObject => Predicate.isRecord(value) && !isList(value)
export const asObject = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})

/** What `JSON.stringify` makes of a value. */
export const toJson = (value: unknown): Json => {
  const json: Json = JSON.parse(JSON.stringify(value))
  return json
}
