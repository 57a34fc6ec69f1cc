import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { UserId } from "../../domain/Ids.ts"
import {
  assetsWithLots,
  cash,
  eventsOfFill,
  eventsOfMovement,
  fillKey,
  type LedgerFill,
  movementKey,
  type PriceOf,
  pricesWanted
} from "../../domain/ledger/lotEvents.ts"
import { SymbolName } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import type { Cause, Keyed, LotsProjection } from "./lots.ts"
import type { Pricing } from "./pricing.ts"
import { FillRow, toLedgerFill } from "./Rows.ts"
import { type Leg, pair, type Posting, type Statements } from "./statements.ts"

const OpeningRow = Schema.Struct({ at: Schema.Int })
const ClosedRow = Schema.Struct({ at: Schema.Int, lot_at: Schema.Int })
const SymbolRow = Schema.Struct({ symbol: SymbolName })

/** A fact that the opening or an adjustment had booked already, without knowing what it was. */
export const late = "LATE"

/** Opening lots come before everything else, whenever the ledger was opened. */
const beforeAll = 0

interface Closed {
  readonly kind: "opening" | "adjustment"
  readonly at: Instant
  readonly lotAt: Instant
}

type News = Map<string, Array<Keyed>>

const addNews = (news: News, asset: string, keyed: Keyed) => {
  const known = news.get(asset)
  if (known === undefined) news.set(asset, [keyed])
  else known.push(keyed)
}

const legsOf = ({
  baseAsset,
  fee,
  quantity,
  quoteAsset,
  quoteQuantity,
  side,
  book
}: LedgerFill): ReadonlyArray<Leg> => {
  const sign = (amount: Decimal.Decimal, comesIn: boolean) => (comesIn ? amount : Decimal.negate(amount))
  return [
    ...pair("fill", "market", baseAsset, sign(quantity, side === "buy")),
    ...pair("fill", "market", quoteAsset, sign(quoteQuantity, side === "sell")),
    ...pair("fee", "fees", fee.asset, Decimal.negate(fee.amount))
  ].map((leg) => ({ ...leg, book }))
}

/** Books facts once each, and carries them on into balances and lots. */
export const makePosting = ({ find, isPosted, post, sql }: Statements, lots: LotsProjection, pricing: Pricing) => {
  const carryOn = (userId: UserId, news: News, cause: Cause) =>
    Effect.forEach(news, ([asset, events]) => lots.advance(userId, asset, events, cause), { discard: true })

  /** Books one movement, in or out; false when its source was booked before. */
  const postMovement = Effect.fnUntraced(function* (userId: UserId, posting: Posting, news: News = new Map()) {
    if (yield* isPosted(userId, posting.source)) return false
    const posted = yield* post(userId, posting)
    for (const { amount, asset, seq } of posted) {
      if (asset === cash) continue
      const movement = { asset, amount, at: posting.at, lotAt: posting.lotAt, seq }
      addNews(news, asset, {
        key: movementKey(movement),
        at: posting.at,
        make: (priceOf: PriceOf) => eventsOfMovement(movement, priceOf)
      })
      yield* pricing.want(userId, asset, cash, posting.at)
    }
    return true
  })

  /** The entry that took this change into account before anybody knew of it. */
  const closedBy = Effect.fnUntraced(function* (userId: UserId, asset: string, { at, requested_at }: FillRow) {
    // An order that was made after an entry cannot be part of it, whatever the clocks say.
    const from = Math.max(at, requested_at ?? 0)
    const [opening] = yield* find(OpeningRow, sql`SELECT at FROM ledger_openings WHERE user_id = ${userId}`)
    if (opening !== undefined && opening.at >= from)
      return { kind: "opening", at: opening.at, lotAt: beforeAll } satisfies Closed
    const [adjustment] = yield* find(
      ClosedRow,
      sql`SELECT at, lot_at FROM ledger_entries WHERE user_id = ${userId} AND asset = ${asset} AND account = 'wallet'
        AND kind = 'adjustment' AND reason <> ${late} AND at >= ${from} ORDER BY at, seq LIMIT 1`
    )
    return adjustment === undefined
      ? null
      : ({ kind: "adjustment", at: adjustment.at, lotAt: adjustment.lot_at } satisfies Closed)
  })

  const undoClosed = Effect.fnUntraced(function* (userId: UserId, row: FillRow, legs: ReadonlyArray<Leg>, news: News) {
    const changes = new Map<string, Decimal.Decimal>()
    for (const { account, amount, asset } of legs)
      if (account === "wallet") changes.set(asset, Decimal.add(changes.get(asset) ?? Decimal.zero, amount))
    for (const [asset, change] of changes) {
      const closed = Decimal.isZero(change) ? null : yield* closedBy(userId, asset, row)
      if (closed === null) continue
      const posting: Posting = {
        source: `late:${row.symbol}:${row.trade_id}:${asset}`,
        legs: pair(closed.kind, "world", asset, Decimal.negate(change)),
        reason: late,
        at: closed.at,
        lotAt: closed.lotAt
      }
      yield* postMovement(userId, posting, news)
    }
  })

  const postFill = Effect.fnUntraced(function* (userId: UserId, row: FillRow, news: News) {
    const fill = toLedgerFill(row)
    const legs = legsOf(fill)
    yield* undoClosed(userId, row, legs, news)
    yield* post(userId, {
      source: `fill:${fill.symbol}:${fill.tradeId}`,
      legs,
      symbol: fill.symbol,
      at: fill.at,
      lotAt: fill.at
    })
    for (const { asset, quote } of pricesWanted(fill)) yield* pricing.want(userId, asset, quote, fill.at)
    const key = fillKey(fill)
    for (const asset of assetsWithLots(fill))
      addNews(news, asset, { key, at: fill.at, make: (priceOf) => eventsOfFill(fill, asset, priceOf) })
  })

  const postFills = Effect.fnUntraced(function* (userId: UserId, symbol: SymbolName) {
    const rows = yield* find(
      FillRow,
      sql`SELECT fills.*, (SELECT requested_at FROM orders WHERE orders.order_id = fills.order_id) AS requested_at
        FROM fills WHERE user_id = ${userId} AND symbol = ${symbol} AND (posted_book IS NULL OR posted_book <> book)
        ORDER BY at, length(trade_id), trade_id`
    )
    const [last] = rows.slice(-1)
    if (last === undefined) return
    const news: News = new Map()
    for (const row of rows) if (row.posted_book === null) yield* postFill(userId, row, news)
    yield* sql`UPDATE fills SET posted_book = book
      WHERE user_id = ${userId} AND symbol = ${symbol} AND (posted_book IS NULL OR posted_book <> book)`
    const cause = { reason: `fill:${last.symbol}:${last.trade_id}`, at: last.at }
    yield* carryOn(userId, news, cause)
    // Their books are what they were posted with, and only the base asset's know them.
    if (rows.some((row) => row.posted_book !== null)) yield* lots.refold(userId, last.base_asset, cause)
  })

  /** Also what was stored before there was a ledger. */
  const postAll = Effect.fnUntraced(function* (userId: UserId) {
    const symbols = yield* find(
      SymbolRow,
      sql`SELECT DISTINCT symbol FROM fills WHERE user_id = ${userId} AND (posted_book IS NULL OR posted_book <> book)`
    )
    yield* Effect.forEach(symbols, ({ symbol }) => postFills(userId, symbol), { discard: true })
  })

  const move = Effect.fnUntraced(function* (userId: UserId, postings: ReadonlyArray<Posting>) {
    const news: News = new Map()
    for (const posting of postings) yield* postMovement(userId, posting, news)
    const [last] = postings.slice(-1)
    if (last !== undefined) yield* carryOn(userId, news, { reason: last.source, at: last.at })
  })

  return { postFills, postAll, move, beforeAll }
}

export type LedgerPosting = ReturnType<typeof makePosting>
