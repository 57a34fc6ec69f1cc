import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import type { LotsProjection } from "./lots.ts"
import type { Statements } from "./statements.ts"

const WantedRow = Schema.Struct({
  user_id: UserId,
  asset: Schema.String,
  quote: Schema.String,
  at: Schema.Int
})
/** What one unit of `asset` was worth in `quote` at a moment. */
export type WantedRow = typeof WantedRow.Type

export interface GivenPrice extends WantedRow {
  /** null when nobody can tell. */
  readonly price: Decimal.Decimal | null
}

const AssetRow = Schema.Struct({ asset: Schema.String })

const atOnce = 1_000

/** A price this near in market time is good enough: where it comes from, candles are no finer. */
const nearMs = 60_000

/** Prices of past moments: asked for by what was booked, looked up outside of any transaction, then part of the truth. */
export const makePricing = ({ find, sql }: Statements, lots: LotsProjection) => {
  const latest = new Map<string, { readonly price: Decimal.Decimal; readonly at: Instant }>()

  const near = (asset: string, quote: string, at: Instant): Decimal.Decimal | null => {
    const known = latest.get(`${asset} ${quote}`)
    return known !== undefined && Math.abs(known.at - at) <= nearMs ? known.price : null
  }

  const note = ({ asset, at, price, quote }: GivenPrice) => {
    const key = `${asset} ${quote}`
    if (price !== null && at >= (latest.get(key)?.at ?? 0)) latest.set(key, { price, at })
  }

  /** Settled at once when a near price is known, so that books are folded anew once a minute at most. */
  const want = (userId: UserId, asset: string, quote: string, at: Instant) => {
    const price = near(asset, quote, at)
    return sql`INSERT INTO ledger_prices ${sql.insert({
      user_id: userId,
      asset,
      quote,
      at,
      price: price === null ? null : Decimal.format(price),
      settled: price === null ? 0 : 1
    })} ON CONFLICT DO NOTHING`
  }

  const wanted = find(
    WantedRow,
    sql`SELECT user_id, asset, quote, at FROM ledger_prices WHERE settled = 0 ORDER BY at LIMIT ${atOnce}`
  )

  const give = Effect.fnUntraced(function* (given: ReadonlyArray<GivenPrice>) {
    const waiting = new Map<UserId, Set<string>>()
    for (const { asset, at, price, quote, user_id } of given) {
      yield* sql`UPDATE ledger_prices SET price = ${price === null ? null : Decimal.format(price)}, settled = 1
        WHERE user_id = ${user_id} AND asset = ${asset} AND quote = ${quote} AND at = ${at} AND settled = 0`
      // The asset itself, and what was traded for a fee in it.
      const assets = yield* find(
        AssetRow,
        sql`SELECT ${asset} AS asset UNION SELECT base_asset FROM fills
          WHERE user_id = ${user_id} AND at = ${at} AND fee_asset = ${asset}`
      )
      const known = waiting.get(user_id) ?? new Set()
      for (const row of assets) known.add(row.asset)
      waiting.set(user_id, known)
    }
    const at = given.reduce((last, row) => Math.max(last, row.at), 0)
    for (const [userId, assets] of waiting)
      for (const asset of assets) yield* lots.refold(userId, asset, { reason: "price", at })
  })

  return { want, wanted, give, note }
}

export type Pricing = ReturnType<typeof makePricing>
