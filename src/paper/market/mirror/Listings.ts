import { Effect, Schema } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import { Amount, readRows, TextOr } from "../../../mexc/wire/Fields.ts"
import { ExchangeInfo, ExchangeSymbol, SymbolList } from "../../../mexc/wire/rest/RestMarket.ts"
import type { Listing, ListingChange, UpstreamRestriction } from "../../MarketSource.ts"
import { UpstreamFailed, type VenueReader } from "./venue/VenueReader.ts"

export interface VenueListings {
  /** Of defaultSymbols. */
  readonly forApi: ReadonlySet<string>
  readonly listings: ReadonlyArray<Listing>
  readonly restrictions: Readonly<Record<string, UpstreamRestriction>>
}

/** What an order check needs besides what our own client reads. */
const Row = Schema.Struct({
  ...ExchangeSymbol.fields,
  fullName: TextOr(""),
  filters: Schema.optionalWith(Schema.NullOr(Schema.Array(Schema.Unknown)), { default: () => null })
})
type Row = typeof Row.Type
const readListingRows = readRows(Row)

const PriceFilter = Schema.Struct({
  filterType: Schema.Literal("PERCENT_PRICE_BY_SIDE"),
  bidMultiplierUp: Amount,
  askMultiplierDown: Amount
})
const readPriceFilters = readRows(PriceFilter)

/** The pairs of the venue; one that cannot be read is left out, the others are not. */
export const readListings = Effect.fnUntraced(function* (reader: VenueReader) {
  const forApi = yield* readForApi(reader)
  return yield* readListingsOf(reader, forApi)
})

export const readForApi = (reader: VenueReader) =>
  Effect.map(reader.get("/defaultSymbols", {}, SymbolList), ({ data }): ReadonlySet<string> => new Set(data))

export const readListingsOf = Effect.fnUntraced(function* (reader: VenueReader, forApi: ReadonlySet<string>) {
  const info = yield* reader.get("/exchangeInfo", {}, ExchangeInfo)
  const { rejected, rows } = readListingRows(info.symbols)
  if (rejected > 0) yield* Effect.logWarning(`the mirror leaves out ${rejected} pairs that it cannot read`)
  if (rows.length === 0) return yield* new UpstreamFailed({ message: "the venue lists no pair" })
  return {
    forApi,
    listings: rows.map(listingOf),
    restrictions: Object.fromEntries(rows.map((row) => [row.symbol, restrictionOf(row, forApi.has(row.symbol))]))
  } satisfies VenueListings
})

/** What changed of which pair; a pair that is gone is no longer listed, one that comes back is listed as it is then. */
export const changesBetween = (before: VenueListings, after: VenueListings): ReadonlyArray<ListingChange> => {
  const gone = new Map(before.listings.map((listing) => [listing.symbol, listing]))
  const changed = after.listings.flatMap((listing): ReadonlyArray<ListingChange> => {
    const { symbol } = listing
    const was = gone.get(symbol)
    gone.delete(symbol)
    const now = settingsOf(listing, after.restrictions[symbol])
    if (was === undefined) return [{ symbol, listing, change: { listed: true, ...now } }]
    const then = new Map(Object.entries(settingsOf(was, before.restrictions[symbol])))
    const entries = Object.entries(now).filter(([name, value]) => textOf(then.get(name)) !== textOf(value))
    return entries.length === 0 ? [] : [{ symbol, change: Object.fromEntries(entries) }]
  })
  return [...changed, ...[...gone.keys()].map((symbol) => ({ symbol, change: { listed: false } }))]
}

const settingsOf = (
  { baseAsset, fullName, quoteAsset, symbol, ...limits }: Listing,
  restriction: UpstreamRestriction | undefined
): ListingChange["change"] => ({ ...limits, ...restriction })

const textOf = (value: Decimal.Decimal | string | number | boolean | undefined): string =>
  typeof value === "object" ? Decimal.format(value) : String(value)

/** Where the venue sets no limit: more than any account here holds. */
const unlimited = Decimal.unsafe("1000000000000")
/** A pair without a price filter takes any price. */
const noBand = Decimal.unsafe("1000000")

const listingOf = (row: Row): Listing => {
  const minNotional = row.quoteAmountPrecision ?? Decimal.zero
  const maxNotional = row.maxQuoteAmount ?? unlimited
  const [filter] = readPriceFilters(row.filters ?? []).rows
  return {
    symbol: row.symbol,
    baseAsset: row.baseAsset,
    quoteAsset: row.quoteAsset,
    fullName: row.fullName === "" ? row.baseAsset : row.fullName,
    basePrecision: row.baseAssetPrecision,
    quotePrecision: row.quotePrecision,
    minQuantity: row.baseSizePrecision ?? Decimal.zero,
    minNotional,
    maxNotional,
    marketMinNotional: row.quoteAmountPrecisionMarket ?? minNotional,
    marketMaxNotional: row.maxQuoteAmountMarket ?? maxNotional,
    makerFeeRate: row.makerCommission ?? Decimal.zero,
    takerFeeRate: row.takerCommission ?? Decimal.zero,
    priceBand: filter === undefined ? noBand : Decimal.min(filter.bidMultiplierUp, filter.askMultiplierDown)
  }
}

const statuses = new Map<string, "1" | "2" | "3">([
  ["1", "1"],
  ["ENABLED", "1"],
  ["2", "2"],
  ["3", "3"]
])
const sides = new Map<string, 1 | 2 | 3 | 4>([
  ["1", 1],
  ["2", 2],
  ["3", 3],
  ["4", 4]
])

const restrictionOf = (row: Row, isDefault: boolean): UpstreamRestriction => ({
  apiTrading: isDefault && row.isSpotTradingAllowed && row.permissions.includes("SPOT"),
  // What has no known meaning is not traded.
  status: statuses.get(row.status) ?? "2",
  tradeSideType: sides.get(row.tradeSideType) ?? 4,
  marketOrders: row.orderTypes.includes("MARKET")
})
