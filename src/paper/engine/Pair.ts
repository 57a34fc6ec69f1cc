import { Schema } from "effect"
import { Decimal, NonNegativeDecimal } from "../../domain/Decimal.ts"
import type { Instant } from "../../domain/Time.ts"
import type { Listing } from "../MarketSource.ts"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const Places = Schema.Int.pipe(Schema.between(0, 18))

/** What an operator may change of a pair, at the start or at run time; what is absent stays as it is. */
export const PairChange = Schema.Struct({
  /** An unlisted pair does not exist for any caller. */
  listed: optional(Schema.Boolean),
  /** Off: every order over the API is refused, although the pair is online. */
  apiTrading: optional(Schema.Boolean),
  /** exchangeInfo `status`: 1 online, 2 paused, 3 offline. */
  status: optional(Schema.Literal("1", "2", "3")),
  /** 1 both sides, 2 buy only, 3 sell only, 4 closed. */
  tradeSideType: optional(Schema.Literal(1, 2, 3, 4)),
  marketOrders: optional(Schema.Boolean),
  /** Off: only market orders are taken, as in the first moments of some listings. */
  limitOrders: optional(Schema.Boolean),
  basePrecision: optional(Places),
  quotePrecision: optional(Places),
  minQuantity: optional(NonNegativeDecimal),
  minNotional: optional(NonNegativeDecimal),
  maxNotional: optional(NonNegativeDecimal),
  marketMinNotional: optional(NonNegativeDecimal),
  marketMaxNotional: optional(NonNegativeDecimal),
  priceBand: optional(NonNegativeDecimal),
  makerFeeRate: optional(NonNegativeDecimal),
  takerFeeRate: optional(NonNegativeDecimal)
})
export type PairChange = typeof PairChange.Type

/** A listing with everything said that a source may leave out. */
export interface PairListing extends Listing {
  /** Smallest and largest value of a MARKET order. */
  readonly marketMinNotional: Decimal
  readonly marketMaxNotional: Decimal
}

/** One pair as it stands now. */
export interface Pair {
  readonly listing: PairListing
  readonly listed: boolean
  readonly apiTrading: boolean
  readonly status: "1" | "2" | "3"
  readonly tradeSideType: 1 | 2 | 3 | 4
  readonly marketOrders: boolean
  readonly limitOrders: boolean
  /** Since when it is paused, offline or unlisted, in market time. */
  readonly offlineAt: Instant | null
}

export const pairOf = (listing: Listing): Pair => ({
  listing: { marketMinNotional: listing.minNotional, marketMaxNotional: listing.maxNotional, ...listing },
  listed: true,
  apiTrading: true,
  status: "1",
  tradeSideType: 1,
  marketOrders: true,
  limitOrders: true,
  offlineAt: null
})

export const isOnline = (pair: Pair): boolean => pair.listed && pair.status === "1"

export const withChange = (pair: Pair, change: PairChange, at: Instant): Pair => {
  const { apiTrading, limitOrders, listed, marketOrders, status, tradeSideType, ...limits } = change
  const next = {
    listing: { ...pair.listing, ...limits },
    listed: listed ?? pair.listed,
    apiTrading: apiTrading ?? pair.apiTrading,
    status: status ?? pair.status,
    tradeSideType: tradeSideType ?? pair.tradeSideType,
    marketOrders: marketOrders ?? pair.marketOrders,
    limitOrders: limitOrders ?? pair.limitOrders,
    offlineAt: null
  }
  return isOnline(next) ? next : { ...next, offlineAt: pair.offlineAt ?? at }
}
