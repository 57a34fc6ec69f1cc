import type { Interval } from "../../domain/Market.ts"

/** Channel names. In merged channels the speed stands before the symbol, in the others the argument after it. */

const deals = "spot@public.aggre.deals.v3.api.pb"
const bookTicker = "spot@public.aggre.bookTicker.v3.api.pb"
const depth = "spot@public.aggre.depth.v3.api.pb"
const kline = "spot@public.kline.v3.api.pb"
const limitDepth = "spot@public.limit.depth.v3.api.pb"

export const privateOrders = "spot@private.orders.v3.api.pb"
export const privateDeals = "spot@private.deals.v3.api.pb"
export const privateAccount = "spot@private.account.v3.api.pb"

/** The three channels of a private connection, opened with a listen key. */
export const privateChannels = [privateOrders, privateDeals, privateAccount] as const

export type Speed = "100ms" | "10ms"

/** `Hour8` exists only here, `1h` nowhere. */
export const klineIntervals = {
  "1m": "Min1",
  "5m": "Min5",
  "15m": "Min15",
  "30m": "Min30",
  "60m": "Min60",
  "4h": "Hour4",
  "1d": "Day1",
  "1W": "Week1",
  "1M": "Month1"
} as const satisfies Record<Interval, string>

export const dealsChannel = (symbol: string, speed: Speed = "100ms"): string => `${deals}@${speed}@${symbol}`
export const bookTickerChannel = (symbol: string, speed: Speed = "100ms"): string => `${bookTicker}@${speed}@${symbol}`
export const depthChannel = (symbol: string, speed: Speed = "100ms"): string => `${depth}@${speed}@${symbol}`
export const klineChannel = (symbol: string, interval: Interval): string =>
  `${kline}@${symbol}@${klineIntervals[interval]}`

/** A merged channel's `eventType`: its name without the symbol. */
export const eventType = (channel: string): string => channel.slice(0, channel.lastIndexOf("@"))

export type Channel =
  | { readonly kind: "deals" | "bookTicker" | "depth"; readonly speed: Speed; readonly symbol: string }
  | { readonly kind: "kline"; readonly symbol: string; readonly interval: Interval }
  | { readonly kind: "limitDepth"; readonly symbol: string; readonly levels: 5 | 10 | 20 }
  | { readonly kind: "privateOrders" | "privateDeals" | "privateAccount" }

const merged = new Map<string, "deals" | "bookTicker" | "depth">([
  [deals, "deals"],
  [bookTicker, "bookTicker"],
  [depth, "depth"]
])

const intervalsByName = new Map<string, Interval>([
  ["Min1", "1m"],
  ["Min5", "5m"],
  ["Min15", "15m"],
  ["Min30", "30m"],
  ["Min60", "60m"],
  ["Hour4", "4h"],
  ["Day1", "1d"],
  ["Week1", "1W"],
  ["Month1", "1M"]
])

const symbolText = /^[A-Z0-9_]{2,32}$/
const isSpeed = (text: string): text is Speed => text === "100ms" || text === "10ms"

const parsePrivate = (name: string): Channel | null => {
  if (name === privateOrders) return { kind: "privateOrders" }
  if (name === privateDeals) return { kind: "privateDeals" }
  return name === privateAccount ? { kind: "privateAccount" } : null
}

/** Reads a channel name as the venue does: null is what it answers "Blocked!" to. */
export const parseChannel = (name: string): Channel | null => {
  const [prefix = "", kindName = "", first = "", second = "", ...rest] = name.split("@")
  if (rest.length > 0) return null
  const stem = `${prefix}@${kindName}`
  const kind = merged.get(stem)
  if (kind !== undefined)
    return isSpeed(first) && symbolText.test(second) ? { kind, speed: first, symbol: second } : null
  if (stem === kline) {
    const interval = intervalsByName.get(second)
    return interval !== undefined && symbolText.test(first) ? { kind: "kline", symbol: first, interval } : null
  }
  if (stem === limitDepth) {
    const levels = second === "5" ? 5 : second === "10" ? 10 : second === "20" ? 20 : null
    return levels !== null && symbolText.test(first) ? { kind: "limitDepth", symbol: first, levels } : null
  }
  return parsePrivate(name)
}
