import { Clock, Duration, Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { Difference, Reading, WalletMovement } from "./Reading.ts"
import { explaining } from "./explaining.ts"
import type { LedgerPosting } from "./posting.ts"
import { pair, type Posting, type Statements } from "./statements.ts"

const Counted = Schema.Struct({ differences: Schema.Int })
const Max = Schema.Struct({ seq: Schema.NullOr(Schema.Int) })
const OpeningRow = Schema.Struct({ at: Schema.Int, compared_at: Schema.Int })
const DifferenceRow = Schema.Struct({
  asset: Schema.String,
  amount: Decimal.Decimal,
  seen_at: Schema.Int,
  seen_wall: Schema.Int,
  seq: Schema.Int
})
type DifferenceRow = typeof DifferenceRow.Type
const Flight = Schema.Struct({ unsettled: Schema.Int, resting: Schema.Int })
const ReadAt = Schema.Struct({ at: Schema.Int })

/** The venue's histories name the time a movement began, which can be long before it was booked. */
const lookBackMs = Duration.toMillis("2 days")

/** With orders resting at the venue a fill may be on its way: the reconciler asks for them several times until then. */
const restingFactor = 3

const floored = (value: Decimal.Decimal) => Decimal.round(value, Decimal.keptScale, "floor")

/** Compares the ledger with what the venue says, and closes what is between them. */
export const makeReadings = (
  { find, isPosted, sql, totals }: Statements,
  posting: LedgerPosting,
  patience: Duration.Duration
) => {
  const lastSeq = (userId: UserId) =>
    Effect.map(
      find(Max, sql`SELECT max(seq) AS seq FROM ledger_entries WHERE user_id = ${userId} AND account = 'wallet'`),
      ([row]) => row?.seq ?? 0
    )

  const openingOf = (userId: UserId) =>
    Effect.map(
      find(OpeningRow, sql`SELECT at, compared_at FROM ledger_openings WHERE user_id = ${userId}`),
      ([row]) => row ?? null
    )

  const differenceRows = (userId: UserId) =>
    find(DifferenceRow, sql`SELECT * FROM ledger_differences WHERE user_id = ${userId} ORDER BY asset`)

  /** A reading says nothing when something was booked while the venue was asked, or when a newer one is known. */
  const isConclusive = Effect.fnUntraced(function* (userId: UserId, { at, mark }: Reading) {
    if ((yield* lastSeq(userId)) > mark) return false
    const opening = yield* openingOf(userId)
    return opening === null || at >= opening.compared_at
  })

  /** The venue's word less the ledger's, where they differ. */
  const differ = Effect.fnUntraced(function* (userId: UserId, { balances }: Reading) {
    const ours = yield* totals(userId)
    const difference = new Map<string, { amount: Decimal.Decimal; seq: number }>()
    for (const { asset, seq, total } of ours) difference.set(asset, { amount: Decimal.negate(total), seq })
    for (const { asset, free, locked } of balances) {
      const known = difference.get(asset) ?? { amount: Decimal.zero, seq: 0 }
      const theirs = Decimal.add(floored(free), floored(locked))
      difference.set(asset, { ...known, amount: Decimal.add(known.amount, theirs) })
    }
    return [...difference]
      .filter(([, { amount }]) => !Decimal.isZero(amount))
      .map(([asset, { amount, seq }]) => ({ asset, amount, seq }))
  })

  const open = Effect.fnUntraced(function* (userId: UserId, reading: Reading) {
    const opening = yield* differ(userId, reading)
    yield* posting.move(
      userId,
      opening.map(({ amount, asset }) => ({
        source: `opening:${asset}`,
        legs: pair("opening", "world", asset, amount),
        at: reading.at,
        lotAt: posting.beforeAll
      }))
    )
    yield* sql`INSERT INTO ledger_openings ${sql.insert({ user_id: userId, at: reading.at, compared_at: reading.at })}`
  })

  /** Nothing of the user's may be adjusted while an order's fate or its fills are not known. */
  const patienceFor = Effect.fnUntraced(function* (userId: UserId) {
    const [flight] = yield* find(
      Flight,
      sql`SELECT coalesce(sum(status = 'unknown' OR (status = 'pending' AND sent_at IS NOT NULL) OR explained = 0), 0)
          AS unsettled, count(*) AS resting FROM orders WHERE user_id = ${userId}
          AND (status IN ('pending', 'unknown', 'open', 'partiallyFilled') OR explained = 0)`
    )
    if ((flight?.unsettled ?? 0) > 0) return null
    return Duration.toMillis(patience) * ((flight?.resting ?? 0) > 0 ? restingFactor : 1)
  })

  const isDue = (row: DifferenceRow, at: number, wall: number, waited: number | null) =>
    waited !== null && at > row.seen_at && wall - row.seen_wall >= waited

  const toDifference = (row: DifferenceRow, openedAt: number, ask: boolean): Difference => ({
    asset: row.asset,
    amount: row.amount,
    since: Math.max(openedAt, row.seen_at - lookBackMs),
    ask
  })

  const compare = Effect.fnUntraced(function* (userId: UserId, reading: Reading) {
    yield* posting.postAll(userId)
    if (!(yield* isConclusive(userId, reading))) return []
    const opening = yield* openingOf(userId)
    if (opening === null) return yield* Effect.as(open(userId, reading), [])
    yield* sql`UPDATE ledger_openings SET compared_at = ${reading.at} WHERE user_id = ${userId}`
    const wall = yield* Clock.currentTimeMillis
    const before = new Map((yield* differenceRows(userId)).map((row) => [row.asset, row]))
    const waited = yield* patienceFor(userId)
    yield* sql`DELETE FROM ledger_differences WHERE user_id = ${userId}`
    const found: Array<Difference> = []
    for (const { amount, asset, seq } of yield* differ(userId, reading)) {
      const known = before.get(asset)
      const same = known !== undefined && known.seq === seq && Decimal.equals(known.amount, amount)
      const row = same ? known : { asset, amount, seq, seen_at: reading.at, seen_wall: wall }
      yield* sql`INSERT INTO ledger_differences ${sql.insert({ ...row, user_id: userId, amount: Decimal.format(amount) })}`
      found.push(toDifference(row, opening.at, !same || isDue(row, reading.at, wall, waited)))
    }
    return found
  })

  const movementPosting = ({ amount, asset, at, fee, kind, reason, source }: WalletMovement): Posting => ({
    source,
    legs: [...pair(kind, "world", asset, amount), ...pair("fee", "fees", asset, Decimal.negate(fee))],
    ...(reason === null ? {} : { reason }),
    at,
    lotAt: at
  })

  const settleOne = Effect.fnUntraced(function* (
    userId: UserId,
    row: DifferenceRow,
    history: ReadonlyArray<WalletMovement> | null,
    openedAt: number,
    due: boolean
  ) {
    const candidates = yield* Effect.filter(
      (history ?? []).filter(({ asset, at }) => asset === row.asset && at >= openedAt),
      ({ source }) => Effect.map(isPosted(userId, source), (posted) => !posted)
    )
    const { movements, rest } = explaining(row.amount, candidates, due)
    const postings = movements.map(movementPosting)
    if (due && !Decimal.isZero(rest))
      postings.push({
        source: `adjustment:${row.asset}:${row.seen_at}`,
        legs: pair("adjustment", "world", row.asset, rest),
        reason: history === null ? "HISTORY_UNAVAILABLE" : "UNEXPLAINED",
        at: row.seen_at,
        lotAt: row.seen_at
      })
    if (postings.length === 0) return
    yield* posting.move(userId, postings)
    yield* sql`DELETE FROM ledger_differences WHERE user_id = ${userId} AND asset = ${row.asset}`
  })

  /** Of the latest reading; an asset that something was booked for since has to wait for the next one. */
  const settle = Effect.fnUntraced(function* (userId: UserId, history: ReadonlyArray<WalletMovement> | null) {
    const opening = yield* openingOf(userId)
    if (opening === null) return
    yield* posting.postAll(userId)
    const wall = yield* Clock.currentTimeMillis
    const waited = yield* patienceFor(userId)
    const booked = new Map((yield* totals(userId)).map(({ asset, seq }) => [asset, seq]))
    for (const row of yield* differenceRows(userId))
      if ((booked.get(row.asset) ?? 0) === row.seq)
        yield* settleOne(userId, row, history, opening.at, isDue(row, opening.compared_at, wall, waited))
  })

  const differences = Effect.fnUntraced(function* (userId: UserId) {
    const opening = yield* openingOf(userId)
    return (yield* differenceRows(userId)).map((row) => toDifference(row, opening?.at ?? 0, false))
  })

  const explained = Effect.fnUntraced(function* (userId: UserId, asset: string) {
    if ((yield* openingOf(userId)) === null) return false
    const kept = yield* find(
      Schema.Struct({ free: Decimal.Decimal, locked: Decimal.Decimal }),
      sql`SELECT free, locked FROM balances WHERE user_id = ${userId} AND asset = ${asset}`
    )
    const ours = (yield* totals(userId)).find((row) => row.asset === asset)?.total ?? Decimal.zero
    return Decimal.equals(ours, Decimal.sum(kept.flatMap(({ free, locked }) => [free, locked])))
  })

  const unexplainedSince = Effect.fnUntraced(function* (userId: UserId, assets: ReadonlyArray<string>, since: number) {
    const opening = yield* openingOf(userId)
    // What moved before the opening balance is in it, and leaves no difference.
    if (opening === null || opening.at > since || opening.compared_at < since) return true
    const rows = yield* find(
      ReadAt,
      sql`SELECT seen_at AS at FROM ledger_differences WHERE user_id = ${userId} AND ${sql.in("asset", assets)}
        UNION ALL SELECT at FROM ledger_entries WHERE user_id = ${userId} AND ${sql.in("asset", assets)}
          AND account = 'wallet' AND kind = 'adjustment' AND at >= ${since}`
    )
    return rows.length > 0
  })

  const differenceCount = Effect.map(
    find(Counted, sql`SELECT count(*) AS differences FROM ledger_differences`),
    ([row]) => row?.differences ?? 0
  )

  return { lastSeq, differenceCount, compare, settle, differences, explained, unexplainedSince }
}
