import { Clock, Context, Effect, Layer, type Option } from "effect"
import { type Conflict, NotOwner, type DatabaseUnavailable } from "../api/Errors.ts"
import type { Decimal } from "../domain/Decimal.ts"
import type { ClientOrderId, ExecutionId, OrderId, RuleId, UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { Pair } from "../domain/order/lots.ts"
import type { BookName, Fill, Order, VenueFill, VenueOrder } from "../domain/order/Order.ts"
import { ackFacts, orderFacts } from "../domain/order/OrderState.ts"
import type { ResolveOrder } from "../domain/order/ResolveOrder.ts"
import { Audit } from "../store/Audit.ts"
import { Database } from "../store/Database.ts"
import { type StoreProblem, unavailable } from "../store/fault/StoreProblem.ts"
import { Ownership } from "../store/Ownership.ts"
import { abandoned, rejected, unknown, withdrawn, type Rejection } from "./record/advance.ts"
import { resolved } from "./record/resolve.ts"
import type { OrderRow } from "./record/OrderRow.ts"
import type { CancelQuery, OrderQuery } from "./record/OrderRequest.ts"
import { makeAdopting, type Adoption } from "./stored/adopting.ts"
import { makeChanging } from "./stored/changing.ts"
import { makeQueries, type LastFill, type Orphan, type SlotName } from "./stored/queries.ts"
import { makeStatements } from "./stored/statements.ts"

type Stored<A, E = never> = Effect.Effect<A, E | DatabaseUnavailable>

/**
 * Orders and fills in the database: intents first, then the join of what the venue says of them. Each change commits
 * with the event that tells its owner.
 */
export class OrdersRepo extends Context.Tag("dipper/orders/OrdersRepo")<
  OrdersRepo,
  {
    /** The intent, only while this process owns trading; call it inside `Database.write`. */
    readonly insert: (row: OrderRow) => Stored<void, NotOwner>
    /**
     * Notes that the bytes are about to leave, `again` after the venue refused them for their time; false when they must
     * not: the intent was withdrawn, or trading belongs to another process by now.
     */
    readonly markSent: (userId: UserId, id: OrderId, again?: boolean) => Stored<boolean>
    /** Ends an intent that was not sent yet, for good; changes nothing when it was. `also` joins the transaction. */
    readonly withdraw: (userId: UserId, id: OrderId, also?: Stored<void>) => Stored<Option.Option<OrderRow>>
    readonly markUnknown: (userId: UserId, id: OrderId) => Stored<Option.Option<OrderRow>>
    /** The intent ended without an order. Changes nothing once the venue is known to have it. */
    readonly reject: (userId: UserId, id: OrderId, why: Rejection) => Stored<Option.Option<OrderRow>>
    /** A pending intent nobody works on: rejected when it was never sent, else unknown. Only the owner may judge. */
    readonly abandon: (userId: UserId, id: OrderId) => Stored<Option.Option<OrderRow>>
    /** A person says what became of an order nobody can tell of. */
    readonly resolve: (
      userId: UserId,
      id: OrderId,
      word: ResolveOrder,
      unseen: boolean
    ) => Stored<Option.Option<OrderRow>, Conflict>
    /** The venue took it; `at` is its time. */
    readonly accept: (
      userId: UserId,
      id: OrderId,
      exchangeOrderId: string,
      at: number
    ) => Stored<Option.Option<OrderRow>>
    /** Joins the venue's word on an order of ours; none when the order is somebody else's. */
    readonly tell: (userId: UserId, told: VenueOrder) => Stored<Option.Option<OrderRow>>
    /**
     * As `tell`, for an order that is nobody's: it is kept as external, unless it may yet turn out to be one of ours. What
     * counts as never placed was proven absent once; when it is `asked` for by its name in vain again, it is not this one.
     */
    readonly adopt: (userId: UserId, told: VenueOrder, pair: Pair, asked?: boolean) => Stored<Adoption>
    /** Joins fills by trade id; a fill of no order of ours enters the manual book, if the assets of its pair are known. */
    readonly recordFills: (userId: UserId, fills: ReadonlyArray<VenueFill>, pair: Pair | null) => Stored<void>
    readonly find: (userId: UserId, id: OrderId) => Stored<Option.Option<OrderRow>>
    readonly findByClientId: (userId: UserId, id: ClientOrderId) => Stored<Option.Option<OrderRow>>
    readonly findBySlot: (userId: UserId, slot: SlotName) => Stored<Option.Option<OrderRow>>
    readonly list: (
      userId: UserId,
      query: Omit<OrderQuery, "cursor">,
      before: OrderId | null
    ) => Stored<ReadonlyArray<Order>>
    readonly fillsOf: (userId: UserId, id: OrderId) => Stored<ReadonlyArray<Fill>>
    /** What orders that are not over may still sell out of a book. */
    readonly selling: (userId: UserId, symbol: SymbolName, book: BookName) => Stored<Decimal>
    /** Orders that are not over and are not somebody else's, oldest first. */
    readonly cancellable: (userId: UserId, query: CancelQuery) => Stored<ReadonlyArray<OrderRow>>
    readonly openOfRule: (userId: UserId, ruleId: RuleId) => Stored<ReadonlyArray<Order>>
    readonly ofExecution: (userId: UserId, executionId: ExecutionId) => Stored<ReadonlyArray<Order>>
    /** Of every user: orders without a proven end, and ended ones whose fills are not all known. */
    readonly unsettled: Stored<ReadonlyArray<OrderRow>>
    /** Of every user: orders of which nobody knows whether they exist. */
    readonly unknownCount: Stored<number>
    /** Of these ids of the venue those that belong to no order which is known, ours or made elsewhere. */
    readonly unowned: (
      userId: UserId,
      symbol: SymbolName,
      exchangeOrderIds: ReadonlyArray<string>
    ) => Stored<ReadonlyArray<string>>
    /** Symbols the user has fills in, with the time of the latest. */
    readonly lastFills: (userId: UserId) => Stored<ReadonlyArray<typeof LastFill.Type>>
    /** Orders of which only fills are known, newest first. */
    readonly orphans: (userId: UserId, limit: number) => Stored<ReadonlyArray<typeof Orphan.Type>>
  }
>() {
  static readonly layer = Layer.effect(
    OrdersRepo,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Audit.layer))
}

const make = Effect.gen(function* () {
  const audit = yield* Audit
  const database = yield* Database
  const ownership = yield* Ownership
  const statements = yield* makeStatements
  const { byId, insertOrder, toldBy } = statements
  const changing = yield* makeChanging(statements)
  const { amend, joinFacts, recordFill, tell } = changing
  const { nameless, ...queries } = yield* makeQueries(statements)
  const adopt = yield* makeAdopting(statements, changing, nameless)

  const isOwner = Effect.flatMap(ownership.fence, statements.holds)

  return OrdersRepo.of({
    ...queries,
    adopt,
    insert: Effect.fn("OrdersRepo.insert")((row) =>
      database.write(
        Effect.gen(function* () {
          if (!(yield* isOwner)) return yield* Effect.flatMap(database.problem, lostOwner)
          yield* insertOrder(row)
          yield* tell(row)
        })
      )
    ),
    markSent: Effect.fn("OrdersRepo.markSent")(function* (userId, id, again = false) {
      let marked = false
      yield* amend(byId(userId, id), (row, now) =>
        Effect.map(isOwner, (owner) => {
          marked = owner && row.status === "pending" && (row.sent_at !== null) === again
          return marked ? { ...row, sent_at: now, updated_at: now, version: row.version + 1 } : null
        })
      )
      return marked
    }),
    withdraw: Effect.fn("OrdersRepo.withdraw")((userId, id, also = Effect.void) =>
      amend(byId(userId, id), (row, now) => Effect.as(also, withdrawn(row, now)))
    ),
    markUnknown: Effect.fn("OrdersRepo.markUnknown")(function* (userId, id) {
      const wall = yield* Clock.currentTimeMillis
      return yield* amend(byId(userId, id), (row, now) => Effect.succeed(unknown(row, now, wall)))
    }),
    reject: Effect.fn("OrdersRepo.reject")((userId, id, why) =>
      amend(byId(userId, id), (row, now) => Effect.succeed(rejected(row, why, now)))
    ),
    abandon: Effect.fn("OrdersRepo.abandon")(function* (userId, id) {
      const wall = yield* Clock.currentTimeMillis
      return yield* amend(byId(userId, id), (row, now) =>
        Effect.map(isOwner, (owner) => (owner ? abandoned(row, now, wall) : null))
      )
    }),
    resolve: Effect.fn("OrdersRepo.resolve")(function* (userId, id, word, unseen) {
      const wall = yield* Clock.currentTimeMillis
      const { note, outcome } = word
      return yield* amend(byId(userId, id), (row, now) =>
        Effect.tap(
          resolved(row, word, unseen, now, wall),
          audit.append({ action: "orderResolved", user: userId, objectId: id, detail: { outcome, note } })
        )
      )
    }),
    accept: Effect.fn("OrdersRepo.accept")((userId, id, exchangeOrderId, at) =>
      amend(byId(userId, id), (row, now) => joinFacts(row, ackFacts(exchangeOrderId, at), now))
    ),
    tell: Effect.fn("OrdersRepo.tell")((userId, told) =>
      amend(toldBy(userId, told), (row, now) => joinFacts(row, orderFacts(told), now))
    ),
    recordFills: Effect.fn("OrdersRepo.recordFills")((userId, fills, pair) =>
      Effect.forEach(fills, (fill) => recordFill(userId, fill, pair), { discard: true })
    )
  })
})

/** A lease that ran out because the store took no renewal has that reason, and no other owner. */
const lostOwner = (problem: StoreProblem | null): Effect.Effect<never, NotOwner | DatabaseUnavailable> =>
  problem === null
    ? Effect.fail(new NotOwner({ message: "Another instance owns trading on this database.", retryable: true }))
    : Effect.fail(unavailable(problem))
