import { Context, Duration, Effect, Layer, PubSub, Schema, Stream } from "effect"
import { type DatabaseUnavailable, ValidationFailed } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { RuleId, UserId } from "../domain/Ids.ts"
import type { CostBasis } from "../domain/ledger/CostBasis.ts"
import type { Transaction } from "../domain/ledger/LedgerEntry.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { BookName } from "../domain/order/Order.ts"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { Audit } from "../store/Audit.ts"
import { Database } from "../store/Database.ts"
import { Events } from "../store/Events.ts"
import { makeLots } from "./ledger/lots.ts"
import { makePosting } from "./ledger/posting.ts"
import { type GivenPrice, makePricing, type WantedRow } from "./ledger/pricing.ts"
import type { Difference, Reading, WalletMovement } from "./ledger/Reading.ts"
import { makeReleasing } from "./ledger/releasing.ts"
import { makeReadings } from "./ledger/readings.ts"
import { makeStatements } from "./ledger/statements.ts"
import { makeTransactions, type TransactionQuery } from "./ledger/transactions.ts"

type Stored<A, E = never> = Effect.Effect<A, E | DatabaseUnavailable>

export interface TransactionPage {
  readonly items: ReadonlyArray<Transaction>
  readonly nextCursor: string | null
}

/** A rule whose book changed without an order of its own. */
export interface AdjustedRule {
  readonly userId: UserId
  readonly ruleId: RuleId
}

/** Whoever is further behind looks at its books anyway. */
const adjustmentsKept = 1_024

/**
 * Every change of a user's balances, double-entry and append-only: the wallet's entries of an asset add up to what the
 * venue has of it, free and locked. Positions and balances are projections of it, kept in the same transactions.
 */
export class Ledger extends Context.Tag("dipper/portfolio/Ledger")<
  Ledger,
  {
    /**
     * Posts every stored fill of the symbol that is not in the ledger yet, and moves the lots of fills whose order
     * became known. Call it inside the `Database.write` that stores fills or tells whose they are; idempotent.
     */
    readonly postFills: (userId: UserId, symbol: SymbolName) => Stored<void>
    /** Ledger and venue agree on the asset as far as both are known. */
    readonly explained: (userId: UserId, asset: string) => Stored<boolean>
    /**
     * Whether a balance of these assets changed since, without anybody knowing why; also true while no complete reading
     * was taken since. Proof that nothing happened at the venue is its being false.
     */
    readonly unexplainedSince: (userId: UserId, assets: ReadonlyArray<string>, since: Instant) => Stored<boolean>
    /** Assets on which ledger and venue differed at the latest reading. */
    readonly differences: (userId: UserId) => Stored<ReadonlyArray<Difference>>
    /** Of every user. */
    readonly differenceCount: Stored<number>
    /** Take one before the venue is asked for balances. */
    readonly mark: (userId: UserId) => Stored<number>
    /** Opens the ledger by the first reading; later ones are compared with it. Gives what differs. */
    readonly compare: (userId: UserId, reading: Reading) => Stored<ReadonlyArray<Difference>>
    /**
     * Books movements that explain differences, and adjusts what stayed unexplained long enough; `history` is null when
     * the venue keeps its movements from us.
     */
    readonly settle: (userId: UserId, history: ReadonlyArray<WalletMovement> | null) => Stored<void>
    /** The wallet's entries, latest booking first. */
    readonly transactions: (
      userId: UserId,
      query: TransactionQuery & { readonly cursor?: string }
    ) => Stored<TransactionPage, ValidationFailed>
    readonly costBasis: (userId: UserId) => Stored<CostBasis>
    /** Hands the lots of a rule's book to the manual one, at their cost; gives how much that was. */
    readonly release: (userId: UserId, symbol: SymbolName, book: BookName) => Stored<Decimal.Decimal>
    /** After each commit in which lots left a rule's book, or came back, without an order of the rule. */
    readonly adjusted: Stream.Stream<AdjustedRule>
    /** Folds all books anew. */
    readonly setCostBasis: (userId: UserId, basis: CostBasis) => Stored<void>
    /** Prices of past moments that costs wait for. */
    readonly pricesWanted: Stored<ReadonlyArray<WantedRow>>
    /** Settles some of them. The books that wait for them are folded anew. */
    readonly givePrices: (prices: ReadonlyArray<GivenPrice>) => Stored<void>
    /** Makes balances and books anew from entries and fills; changes nothing unless a projection was wrong. */
    readonly rebuild: (userId: UserId) => Stored<void>
  }
>() {
  static readonly layer = Layer.effect(
    Ledger,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Audit.layer))
}

/**
 * Wall time for which a difference must stay the same before it is adjusted: longer than any fill is on its way. Given
 * only by tests.
 */
export class LedgerPatience extends Context.Reference<LedgerPatience>()("dipper/portfolio/LedgerPatience", {
  defaultValue: () => Duration.seconds(20)
}) {}

const isCursor = (cursor: string) => /^\d{1,15}$/.test(cursor)

const EntryTotal = Schema.Struct({ asset: Schema.String, amount: Decimal.Decimal, seq: Schema.Int })

const make = Effect.gen(function* () {
  const audit = yield* Audit
  const clock = yield* MarketClock
  const database = yield* Database
  const statements = yield* makeStatements
  const { find, setTotal, sql } = statements
  const adjusted = yield* PubSub.sliding<AdjustedRule>(adjustmentsKept)
  const lots = makeLots(statements, yield* Events, (userId, ruleId) =>
    database.afterCommit(() => void adjusted.unsafeOffer({ userId, ruleId }))
  )
  const pricing = makePricing(statements, lots)
  const posting = makePosting(statements, lots, pricing)
  const readings = makeReadings(statements, posting, yield* LedgerPatience)
  const list = makeTransactions(statements)
  const release = makeReleasing(statements, lots)

  const rebuildTotals = Effect.fnUntraced(function* (userId: UserId) {
    const entries = yield* find(
      EntryTotal,
      sql`SELECT asset, amount, seq FROM ledger_entries WHERE user_id = ${userId} AND account = 'wallet' ORDER BY seq`
    )
    const totals = new Map<string, { total: Decimal.Decimal; seq: number }>()
    for (const { amount, asset, seq } of entries)
      totals.set(asset, { total: Decimal.add(totals.get(asset)?.total ?? Decimal.zero, amount), seq })
    yield* sql`DELETE FROM ledger_balances WHERE user_id = ${userId}`
    for (const [asset, { seq, total }] of totals) yield* setTotal(userId, asset, total, seq)
  })

  return Ledger.of({
    adjusted: Stream.fromPubSub(adjusted),
    postFills: Effect.fn("Ledger.postFills")((userId, symbol) => database.write(posting.postFills(userId, symbol))),
    explained: Effect.fn("Ledger.explained")((userId, asset) => database.read(readings.explained(userId, asset))),
    unexplainedSince: Effect.fn("Ledger.unexplainedSince")((userId, assets, since) =>
      database.read(readings.unexplainedSince(userId, assets, since))
    ),
    differenceCount: database.read(readings.differenceCount),
    differences: Effect.fn("Ledger.differences")((userId) => database.read(readings.differences(userId))),
    mark: Effect.fn("Ledger.mark")((userId) => database.read(readings.lastSeq(userId))),
    compare: Effect.fn("Ledger.compare")((userId, reading) => database.write(readings.compare(userId, reading))),
    settle: Effect.fn("Ledger.settle")((userId, history) => database.write(readings.settle(userId, history))),
    transactions: Effect.fn("Ledger.transactions")(function* (userId, { cursor, ...query }) {
      if (cursor !== undefined && !isCursor(cursor))
        return yield* new ValidationFailed({
          message: "The cursor is not one of ours.",
          details: [{ path: "cursor", message: "expected the nextCursor of an earlier page" }]
        })
      const before = cursor === undefined ? null : Number(cursor)
      const rows = yield* database.read(list(userId, { ...query, limit: query.limit + 1 }, before))
      const items = rows.slice(0, query.limit)
      return { items, nextCursor: rows.length > items.length ? (items.at(-1)?.id ?? null) : null }
    }),
    costBasis: Effect.fn("Ledger.costBasis")((userId) => database.read(lots.basisOf(userId))),
    setCostBasis: Effect.fn("Ledger.setCostBasis")(function* (userId, basis) {
      const at = yield* clock.now
      yield* database.write(
        Effect.gen(function* () {
          const before = yield* lots.basisOf(userId)
          if (before === basis) return
          yield* audit.append({
            action: "settingsChanged",
            user: userId,
            objectId: null,
            detail: { costBasis: basis, before }
          })
          yield* sql`INSERT INTO portfolio_settings ${sql.insert({ user_id: userId, cost_basis: basis })}
            ON CONFLICT (user_id) DO UPDATE SET cost_basis = excluded.cost_basis`
          yield* lots.refoldAll(userId, { reason: "costBasis", at })
        })
      )
    }),
    release: Effect.fn("Ledger.release")(function* (userId, symbol, book) {
      const at = yield* clock.now
      return yield* database.write(release(userId, symbol, book, at))
    }),
    pricesWanted: database.read(pricing.wanted),
    givePrices: Effect.fn("Ledger.givePrices")((given) =>
      Effect.tap(database.write(pricing.give(given)), () => Effect.sync(() => given.forEach(pricing.note)))
    ),
    rebuild: Effect.fn("Ledger.rebuild")(function* (userId) {
      const at = yield* clock.now
      yield* database.write(Effect.zipRight(rebuildTotals(userId), lots.refoldAll(userId, { reason: "rebuild", at })))
    })
  })
})
