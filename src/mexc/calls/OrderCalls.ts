import { Effect, Either, Schema } from "effect"
import type { ClientOrderId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { Credentials } from "../Credentials.ts"
import { type OrderRequest, orderParameters } from "../OrderRequest.ts"
import type { Transport } from "../Transport.ts"
import { type VenueFailure, VenueRefused } from "../VenueFailure.ts"
import * as Rest from "../wire/rest/RestAccount.ts"
import type { Endpoint } from "../wire/Weights.ts"
import { type BatchResult, batchProblem, batchResults, unknownResult } from "./batchResults.ts"

type Asked<A> = Effect.Effect<A, VenueFailure>

/** The signed endpoints that place and end orders, but for the one order of `placeOrder`. */
export interface OrderCalls {
  /** A dry run: the venue checks it and books nothing. */
  readonly testOrder: (credentials: Credentials, order: OrderRequest) => Asked<void>
  /**
   * Up to twenty orders of one pair, not atomic; sent once, like `placeOrder`. A result per order, in the order of the
   * request; where nobody knows what became of the batch, each of them is unknown. A failure = no order exists.
   */
  readonly placeOrders: (
    credentials: Credentials,
    orders: ReadonlyArray<OrderRequest>,
    beforeSend: Effect.Effect<void>
  ) => Asked<ReadonlyArray<BatchResult>>
  /** Succeeds when the venue took the cancel or knows the order as finished already (−2011): query for the state. */
  readonly cancelOrder: (credentials: Credentials, symbol: SymbolName, clientOrderId: ClientOrderId) => Asked<void>
  readonly cancelByExchangeId: (credentials: Credentials, symbol: SymbolName, exchangeOrderId: string) => Asked<void>
  /** Every open order of a pair; the venue's ids of those it says it cancels. */
  readonly cancelOpenOrders: (credentials: Credentials, symbol: SymbolName) => Asked<ReadonlyArray<string>>
  /** Every open order of every pair. */
  readonly cancelAllOrders: (credentials: Credentials) => Asked<void>
}

const alreadyFinished = (failure: VenueFailure): boolean => failure instanceof VenueRefused && failure.code === -2011

export const makeOrderCalls = ({ call, scrubber, submit }: Transport): OrderCalls => {
  const asOrder = { class: "order" } as const

  /** Nothing in the answer is relied upon: minimal ones were recorded, and a status in them may be the old one. */
  const cancel = (endpoint: Endpoint, credentials: Credentials, parameters: ReadonlyArray<readonly [string, string]>) =>
    call({ ...asOrder, endpoint, parameters, credentials, answer: Schema.Unknown }).pipe(
      Effect.asVoid,
      Effect.catchIf(alreadyFinished, () => Effect.void)
    )

  const placeOrders: OrderCalls["placeOrders"] = Effect.fn("MexcClient.placeOrders")(
    function* (credentials, orders, beforeSend) {
      const problem = batchProblem(orders)
      if (Either.isLeft(problem)) return yield* new VenueRefused({ message: problem.left, kind: "input" })
      const batch = JSON.stringify(orders.map((order) => Object.fromEntries(orderParameters(order))))
      return yield* submit(
        {
          ...asOrder,
          endpoint: "POST /batchOrders",
          parameters: [["batchOrders", batch]],
          credentials,
          answer: Schema.Array(Schema.Unknown)
        },
        beforeSend
      ).pipe(
        Effect.map((items) => batchResults(orders, items, scrubber(credentials))),
        Effect.catchTag("OutcomeUnknown", (failure) =>
          Effect.succeed(orders.map(({ clientOrderId }) => unknownResult(clientOrderId, failure)))
        )
      )
    }
  )

  const cancelOpenOrders = Effect.fn("MexcClient.cancelOpenOrders")((credentials: Credentials, symbol: SymbolName) =>
    call({
      ...asOrder,
      endpoint: "DELETE /openOrders",
      parameters: [["symbol", symbol]],
      credentials,
      answer: Rest.CancelAnswers
    }).pipe(
      Effect.map((values) => Rest.readCancelAnswers(values).rows.map(({ orderId }) => orderId)),
      Effect.catchIf(alreadyFinished, () => Effect.succeed<ReadonlyArray<string>>([]))
    )
  )

  return {
    testOrder: Effect.fn("MexcClient.testOrder")((credentials, order) =>
      Effect.asVoid(
        call({
          ...asOrder,
          endpoint: "POST /order/test",
          parameters: orderParameters(order),
          credentials,
          answer: Schema.Unknown
        })
      )
    ),
    placeOrders,
    cancelOrder: Effect.fn("MexcClient.cancelOrder")((credentials, symbol, clientOrderId) =>
      cancel("DELETE /order", credentials, [
        ["symbol", symbol],
        ["origClientOrderId", clientOrderId]
      ])
    ),
    cancelByExchangeId: Effect.fn("MexcClient.cancelByExchangeId")((credentials, symbol, exchangeOrderId) =>
      cancel("DELETE /order", credentials, [
        ["symbol", symbol],
        ["orderId", exchangeOrderId]
      ])
    ),
    cancelOpenOrders,
    cancelAllOrders: Effect.fn("MexcClient.cancelAllOrders")((credentials) =>
      cancel("DELETE /order/all", credentials, [])
    )
  }
}
