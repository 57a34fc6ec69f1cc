import { Either, Option, Schema } from "effect"
import type { ClientOrderId } from "../../domain/Ids.ts"
import { asUnknown } from "../classify.ts"
import type { OrderRequest } from "../OrderRequest.ts"
import { failureOf } from "../Reply.ts"
import { OutcomeUnknown, type VenueRateLimited, type VenueRefused } from "../VenueFailure.ts"
import { Id } from "../wire/Fields.ts"
import { BatchItem } from "../wire/rest/RestAccount.ts"
import { readError } from "../wire/rest/RestError.ts"

/** What became of one order of a batch. `unknown`: only the venue can say; `refused`: no order exists. */
export type BatchResult = { readonly clientOrderId: ClientOrderId } & (
  | { readonly type: "accepted"; readonly exchangeOrderId: string }
  | { readonly type: "refused"; readonly failure: VenueRefused | VenueRateLimited }
  | { readonly type: "unknown"; readonly failure: OutcomeUnknown }
)

export const unknownResult = (clientOrderId: ClientOrderId, failure: OutcomeUnknown): BatchResult => ({
  clientOrderId,
  type: "unknown",
  failure
})

const readItem = Schema.decodeUnknownOption(BatchItem)
const readId = Schema.decodeUnknownOption(Id)

const echoOf = (item: unknown): string | null =>
  Option.match(readItem(item), {
    onNone: () => null,
    onSome: ({ clientOrderId, newClientOrderId }) => newClientOrderId ?? clientOrderId
  })

const unread = new OutcomeUnknown({ message: "The venue's answer does not say what became of this order." })

const resultOf = (clientOrderId: ClientOrderId, item: unknown, scrub: (text: string) => string): BatchResult => {
  const said = readError(item)
  if (Option.isSome(said)) {
    const failure = asUnknown(failureOf(said.value, scrub))
    return failure._tag === "VenueRefused" || failure._tag === "VenueRateLimited"
      ? { clientOrderId, type: "refused", failure }
      : unknownResult(clientOrderId, unread)
  }
  const orderId = Option.flatMap(readItem(item), (read) => readId(read.orderId))
  return Option.match(orderId, {
    onNone: () => unknownResult(clientOrderId, unread),
    onSome: (exchangeOrderId) => ({ clientOrderId, type: "accepted" as const, exchangeOrderId })
  })
}

/**
 * The venue answers in the order of the request, and names some items by their client id. An item that names an order
 * is that order's; one without a name counts by its place, if the answer has as many items as the request. What is
 * named twice, or by nobody, is unknown.
 */
export const batchResults = (
  orders: ReadonlyArray<OrderRequest>,
  items: ReadonlyArray<unknown>,
  scrub: (text: string) => string
): ReadonlyArray<BatchResult> => {
  const echoes = items.map(echoOf)
  return orders.map(({ clientOrderId }, i) => {
    const named = items.filter((_, at) => echoes[at] === clientOrderId)
    if (named.length > 1) return unknownResult(clientOrderId, unread)
    if (named.length === 1) return resultOf(clientOrderId, named[0], scrub)
    return items.length === orders.length && echoes[i] === null
      ? resultOf(clientOrderId, items[i], scrub)
      : unknownResult(clientOrderId, unread)
  })
}

/** Why a batch may not be sent, or none. */
export const batchProblem = (orders: ReadonlyArray<OrderRequest>): Either.Either<void, string> => {
  if (orders.length === 0) return Either.left("A batch needs an order.")
  if (orders.length > 20) return Either.left("A batch has at most twenty orders.")
  if (new Set(orders.map(({ symbol }) => symbol)).size > 1) return Either.left("A batch is about one pair.")
  return new Set(orders.map(({ clientOrderId }) => clientOrderId)).size < orders.length
    ? Either.left("Two orders of a batch have the same client order id.")
    : Either.right(undefined)
}
