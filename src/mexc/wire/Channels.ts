import type { Interval } from "../../domain/Market.ts"

/** Channel names. In merged channels the speed stands before the symbol, in the others the argument after it. */

const deals = "spot@public.aggre.deals.v3.api.pb"
const bookTicker = "spot@public.aggre.bookTicker.v3.api.pb"
const depth = "spot@public.aggre.depth.v3.api.pb"
const kline = "spot@public.kline.v3.api.pb"
const limitDepth = "spot@public.limit.depth.v3.api.pb"
const bookTickerBatch = "spot@public.bookTicker.batch.v3.api.pb"
const increaseDepth = "spot@public.increase.depth.batch.v3.api.pb"
const miniTicker = "spot@public.miniTicker.v3.api.pb"
const miniTickers = "spot@public.miniTickers.v3.api.pb"

export const privateOrders = "spot@private.orders.v3.api.pb"
export const privateDeals = "spot@private.deals.v3.api.pb"
export const privateAccount = "spot@private.account.v3.api.pb"

/** The three channels of a private connection, opened with a listen key. */
export const privateChannels = [privateOrders, privateDeals, privateAccount] as const

export type Speed = "100ms" | "10ms"

/** Eight hours exist on the stream only. */
export type KlineInterval = Interval | "8h"

/** `Hour8` exists only here, `1h` nowhere. */
export const klineIntervals = {
  "1m": "Min1",
  "5m": "Min5",
  "15m": "Min15",
  "30m": "Min30",
  "60m": "Min60",
  "4h": "Hour4",
  "8h": "Hour8",
  "1d": "Day1",
  "1W": "Week1",
  "1M": "Month1"
} as const satisfies Record<KlineInterval, string>

/** The days a mini ticker may count its change in: the last 24 hours, or since midnight at an offset from UTC. */
export const zones = [
  ...["24H", "UTC-10", "UTC-8", "UTC-7", "UTC-6", "UTC-5", "UTC-4", "UTC-3", "UTC+0", "UTC+1", "UTC+2", "UTC+3"],
  ...["UTC+4", "UTC+4:30", "UTC+5", "UTC+5:30", "UTC+6", "UTC+7", "UTC+8", "UTC+9", "UTC+10", "UTC+11", "UTC+12"],
  ...["UTC+12:45", "UTC+13"]
] as const
export type Zone = (typeof zones)[number]

export const dealsChannel = (symbol: string, speed: Speed = "100ms"): string => `${deals}@${speed}@${symbol}`
export const bookTickerChannel = (symbol: string, speed: Speed = "100ms"): string => `${bookTicker}@${speed}@${symbol}`
export const depthChannel = (symbol: string, speed: Speed = "100ms"): string => `${depth}@${speed}@${symbol}`
export const klineChannel = (symbol: string, interval: KlineInterval): string =>
  `${kline}@${symbol}@${klineIntervals[interval]}`
export const limitDepthChannel = (symbol: string, levels: 5 | 10 | 20): string => `${limitDepth}@${symbol}@${levels}`
export const bookTickerBatchChannel = (symbol: string): string => `${bookTickerBatch}@${symbol}`
export const increaseDepthChannel = (symbol: string): string => `${increaseDepth}@${symbol}`
export const miniTickerChannel = (symbol: string, zone: Zone = "24H"): string => `${miniTicker}@${symbol}@${zone}`
export const miniTickersChannel = (zone: Zone = "24H"): string => `${miniTickers}@${zone}`

/** A merged channel's `eventType`: its name without the symbol. */
export const eventType = (channel: string): string => channel.slice(0, channel.lastIndexOf("@"))

export type Channel =
  | { readonly kind: "deals" | "bookTicker" | "depth"; readonly speed: Speed; readonly symbol: string }
  | { readonly kind: "kline"; readonly symbol: string; readonly interval: KlineInterval }
  | { readonly kind: "limitDepth"; readonly symbol: string; readonly levels: 5 | 10 | 20 }
  | { readonly kind: "bookTickerBatch" | "increaseDepth"; readonly symbol: string }
  | { readonly kind: "miniTicker"; readonly symbol: string; readonly zone: Zone }
  | { readonly kind: "miniTickers"; readonly zone: Zone }
  | { readonly kind: "privateOrders" | "privateDeals" | "privateAccount" }

const symbolText = /^[A-Z0-9_]{2,32}$/
const isSpeed = (text: string): text is Speed => text === "100ms" || text === "10ms"
const levelsByText = new Map<string, 5 | 10 | 20>([
  ["5", 5],
  ["10", 10],
  ["20", 20]
])
const intervalsByName = new Map<string, KlineInterval>([
  ["Min1", "1m"],
  ["Min5", "5m"],
  ["Min15", "15m"],
  ["Min30", "30m"],
  ["Min60", "60m"],
  ["Hour4", "4h"],
  ["Hour8", "8h"],
  ["Day1", "1d"],
  ["Week1", "1W"],
  ["Month1", "1M"]
])
const zonesByText = new Map<string, Zone>(zones.map((zone) => [zone, zone]))

/** A channel of one pair with one argument after it; both have to be as the venue writes them. */
const withArgument =
  <A>(values: ReadonlyMap<string, A>, make: (symbol: string, value: A) => Channel) =>
  ([symbol = "", argument = "", ...rest]: ReadonlyArray<string>): Channel | null => {
    const value = values.get(argument)
    return value === undefined || rest.length > 0 || !symbolText.test(symbol) ? null : make(symbol, value)
  }
const merged =
  (kind: "deals" | "bookTicker" | "depth") =>
  ([speed = "", symbol = "", ...rest]: ReadonlyArray<string>): Channel | null =>
    isSpeed(speed) && symbolText.test(symbol) && rest.length === 0 ? { kind, speed, symbol } : null
const plain =
  (kind: "bookTickerBatch" | "increaseDepth") =>
  ([symbol = "", ...rest]: ReadonlyArray<string>): Channel | null =>
    symbolText.test(symbol) && rest.length === 0 ? { kind, symbol } : null
const own =
  (kind: "privateOrders" | "privateDeals" | "privateAccount") =>
  (rest: ReadonlyArray<string>): Channel | null =>
    rest.length === 0 ? { kind } : null

const parsers = new Map<string, (rest: ReadonlyArray<string>) => Channel | null>([
  [deals, merged("deals")],
  [bookTicker, merged("bookTicker")],
  [depth, merged("depth")],
  [kline, withArgument(intervalsByName, (symbol, interval) => ({ kind: "kline", symbol, interval }))],
  [limitDepth, withArgument(levelsByText, (symbol, levels) => ({ kind: "limitDepth", symbol, levels }))],
  [miniTicker, withArgument(zonesByText, (symbol, zone) => ({ kind: "miniTicker", symbol, zone }))],
  [
    miniTickers,
    ([text = "", ...rest]) => {
      const zone = zonesByText.get(text)
      return zone === undefined || rest.length > 0 ? null : { kind: "miniTickers", zone }
    }
  ],
  [bookTickerBatch, plain("bookTickerBatch")],
  [increaseDepth, plain("increaseDepth")],
  [privateOrders, own("privateOrders")],
  [privateDeals, own("privateDeals")],
  [privateAccount, own("privateAccount")]
])

/** Reads a channel name as the venue does: null is what it answers "Blocked!" to. */
export const parseChannel = (name: string): Channel | null => {
  const [prefix = "", kind = "", ...rest] = name.split("@")
  return parsers.get(`${prefix}@${kind}`)?.(rest) ?? null
}
