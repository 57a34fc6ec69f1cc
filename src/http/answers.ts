import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect } from "effect"
import { encodeSuccess } from "../api/Envelope.ts"
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
