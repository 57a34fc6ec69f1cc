import { Effect } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type {
  AveragePrice,
  BestPrices,
  OfflineSymbol,
  OrderBook,
  SymbolInfo,
  SymbolName,
  SymbolPrice,
  Ticker
} from "../../domain/Market.ts"
import type { MarketClock } from "../../MarketClock.ts"
import {
  toBestPrices,
  toOfflineSymbol,
  toOrderBook,
  toSymbolInfo,
  toTicker,
  unknownOfOffline,
  unknownOfPairs
} from "../map/MarketMapping.ts"
import type { Parameters } from "../signing/Signature.ts"
import type { Transport } from "../Transport.ts"
import { type VenueFailure, VenueUnavailable } from "../VenueFailure.ts"
import { RowList, type Rows } from "../wire/Fields.ts"
import * as Rest from "../wire/rest/RestMarket.ts"
import type { Endpoint } from "../wire/Weights.ts"
import type { RowReader } from "./Listing.ts"

type Asked<A> = Effect.Effect<A, VenueFailure>

/** The public endpoints about what can be traded and what it costs now. Lists leave out what cannot be read. */
export interface MarketCalls {
  readonly ping: Asked<void>
  /** exchangeInfo joined with defaultSymbols; weight 26, cache it. */
  readonly symbols: Asked<ReadonlyArray<SymbolInfo>>
  /** defaultSymbols alone: what is tradable through the API, for one weight. */
  readonly listedSymbols: Asked<ReadonlySet<string>>
  readonly offlineSymbols: Asked<ReadonlyArray<OfflineSymbol>>
  readonly tickers: Asked<ReadonlyArray<Ticker>>
  readonly ticker: (symbol: SymbolName) => Asked<Ticker>
  readonly prices: Asked<ReadonlyArray<SymbolPrice>>
  readonly price: (symbol: SymbolName) => Asked<SymbolPrice>
  readonly bookTickers: Asked<ReadonlyArray<BestPrices>>
  readonly bookTicker: (symbol: SymbolName) => Asked<BestPrices>
  readonly averagePrice: (symbol: SymbolName) => Asked<AveragePrice>
  readonly orderBook: (symbol: SymbolName, depth: number) => Asked<OrderBook>
}

export const makeMarketCalls = (
  { call }: Transport,
  clock: typeof MarketClock.Service,
  { unknown, usable }: RowReader
): MarketCalls => {
  const market = { class: "market" } as const

  const listedSymbols = call({ ...market, endpoint: "GET /defaultSymbols", answer: Rest.SymbolList }).pipe(
    // An empty list would take every pair away at once.
    Effect.filterOrFail(
      ({ data }) => data.length > 0,
      () => new VenueUnavailable({ message: "The venue's list of tradable pairs is empty." })
    ),
    Effect.map(({ data }) => new Set(data))
  )

  const notEmpty =
    (what: string) =>
    <A>(rows: ReadonlyArray<A>): Effect.Effect<ReadonlyArray<A>, VenueUnavailable> =>
      rows.length > 0
        ? Effect.succeed(rows)
        : new VenueUnavailable({ message: `The venue's list of ${what} has no usable row.` })

  const symbols = Effect.gen(function* () {
    const endpoint = "GET /exchangeInfo"
    const info = yield* call({ ...market, endpoint, answer: Rest.ExchangeInfo, slow: true })
    const rows = yield* Effect.flatMap(usable(endpoint, Rest.readExchangeSymbols(info.symbols)), notEmpty("pairs"))
    yield* unknown(endpoint, unknownOfPairs(rows))
    const listed = yield* listedSymbols
    const now = yield* clock.now
    return rows.map((row) => toSymbolInfo(row, listed, now))
  })

  const offlineSymbols = call({ ...market, endpoint: "GET /symbol/offline", answer: Rest.OfflineRows }).pipe(
    Effect.flatMap(({ data }) => usable("GET /symbol/offline", Rest.readOfflineRows(data))),
    Effect.tap((rows) => unknown("GET /symbol/offline", unknownOfOffline(rows))),
    Effect.map((rows) => rows.map(toOfflineSymbol))
  )

  const all = <A>(endpoint: Endpoint, read: (values: ReadonlyArray<unknown>) => Rows<A>) =>
    call({ ...market, endpoint, answer: RowList, slow: true }).pipe(
      Effect.flatMap((values) => usable(endpoint, read(values))),
      Effect.flatMap(notEmpty("prices"))
    )

  const ofSymbol = (symbol: SymbolName): Parameters => [["symbol", symbol]]

  /** The one row of the pair asked for, also where the venue answers with a list. */
  const one = <A extends { readonly symbol: SymbolName }>(
    endpoint: Endpoint,
    symbol: SymbolName,
    read: (values: ReadonlyArray<unknown>) => Rows<A>
  ) =>
    call({ ...market, endpoint, parameters: ofSymbol(symbol), answer: RowList }).pipe(
      Effect.flatMap((values) => usable(endpoint, read(values))),
      Effect.flatMap((rows) => {
        const found = rows.find((row) => row.symbol === symbol)
        return found === undefined
          ? new VenueUnavailable({ message: `The venue's answer to ${endpoint} is not about ${symbol}.` })
          : Effect.succeed(found)
      })
    )

  const tickers = Effect.gen(function* () {
    const rows = yield* all("GET /ticker/24hr", Rest.readTickers24h)
    const now = yield* clock.now
    return rows.flatMap((row) => toTicker(row, now) ?? [])
  })

  const ticker = Effect.fn("MexcClient.ticker")(function* (symbol: SymbolName) {
    const row = yield* one("GET /ticker/24hr", symbol, Rest.readTickers24h)
    const found = toTicker(row, yield* clock.now)
    return found ?? (yield* new VenueUnavailable({ message: `The venue has no price, bid or ask for ${symbol}.` }))
  })

  const averagePrice = Effect.fn("MexcClient.averagePrice")(function* (symbol: SymbolName) {
    const { mins, price } = yield* call({
      ...market,
      endpoint: "GET /avgPrice",
      parameters: ofSymbol(symbol),
      answer: Rest.AveragePrice
    })
    return { symbol, minutes: Decimal.toNumber(mins), price }
  })

  const orderBook = Effect.fn("MexcClient.orderBook")(function* (symbol: SymbolName, depth: number) {
    const answer = yield* call({
      ...market,
      endpoint: "GET /depth",
      parameters: [...ofSymbol(symbol), ["limit", `${depth}`]],
      answer: Rest.Depth
    })
    return toOrderBook(symbol, answer, yield* clock.now)
  })

  return {
    ping: Effect.asVoid(call({ ...market, endpoint: "GET /ping", answer: Rest.Ping })),
    symbols,
    listedSymbols,
    offlineSymbols,
    tickers,
    ticker,
    prices: all("GET /ticker/price", Rest.readPriceTickers),
    price: Effect.fn("MexcClient.price")((symbol: SymbolName) =>
      one("GET /ticker/price", symbol, Rest.readPriceTickers)
    ),
    bookTickers: Effect.map(all("GET /ticker/bookTicker", Rest.readBookTickers), (rows) => rows.map(toBestPrices)),
    bookTicker: Effect.fn("MexcClient.bookTicker")((symbol: SymbolName) =>
      Effect.map(one("GET /ticker/bookTicker", symbol, Rest.readBookTickers), toBestPrices)
    ),
    averagePrice,
    orderBook
  }
}
