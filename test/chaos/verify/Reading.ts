import { exact, type Exact } from "./Exact.ts"

/** A record is not what it must be: nothing can be said about the run. */
export class Unreadable extends Error {}

export type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const wrong = (value: Json, name: string, expected: string): Unreadable =>
  new Unreadable(`"${name}" is not ${expected}: ${JSON.stringify(value).slice(0, 300)}`)

export const objectOf = (value: unknown): Json => {
  if (!isJson(value)) throw new Unreadable(`not an object: ${JSON.stringify(value)?.slice(0, 300)}`)
  return value
}

export const text = (value: Json, name: string): string => {
  const found = value[name]
  if (typeof found !== "string") throw wrong(value, name, "a text")
  return found
}

export const number = (value: Json, name: string): number => {
  const found = value[name]
  if (typeof found !== "number") throw wrong(value, name, "a number")
  return found
}

export const flag = (value: Json, name: string): boolean => {
  const found = value[name]
  if (typeof found !== "boolean") throw wrong(value, name, "true or false")
  return found
}

export const object = (value: Json, name: string): Json => {
  const found = value[name]
  if (!isJson(found)) throw wrong(value, name, "an object")
  return found
}

export const list = (value: Json, name: string): ReadonlyArray<unknown> => {
  const found = value[name]
  if (!Array.isArray(found)) throw wrong(value, name, "a list")
  return found
}

export const objects = (value: Json, name: string): ReadonlyArray<Json> => list(value, name).map(objectOf)

export const texts = (value: Json, name: string): ReadonlyArray<string> =>
  list(value, name).map((each) => {
    if (typeof each !== "string") throw wrong(value, name, "a list of texts")
    return each
  })

/** A decimal as both services write it: plain digits in a text. */
export const amount = (value: Json, name: string): Exact => {
  const found = exact(text(value, name))
  if (found === null) throw wrong(value, name, "a decimal")
  return found
}

/** An instant of the API, in milliseconds. */
export const instant = (value: Json, name: string): number => {
  const found = Date.parse(text(value, name))
  if (Number.isNaN(found)) throw wrong(value, name, "an instant")
  return found
}

/** Null is a value here; a field that is missing is not. */
export const orNull = <A>(read: (value: Json, name: string) => A, value: Json, name: string): A | null => {
  if (!(name in value)) throw wrong(value, name, "there")
  return value[name] === null ? null : read(value, name)
}

/** The whole of a value as text, independent of the order of its fields. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isJson(value)) return JSON.stringify(value) ?? "undefined"
  const fields = Object.keys(value).toSorted()
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
}
