import { Effect, Encoding, Either, Schema } from "effect"
import { ValidationFailed } from "../../api/Errors.ts"

/** Cursors are opaque to clients: base64url of the last key of a page. */
export const encodeCursor = (key: string | number): string => Encoding.encodeBase64Url(String(key))

const refused = new ValidationFailed({
  message: "The cursor is not one that `nextCursor` gave.",
  details: [{ path: "cursor", message: "expected a cursor as `nextCursor` gave it" }]
})

/** The key a page continues after; null for the first page. */
export const decodeCursor = <A, I extends string>(
  key: Schema.Schema<A, I>,
  cursor: string | undefined
): Effect.Effect<A | null, ValidationFailed> => {
  if (cursor === undefined) return Effect.succeed(null)
  const text = Encoding.decodeBase64UrlString(cursor)
  return Either.isLeft(text)
    ? Effect.fail(refused)
    : Effect.mapError(Schema.decodeUnknown(key)(text.right), () => refused)
}

/** Rows were read one beyond the page, to know whether another follows. */
export const toPage = <Row, A>(
  rows: ReadonlyArray<Row>,
  limit: number,
  keyOf: (row: Row) => string | number,
  show: (row: Row) => A
): { readonly items: ReadonlyArray<A>; readonly nextCursor: string | null } => {
  const shown = rows.slice(0, limit)
  const last = shown[shown.length - 1]
  return {
    items: shown.map(show),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null
  }
}
