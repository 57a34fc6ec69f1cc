import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { RuleId, type UserId } from "../../domain/Ids.ts"
import { applyEvent, type AssetBooks, bookKey, type BookState, type LotEvent } from "../../domain/ledger/AssetBooks.ts"
import { CostBasis, costOf, quantityOf } from "../../domain/ledger/CostBasis.ts"
import type { LedgerAdjustment } from "../../domain/ledger/LedgerEntry.ts"
import {
  assetsWithLots,
  eventsOfFill,
  eventsOfMovement,
  fillKey,
  handOverKey,
  movementKey,
  type PriceOf
} from "../../domain/ledger/lotEvents.ts"
import type { Instant } from "../../domain/Time.ts"
import type { Events } from "../../store/Events.ts"
import { BookRow, FillRow, HandOverRow, MovementRow, PriceRow, toLedgerFill } from "./Rows.ts"
import type { Statements } from "./statements.ts"

/** What happened to an asset's books, with its place in the order of time. */
export interface Keyed {
  readonly key: string
  readonly at: Instant
  readonly make: (priceOf: PriceOf) => ReadonlyArray<LotEvent>
}

/** Why books changed that no order of theirs changed. */
export interface Cause {
  readonly reason: string
  readonly at: Instant
}

const encodeBook = Schema.encodeSync(BookRow)
const BasisRow = Schema.Struct({ cost_basis: CostBasis })
const HeadRow = Schema.Struct({ head: Schema.String })
const NextRow = Schema.Struct({ next: Schema.Int })
const AssetRow = Schema.Struct({ asset: Schema.String })
const isRuleId = Schema.is(RuleId)

const toState = (row: BookRow): BookState => ({
  symbol: row.symbol,
  book: row.book,
  lots: row.lots.map(([quantity, cost]) => ({ quantity, cost })),
  realisedPnl: row.realised_pnl,
  fees: row.fees,
  missing: row.missing,
  taken: row.taken,
  incomplete: row.incomplete !== 0,
  lastBuy: row.last_buy === null || row.last_buy_key === null ? null : { price: row.last_buy, key: row.last_buy_key }
})

const toRow = (userId: UserId, asset: string, state: BookState) =>
  encodeBook({
    user_id: userId,
    asset,
    symbol: state.symbol,
    book: state.book,
    quantity: quantityOf(state.lots),
    total_cost: costOf(state.lots),
    realised_pnl: state.realisedPnl,
    fees: state.fees,
    missing: state.missing,
    taken: state.taken,
    incomplete: state.incomplete ? 1 : 0,
    last_buy: state.lastBuy?.price ?? null,
    last_buy_key: state.lastBuy?.key ?? null,
    lots: state.lots.map(({ cost, quantity }) => [quantity, cost] as const)
  })

/** The reason of entries by which an owner took lots out of a rule's book. */
export const releasedReason = "RELEASED"

/** Its first leg takes from the rule's book. */
export const keyedHandOver = (row: HandOverRow): Keyed => ({
  key: handOverKey({ lotAt: row.lot_at, seq: row.seq }),
  at: row.at,
  make: () => [
    { type: "handedOver", symbol: row.symbol, book: row.book, quantity: Decimal.negate(row.amount) } as const
  ]
})

/** The books' projection: changed by one event after the other, or folded anew where one comes before the last. */
export const makeLots = (
  { find, post, sql }: Statements,
  events: typeof Events.Service,
  /** Told after the commit, in which a rule's book shrank or grew without an order of the rule. */
  adjusted: (userId: UserId, ruleId: RuleId) => Effect.Effect<void>
) => {
  const basisOf = (userId: UserId) =>
    Effect.map(
      find(BasisRow, sql`SELECT cost_basis FROM portfolio_settings WHERE user_id = ${userId}`),
      ([row]) => row?.cost_basis ?? "average"
    )

  const booksOf = (userId: UserId, asset: string) =>
    Effect.map(
      find(BookRow, sql`SELECT * FROM book_lots WHERE user_id = ${userId} AND asset = ${asset}`),
      (rows): AssetBooks => new Map(rows.map((row) => [bookKey(row), toState(row)]))
    )

  const prices = (userId: UserId, from: Instant) =>
    Effect.map(
      find(
        PriceRow,
        sql`SELECT asset, quote, at, price FROM ledger_prices
          WHERE user_id = ${userId} AND at >= ${from} AND settled = 1`
      ),
      (rows): PriceOf => {
        const known = new Map(rows.map(({ asset, at, price, quote }) => [`${asset} ${quote} ${at}`, price]))
        return (asset, quote, at) => known.get(`${asset} ${quote} ${at}`) ?? null
      }
    )

  const save = Effect.fnUntraced(function* (userId: UserId, asset: string, before: AssetBooks, after: AssetBooks) {
    for (const [key, state] of before)
      if (!after.has(key))
        yield* sql`DELETE FROM book_lots WHERE user_id = ${userId} AND asset = ${asset}
          AND symbol = ${state.symbol} AND book = ${state.book}`
    for (const [key, state] of after)
      if (before.get(key) !== state)
        yield* sql`INSERT OR REPLACE INTO book_lots ${sql.insert(toRow(userId, asset, state))}`
  })

  const setHead = (userId: UserId, asset: string, head: string) =>
    sql`INSERT OR REPLACE INTO lot_heads ${sql.insert({ user_id: userId, asset, head })}`

  /** Everything that ever happened to an asset, in order. */
  const history = Effect.fnUntraced(function* (userId: UserId, asset: string) {
    const fills = yield* find(
      FillRow,
      sql`SELECT *, NULL AS requested_at FROM fills WHERE user_id = ${userId} AND posted_book IS NOT NULL
        AND (base_asset = ${asset} OR quote_asset = ${asset} OR fee_asset = ${asset})`
    )
    const movements = yield* find(
      MovementRow,
      sql`SELECT seq, asset, amount, at, lot_at FROM ledger_entries WHERE user_id = ${userId} AND asset = ${asset}
        AND account = 'wallet' AND source NOT LIKE 'fill:%'`
    )
    const released = yield* find(
      HandOverRow,
      sql`SELECT seq, symbol, book, amount, at, lot_at FROM ledger_entries WHERE user_id = ${userId} AND asset = ${asset}
        AND account = 'books' AND reason = ${releasedReason} AND leg = 0`
    )
    const all: ReadonlyArray<Keyed> = [
      ...released.map(keyedHandOver),
      ...fills
        .map(toLedgerFill)
        .filter((fill) => assetsWithLots(fill).includes(asset))
        .map((fill) => ({
          key: fillKey(fill),
          at: fill.at,
          make: (priceOf: PriceOf) => eventsOfFill(fill, asset, priceOf)
        })),
      ...movements
        .map((row) => ({ ...row, lotAt: row.lot_at }))
        .map((movement) => ({
          key: movementKey(movement),
          at: movement.at,
          make: (priceOf: PriceOf) => eventsOfMovement(movement, priceOf)
        }))
    ]
    return all
  })

  const applyAll = Effect.fnUntraced(function* (userId: UserId, books: AssetBooks, news: ReadonlyArray<Keyed>) {
    const basis = yield* basisOf(userId)
    const priceOf = yield* prices(
      userId,
      news.reduce((first, { at }) => Math.min(first, at), Number.MAX_SAFE_INTEGER)
    )
    const inOrder = [...news].sort((a, b) => (a.key < b.key ? -1 : 1))
    for (const { make } of inOrder) for (const event of make(priceOf)) applyEvent(books, event, basis)
    return inOrder.at(-1)?.key ?? ""
  })

  /** A rule's lots left, or came back, without an order of the rule: booked between the books, and told to the rule. */
  const handOver = Effect.fnUntraced(function* (
    userId: UserId,
    asset: string,
    state: BookState,
    gone: Decimal.Decimal,
    cause: Cause
  ) {
    const [row] = yield* find(NextRow, sql`SELECT coalesce(max(seq), 0) + 1 AS next FROM ledger_entries`)
    yield* post(userId, {
      source: `books:${row?.next ?? 0}`,
      legs: [
        { kind: "adjustment", account: "books", asset, amount: Decimal.negate(gone), book: state.book },
        { kind: "adjustment", account: "books", asset, amount: gone, book: "manual" }
      ],
      symbol: state.symbol,
      reason: cause.reason,
      at: cause.at,
      lotAt: cause.at
    })
    const ruleId = state.book.slice("rule:".length)
    if (!isRuleId(ruleId)) return
    const adjustment: LedgerAdjustment = {
      ruleId,
      symbol: state.symbol,
      book: state.book,
      asset,
      quantity: gone,
      remaining: quantityOf(state.lots),
      reason: cause.reason,
      at: cause.at
    }
    yield* events.append(userId, { type: "ledger.adjusted", objectId: ruleId, data: adjustment })
    yield* adjusted(userId, ruleId)
  })

  const store = Effect.fnUntraced(function* (
    userId: UserId,
    asset: string,
    before: AssetBooks,
    after: AssetBooks,
    cause: Cause
  ) {
    yield* save(userId, asset, before, after)
    for (const [key, state] of after) {
      const gone = Decimal.subtract(state.taken, before.get(key)?.taken ?? Decimal.zero)
      if (!Decimal.isZero(gone)) yield* handOver(userId, asset, state, gone, cause)
    }
  })

  const refold = Effect.fnUntraced(function* (userId: UserId, asset: string, cause: Cause) {
    const before = yield* booksOf(userId, asset)
    const after: AssetBooks = new Map()
    const head = yield* applyAll(userId, after, yield* history(userId, asset))
    yield* store(userId, asset, before, after, cause)
    yield* setHead(userId, asset, head)
  })

  const advance = Effect.fnUntraced(function* (
    userId: UserId,
    asset: string,
    news: ReadonlyArray<Keyed>,
    cause: Cause
  ) {
    if (news.length === 0) return
    const [row] = yield* find(HeadRow, sql`SELECT head FROM lot_heads WHERE user_id = ${userId} AND asset = ${asset}`)
    if (news.some(({ key }) => row !== undefined && key < row.head)) return yield* refold(userId, asset, cause)
    const before = yield* booksOf(userId, asset)
    const after: AssetBooks = new Map(before)
    const head = yield* applyAll(userId, after, news)
    yield* store(userId, asset, before, after, cause)
    yield* setHead(userId, asset, head)
  })

  const refoldAll = Effect.fnUntraced(function* (userId: UserId, cause: Cause) {
    const assets = yield* find(AssetRow, sql`SELECT asset FROM lot_heads WHERE user_id = ${userId}`)
    yield* Effect.forEach(assets, ({ asset }) => refold(userId, asset, cause), { discard: true })
  })

  return { advance, refold, refoldAll, basisOf, booksOf }
}

export type LotsProjection = ReturnType<typeof makeLots>
