import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect } from "effect"
import { encodeSuccess } from "../api/Envelope.ts"
import { defaultLimit, wholePage } from "../api/Requests.ts"
import { Order } from "../domain/Order.ts"
import type { Placed } from "../orders/Orders.ts"
import { setHeader } from "./Boundary.ts"
import { json } from "./edge/headers.ts"

const encodeOrder = encodeSuccess(Order)

/** 202 while nobody can say what became of the order, else 201. */
export const orderPlaced = ({ order, replayed }: Placed) =>
  Effect.sync(() => {
    const status = order.status === "unknown" || order.status === "pending" ? 202 : 201
    const answer = HttpServerResponse.text(encodeOrder(order), { status, contentType: json })
    return replayed ? HttpServerResponse.setHeader(answer, "Idempotency-Replayed", "true") : answer
  })

/** The version to send back in `If-Match`. */
export const withETag = <A extends { readonly version: number }>(object: A) =>
  Effect.as(setHeader("ETag", `"${object.version}"`), object)

/** Symbols and tickers come whole unless a page is asked for; the cursor is the last name of the page before. */
export const pageBySymbol = <A extends { readonly symbol: string }>(
  all: ReadonlyArray<A>,
  { limit, cursor }: { readonly limit?: number; readonly cursor?: string }
) => {
  if (limit === undefined && cursor === undefined) return wholePage(all)
  const rest = [...all].sort(bySymbol).filter(({ symbol }) => cursor === undefined || symbol > cursor)
  const items = rest.slice(0, limit ?? defaultLimit)
  return { items, nextCursor: items.length < rest.length ? (items.at(-1)?.symbol ?? null) : null }
}

const bySymbol = (a: { readonly symbol: string }, b: { readonly symbol: string }) => (a.symbol < b.symbol ? -1 : 1)
