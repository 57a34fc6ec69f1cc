import { createHash } from "node:crypto"
import { Effect, Option, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { ClientOrderId, makeOrderId, type OrderId, type UserId } from "../../domain/Ids.ts"
import type { OrderType } from "../../domain/Market.ts"
import type { Pair } from "../../domain/order/lots.ts"
import type { VenueOrder } from "../../domain/order/Order.ts"
import { orderFacts } from "../../domain/order/OrderState.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Ledger } from "../../portfolio/Ledger.ts"
import { Database } from "../../store/Database.ts"
import { Meta } from "../../store/Meta.ts"
import { advance } from "../record/advance.ts"
import { mayBe } from "../record/mayBe.ts"
import type { OrderRow } from "../record/OrderRow.ts"
import type { makeChanging } from "./changing.ts"
import type { makeQueries } from "./queries.ts"
import type { Statements } from "./statements.ts"

/** Either the order as it is kept now, or orders of ours that it may be: ask the venue for them first. */
export type Adoption =
  | { readonly type: "kept"; readonly row: OrderRow }
  | { readonly type: "perhapsOurs"; readonly rows: ReadonlyArray<OrderRow> }

/** Orders of ours that were proven absent are thought of again this long. */
const doubtFor = 86_400_000

/** Keeps orders that were made elsewhere: in the manual book, never sent, changed or cancelled by us. */
export const makeAdopting = Effect.fnUntraced(function* (
  { claimFills, fillsWhere, insertOrder, ofOrder, toldBy, updateOrder }: Statements,
  { amend, joinFacts, tell }: Effect.Effect.Success<ReturnType<typeof makeChanging>>,
  nameless: Effect.Effect.Success<ReturnType<typeof makeQueries>>["nameless"]
) {
  const clock = yield* MarketClock
  const database = yield* Database
  const ledger = yield* Ledger
  const { venue } = yield* Meta

  return Effect.fn("OrdersRepo.adopt")((userId: UserId, told: VenueOrder, pair: Pair, asked = false) =>
    database.write(
      Effect.gen(function* () {
        const known = yield* amend(toldBy(userId, told), (row, now) => joinFacts(row, orderFacts(told), now))
        if (Option.isSome(known)) return { type: "kept", row: known.value } satisfies Adoption
        const now = yield* clock.now
        // The venue often leaves out the name we gave; one that it tells is not ours, or it would have been found.
        const ours = (yield* nameless(userId, told, now - doubtFor)).filter(
          (row) => mayBe(row, told) && !(asked && row.status === "rejected")
        )
        if (ours.length > 0) return { type: "perhapsOurs", rows: ours } satisfies Adoption
        const bare = externalRow(userId, yield* makeOrderId(), told, pair, venue, now)
        yield* insertOrder(bare)
        yield* claimFills(bare, told.exchangeOrderId)
        yield* ledger.postFills(userId, told.symbol)
        const fills = yield* fillsWhere(ofOrder(bare))
        const row = advance(bare, fills, orderFacts(told), now) ?? bare
        yield* updateOrder(row)
        yield* tell(row)
        return { type: "kept", row } satisfies Adoption
      })
    )
  )
})

const decodeId = Schema.decodeSync(ClientOrderId)

/** The name an order has here whose maker gave it none, or one that is not safe everywhere. */
const nameOf = (userId: UserId, { exchangeOrderId, symbol }: VenueOrder): ClientOrderId =>
  decodeId(
    `ext${createHash("sha256")
      .update(JSON.stringify([userId, symbol, exchangeOrderId]))
      .digest("hex")
      .slice(0, 29)}`
  )

const externalRow = (
  userId: UserId,
  orderId: OrderId,
  told: VenueOrder,
  pair: Pair,
  venue: string,
  now: number
): OrderRow => ({
  user_id: userId,
  order_id: orderId,
  version: 1,
  venue,
  book: "manual",
  client_order_id: nameOf(userId, told),
  exchange_order_id: told.exchangeOrderId,
  symbol: told.symbol,
  base_asset: pair.baseAsset,
  quote_asset: pair.quoteAsset,
  side: told.side,
  type: typeOf(told),
  status: "open",
  price: Decimal.isPositive(told.price) && told.type !== "market" ? told.price : null,
  quantity: told.quoteAmount === null ? told.quantity : null,
  quote_amount: told.quoteAmount,
  // The venue locks what an order holds before we hear of it.
  reserve_asset: told.side === "buy" ? pair.quoteAsset : pair.baseAsset,
  reserve_amount: Decimal.zero,
  origin: "external",
  rule_id: null,
  rule_version: null,
  execution_id: null,
  cycle_id: null,
  slot: null,
  kind: null,
  level: null,
  note: null,
  told_quantity: Decimal.zero,
  told_quote: Decimal.zero,
  closed: "no",
  closed_at: null,
  executed_quantity: Decimal.zero,
  executed_quote: Decimal.zero,
  fees: [],
  explained: true,
  reject_reason: null,
  refusal: null,
  unfilled_reason: null,
  requested_at: told.createdAt,
  sent_at: null,
  unknown_since: null,
  unknown_since_wall: null,
  terminal_at: null,
  updated_at: now,
  credential: null,
  held_at: null,
  resolution: null
})

/** Kinds that only the venue's own pages offer are limits or market orders once they trade. */
const typeOf = (told: VenueOrder): OrderType =>
  told.type !== "unrecognised" ? told.type : Decimal.isPositive(told.price) ? "limit" : "market"
