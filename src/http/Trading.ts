import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect } from "effect"
import { Api } from "../api/Api.ts"
import { CurrentUser } from "../api/Authorization.ts"
import { defaultLimit, wholePage } from "../api/Requests.ts"
import { Orders } from "../orders/Orders.ts"
import { Books } from "../portfolio/Books.ts"
import { orderPlaced } from "./answers.ts"
import { bodyHash } from "./input/bodyHash.ts"

export const layer = HttpApiBuilder.group(Api, "trading", (handlers) =>
  Effect.gen(function* () {
    const orders = yield* Orders
    const books = yield* Books
    return handlers
      .handle("placeOrder", ({ headers, payload, request }) =>
        Effect.gen(function* () {
          const { userId } = yield* CurrentUser
          const key = { idempotencyKey: headers["idempotency-key"], bodyHash: yield* bodyHash(request) }
          return yield* orderPlaced(yield* orders.place(userId, payload, key))
        })
      )
      .handle("previewOrder", ({ payload }) =>
        Effect.flatMap(CurrentUser, ({ userId }) => orders.preview(userId, payload))
      )
      .handle("listOrders", ({ urlParams }) =>
        Effect.flatMap(CurrentUser, ({ userId }) => orders.list(userId, { limit: defaultLimit, ...urlParams }))
      )
      .handle("getOrder", ({ path }) => Effect.flatMap(CurrentUser, ({ userId }) => orders.get(userId, path.id)))
      .handle("cancelOrder", ({ path }) => Effect.flatMap(CurrentUser, ({ userId }) => orders.cancel(userId, path.id)))
      .handle("listFills", ({ path }) =>
        Effect.flatMap(CurrentUser, ({ userId }) => Effect.map(orders.fills(userId, path.id), wholePage))
      )
      .handle("listPositions", () =>
        Effect.flatMap(CurrentUser, ({ userId }) => Effect.map(books.positions(userId), wholePage))
      )
      .handle("getPosition", ({ path }) =>
        Effect.flatMap(CurrentUser, ({ userId }) => books.position(userId, path.symbol))
      )
  })
)
