import { type Context, Effect, Either } from "effect"
import type { OrderType, Side } from "../../../domain/Market.ts"
import type { Exchange } from "../../Exchange.ts"
import * as Refusals from "../../Refusals.ts"
import type { OrderReference, PlaceRequest } from "../../Requests.ts"
import type { VenueRejection } from "../../VenueRejection.ts"
import type { ApiRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"

type Service = Context.Tag.Service<typeof Exchange>

const sides = new Map<string, Side>([
  ["BUY", "buy"],
  ["SELL", "sell"]
])
const types = new Map<string, OrderType>([
  ["MARKET", "market"],
  ["LIMIT", "limit"],
  // How the documentation's sample of a batch spells it.
  ["LIMIT_ORDER", "limit"],
  ["LIMIT_MAKER", "limitMaker"],
  ["IMMEDIATE_OR_CANCEL", "immediateOrCancel"],
  ["FILL_OR_KILL", "fillOrKill"]
])
const stpModes = new Map([
  ["", ""],
  ["cancel_maker", "cancel_maker"],
  ["cancel_taker", "cancel_taker"],
  ["cancel_both", "cancel_both"]
])

const parse = (request: ApiRequest): Parameters.Read<PlaceRequest> =>
  Either.gen(function* () {
    const stpMode = stpModes.get(request.parameters.get("stpMode") ?? "")
    if (stpMode === undefined) return yield* Either.left(Refusals.parameterWrong("stpMode"))
    return {
      symbol: yield* Parameters.text(request, "symbol"),
      side: yield* Parameters.choice(request, "side", sides),
      type: yield* Parameters.choice(request, "type", types),
      quantity: yield* Parameters.optionalDecimal(request, "quantity"),
      quoteOrderQty: yield* Parameters.optionalDecimal(request, "quoteOrderQty"),
      price: yield* Parameters.optionalDecimal(request, "price"),
      clientOrderId: request.parameters.get("newClientOrderId") ?? null,
      stpMode
    }
  })

/**
 * An order as it was sent. The exchange judges a complete one; of one that cannot be read the pair is judged first,
 * as the venue does.
 */
export const readOrder = (exchange: Service, request: ApiRequest): Effect.Effect<PlaceRequest, VenueRejection> =>
  Either.match(parse(request), {
    onRight: Effect.succeed,
    onLeft: (unreadable) =>
      Effect.flatMap(Parameters.pair(request, exchange), ({ apiTrading, status }) => {
        if (!apiTrading) return Refusals.symbolNotForApi()
        if (status === "1") return unreadable
        return status === "2" ? Refusals.symbolSuspended() : Refusals.symbolPaused()
      })
  })

export const readReference = (request: ApiRequest): Parameters.Read<OrderReference> => {
  const orderId = Parameters.optionalText(request, "orderId")
  const clientOrderId = Parameters.optionalText(request, "origClientOrderId")
  if (orderId !== null) return Either.right({ orderId })
  return clientOrderId === null
    ? Either.left(Refusals.parameterMissing("orderId' or 'origClientOrderId"))
    : Either.right({ clientOrderId })
}
