import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect, type Schema } from "effect"
import { encodeSuccess } from "../api/Envelope.ts"
import { defaultLimit, wholePage } from "../api/Requests.ts"
import { setHeader } from "./Boundary.ts"
import { json } from "./edge/headers.ts"

/** The answer to a write with a key: its status is the write's own, and a repetition says that it is one. */
export const written = <A, I>(schema: Schema.Schema<A, I>) => {
  const encode = encodeSuccess(schema)
  return (value: A, replayed: boolean, status: 200 | 201 | 202) => {
    const answer = HttpServerResponse.text(encode(value), { status, contentType: json })
    return replayed ? HttpServerResponse.setHeader(answer, "Idempotency-Replayed", "true") : answer
  }
}

/** The version to send back in `If-Match`. */
export const withETag = <A extends { readonly version: number }>(object: A) =>
  Effect.as(setHeader("ETag", `"${object.version}"`), object)

/** A page as the services want it asked for. */
export const paged = <Query extends { readonly limit?: number }>(asked: Query) => ({ limit: defaultLimit, ...asked })

/** Symbols and tickers come whole unless a page is asked for; the cursor is the last name of the page before. */
export const pageBySymbol = <A extends { readonly symbol: string }>(
  all: ReadonlyArray<A>,
  { cursor, limit }: { readonly limit?: number; readonly cursor?: string }
) => {
  if (limit === undefined && cursor === undefined) return wholePage(all)
  const rest = [...all].sort(bySymbol).filter(({ symbol }) => cursor === undefined || symbol > cursor)
  const items = rest.slice(0, limit ?? defaultLimit)
  return { items, nextCursor: items.length < rest.length ? (items.at(-1)?.symbol ?? null) : null }
}

const bySymbol = (a: { readonly symbol: string }, b: { readonly symbol: string }) => (a.symbol < b.symbol ? -1 : 1)
