import { Effect, FiberMap, Option, Schema, type Scope } from "effect"
import { ClientOrderId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import type { ContractDrift } from "../ContractDrift.ts"
import type { Credentials } from "../Credentials.ts"
import { isDocumentedNumber } from "../map/OrderTypes.ts"
import { frameSymbol, toStreamBalance, toStreamFill, toStreamOrder } from "../map/StreamMapping.ts"
import type { MexcClient } from "../MexcClient.ts"
import type { PrivateOrders, PushFrame } from "../wire/Stream.ts"
import type { UserEvent } from "./Events.ts"

type Pushed = typeof PrivateOrders.Type

const nameOf = Schema.decodeUnknownOption(ClientOrderId)

/**
 * Frames of a private stream as events. A push that names its order only as the client did is joined to nothing by
 * itself: the venue is asked for the order, and its answer is the event.
 */
export const makeUserFrames = (
  client: Pick<typeof MexcClient.Service, "order">,
  drift: typeof ContractDrift.Service,
  credentials: Credentials,
  tell: (event: UserEvent) => Effect.Effect<unknown>
): Effect.Effect<(frame: PushFrame, receivedAt: Instant) => Effect.Effect<void>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const asking = yield* FiberMap.make<ClientOrderId>()

    const ask = (symbol: SymbolName, name: ClientOrderId) =>
      client.order(credentials, symbol, name).pipe(
        Effect.flatMap(Option.match({ onNone: () => Effect.void, onSome: (order) => tell({ type: "order", order }) })),
        Effect.catchAll((failure) => Effect.logDebug("An order told by its client id could not be asked for.", failure))
      )

    const noteUnknownWords = ({ orderType, status }: Pushed, isRead: boolean) =>
      Effect.all(
        [
          Effect.unless(drift.note("orderStatus", `${status} of a push`), () => isRead),
          Effect.unless(drift.note("orderType", `${orderType} of a push`), () => isDocumentedNumber(orderType))
        ],
        { discard: true }
      )

    const hearOrder = (symbol: SymbolName, pushed: Pushed, sentAt: Instant) => {
      const order = Option.getOrNull(toStreamOrder(symbol, pushed, sentAt))
      if (order !== null)
        return Effect.zipRight(
          noteUnknownWords(pushed, order.status !== "unrecognised"),
          Effect.asVoid(tell({ type: "order", order }))
        )
      const name = Option.getOrNull(pushed.id === "" ? nameOf(pushed.clientId) : Option.none())
      // The newest push of an order has the newest state to ask for.
      return name === null
        ? drift.note("frame", `an order of status ${pushed.status}, type ${pushed.orderType}, side ${pushed.tradeType}`)
        : Effect.asVoid(FiberMap.run(asking, name, ask(symbol, name)))
    }

    return (frame, receivedAt) => {
      const { privateAccount, privateDeals, privateOrders } = frame
      const symbol = Option.getOrNull(frameSymbol(frame))
      if (symbol !== null && privateOrders !== undefined)
        return hearOrder(symbol, privateOrders, frame.sendTime ?? receivedAt)
      const event = Option.orElse(balanceEvent(privateAccount), () => fillEvent(symbol, privateDeals))
      return Option.match(event, {
        onNone: () => drift.note("frame", `values of ${frame.channel.slice(0, 80)}`),
        onSome: (told) => Effect.asVoid(tell(told))
      })
    }
  })

const balanceEvent = (account: PushFrame["privateAccount"]): Option.Option<UserEvent> =>
  account === undefined
    ? Option.none()
    : Option.map(toStreamBalance(account), (balance) => ({ type: "balance", balance, at: account.time }))

const fillEvent = (symbol: SymbolName | null, deal: PushFrame["privateDeals"]): Option.Option<UserEvent> =>
  symbol === null || deal === undefined
    ? Option.none()
    : Option.map(toStreamFill(symbol, deal), (fill) => ({ type: "fill", fill }))
