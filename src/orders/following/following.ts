import { Duration, Effect, Schedule, Schema } from "effect"
import { CredentialVault } from "../../accounts/CredentialVault.ts"
import { NotFound, ValidationFailed } from "../../api/Errors.ts"
import { OrderId, type UserId } from "../../domain/Ids.ts"
import { isTerminal, type Order } from "../../domain/order/Order.ts"
import { Inquiry } from "../Inquiry.ts"
import { OrderChanges } from "../OrderChanges.ts"
import { VenueAccounts } from "../reconcile/VenueAccounts.ts"
import type { OrderRow } from "../record/OrderRow.ts"
import type { OrderQuery, Page } from "../record/OrderRequest.ts"
import { OrdersRepo } from "../OrdersRepo.ts"

/** The private stream usually tells the end of an order first; asking is for when it does not. */
const confirmFirstAfter = Duration.millis(250)
const confirming = Schedule.exponential("250 millis").pipe(Schedule.union(Schedule.spaced("2 seconds")))

export const isSettled = (row: OrderRow): boolean => isTerminal(row.status) && row.explained

const isCursor = Schema.is(OrderId)

/** Everything that looks at an order after its intent. */
export const makeFollowing = Effect.gen(function* () {
  const changes = yield* OrderChanges
  const inquiry = yield* Inquiry
  const repo = yield* OrdersRepo
  const vault = yield* CredentialVault
  const venueAccounts = yield* VenueAccounts

  const load = Effect.fnUntraced(function* (userId: UserId, id: OrderId) {
    const found = yield* repo.find(userId, id)
    return yield* Effect.mapError(found, () => new NotFound({ message: `No order ${id} belongs to you.` }))
  })

  const confirm = (row: OrderRow) =>
    vault.get(row.user_id).pipe(
      Effect.flatMap((credentials) =>
        Effect.flatMap(venueAccounts.belonging(row, credentials), (belonging) =>
          Effect.when(inquiry.ask(row, credentials), () => belonging !== "other")
        )
      ),
      Effect.catchAll((failure) => Effect.logDebug("An order could not be confirmed yet", failure.message)),
      // A resting order says nothing new for hours: once is enough, then the stream and the reconciler follow it.
      row.type === "limit" || row.type === "limitMaker" ? Effect.asVoid : Effect.repeat(confirming),
      Effect.delay(confirmFirstAfter),
      Effect.zipRight(Effect.never)
    )

  const waitFor = (userId: UserId, id: OrderId, wait: Duration.DurationInput) =>
    changes.whenSettled(id, (settled) =>
      Effect.gen(function* () {
        const row = yield* load(userId, id)
        if (isSettled(row)) return row
        yield* Effect.raceFirst(settled, confirm(row)).pipe(Effect.timeoutOption(wait))
        return yield* load(userId, id)
      })
    )

  const list = Effect.fn("Orders.list")(function* (userId: UserId, { cursor, ...query }: OrderQuery) {
    if (cursor !== undefined && !isCursor(cursor))
      return yield* new ValidationFailed({
        message: "The cursor is not one of ours.",
        details: [{ path: "cursor", message: "expected the nextCursor of an earlier page" }]
      })
    const rows = yield* repo.list(userId, { ...query, limit: query.limit + 1 }, cursor ?? null)
    const items = rows.slice(0, query.limit)
    const page: Page<Order> = { items, nextCursor: rows.length > items.length ? (items.at(-1)?.id ?? null) : null }
    return page
  })

  const fills = Effect.fn("Orders.fills")(function* (userId: UserId, id: OrderId) {
    yield* load(userId, id)
    return yield* repo.fillsOf(userId, id)
  })

  return { load, waitFor, list, fills }
})
