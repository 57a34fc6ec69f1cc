import { Either, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"

type Fields = Readonly<Record<string, unknown>>

const decodeObject = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

/** The parameters in a body that is a JSON object; null when it is anything else, which form text always is. */
export const jsonParameters = (body: string): ReadonlyMap<string, string> | null =>
  body.trimStart().startsWith("{")
    ? Either.match(decodeObject(body), { onLeft: () => null, onRight: parametersOf })
    : null

/** Clients send amounts and client ids as text or as JSON numbers, and lists as themselves; null is nothing. */
export const parametersOf = (fields: Fields): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(fields).flatMap(([name, value]): ReadonlyArray<readonly [string, string]> => {
      if (typeof value === "string") return [[name, value]]
      if (typeof value === "number") return [[name, plain(value)]]
      return value === null ? [] : [[name, JSON.stringify(value)]]
    })
  )

/** Without an exponent. */
const plain = (value: number): string =>
  Either.match(Decimal.parseVenue(String(value)), { onLeft: () => String(value), onRight: Decimal.format })
