import { Array as Arr, type Context, Effect, Either, Option, Schema } from "effect"
import type { Exchange } from "../../Exchange.ts"
import * as Refusals from "../../Refusals.ts"
import type { PlaceRequest } from "../../Requests.ts"
import type { VenueRejection } from "../../VenueRejection.ts"
import type { SignedRequest } from "../ApiRequest.ts"
import { parametersOf } from "../JsonParameters.ts"
import * as Parameters from "../Parameters.ts"
import * as Payloads from "../Payloads.ts"
import { readOrder } from "./ReadOrder.ts"

const mostOrders = 20

const Items = Schema.parseJson(Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown })))
const decodeItems = Schema.decodeUnknownEither(Items)

/** Orders of one pair, placed in their order and each for itself: a refused one does not stop the next. */
export const placeBatch = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  request: SignedRequest,
  accepted: () => void
) {
  const items = yield* readItems(request)
  const { account, atMost } = request
  const read = yield* Effect.forEach(items, (item) => Effect.either(readOrder(exchange, item)))
  const readable = Arr.getRights(read)
  const limited = atMost === undefined ? readable : readable.map((order): PlaceRequest => ({ ...order, atMost }))
  const placed = (yield* exchange.placeBatch(account.id, limited)).values()
  return items.map(({ parameters }, i) => {
    const clientOrderId = parameters.get("newClientOrderId")
    const named = clientOrderId === undefined ? {} : { newClientOrderId: clientOrderId }
    const outcome = Either.flatMap(read[i] ?? Either.left(Refusals.internalError()), () =>
      Option.getOrElse(Option.fromNullable(placed.next().value), () => Either.left(Refusals.internalError()))
    )
    if (Either.isLeft(outcome)) return { ...named, code: outcome.left.code, msg: outcome.left.text }
    accepted()
    return { ...Payloads.acknowledgement(outcome.right), ...named }
  })
})

const readItems = (request: SignedRequest): Either.Either<ReadonlyArray<SignedRequest>, VenueRejection> =>
  Either.gen(function* () {
    const text = yield* Parameters.text(request, "batchOrders")
    const items = yield* Either.mapLeft(decodeItems(text), () => Refusals.parameterWrong("batchOrders"))
    if (items.length === 0) return yield* Either.left(Refusals.parameterMissing("batchOrders"))
    if (items.length > mostOrders) return yield* Either.left(Refusals.batchTooLong(mostOrders))
    const requests = items.map((item) => ({ ...request, parameters: parametersOf(item) }))
    const symbols = new Set(requests.map(({ parameters }) => parameters.get("symbol")))
    return symbols.size > 1 ? yield* Either.left(Refusals.batchOfManySymbols()) : requests
  })
