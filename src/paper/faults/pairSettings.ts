import type { Pair, PairChange } from "../engine/Pair.ts"

/** Everything an operator may change of a pair, as it stands now. */
export const pairSettings = ({ listing, ...pair }: Pair): PairChange => ({
  listed: pair.listed,
  apiTrading: pair.apiTrading,
  status: pair.status,
  tradeSideType: pair.tradeSideType,
  marketOrders: pair.marketOrders,
  limitOrders: pair.limitOrders,
  basePrecision: listing.basePrecision,
  quotePrecision: listing.quotePrecision,
  minQuantity: listing.minQuantity,
  minNotional: listing.minNotional,
  maxNotional: listing.maxNotional,
  marketMinNotional: listing.marketMinNotional,
  marketMaxNotional: listing.marketMaxNotional,
  priceBand: listing.priceBand,
  makerFeeRate: listing.makerFeeRate,
  takerFeeRate: listing.takerFeeRate
})
