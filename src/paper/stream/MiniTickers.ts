import { type Context, Effect } from "effect"
import { type Decimal, divide, format, isZero, subtract, zero } from "../../domain/Decimal.ts"
import type { Instant } from "../../domain/Time.ts"
import type { Zone } from "../../mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../mexc/wire/Stream.ts"
import type { Exchange } from "../Exchange.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { Envelope } from "./PublicFrames.ts"

const day = 86_400_000
/** The venue's own day, which `rate` counts whatever zone was asked for. */
const venueZone = "UTC+8"
const rateDecimals = 4

type MiniTicker = NonNullable<PushFrameInput["publicMiniTicker"]>

/** When the day of a zone began; `24H` is no day but the last 24 hours. */
export const dayStart = (zone: Zone, now: Instant): Instant => {
  if (zone === "24H") return now - day
  const [, sign = "+", hours = "0", minutes = "0"] = /^UTC([+-])(\d+)(?::(\d+))?$/.exec(zone) ?? []
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  return Math.floor((now + offset) / day) * day - offset
}

/** 24 h statistics of one pair as the mini channels tell them: `volume` is the turnover, `quantity` the base volume. */
export const miniTicker = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  symbol: string,
  zone: Zone,
  now: Instant
): Effect.fn.Return<MiniTicker, VenueRejection> {
  const { high, last, low, quoteVolume, volume } = yield* exchange.ticker(symbol)
  const today = yield* changesSince(exchange, symbol, last, dayStart(venueZone, now))
  const zoned = zone === venueZone ? today : yield* changesSince(exchange, symbol, last, dayStart(zone, now))
  return {
    symbol,
    price: format(last),
    rate: today.sinceOpen,
    zonedRate: zoned.sinceOpen,
    high: format(high),
    low: format(low),
    volume: format(quoteVolume),
    quantity: format(volume),
    lastCloseRate: today.sinceClose,
    lastCloseZonedRate: zoned.sinceClose,
    lastCloseHigh: format(high),
    lastCloseLow: format(low)
  }
})

/** The change since the first price of a day, and since the last one before it. */
const changesSince = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  symbol: string,
  last: Decimal,
  from: Instant
) {
  const [first] = yield* exchange.candles({ symbol, interval: "1m", from, limit: 1 })
  const [before] = yield* exchange.candles({ symbol, interval: "1m", to: from, limit: 1 })
  const open = first?.open ?? before?.close ?? last
  return { sinceOpen: rateOf(last, open), sinceClose: rateOf(last, before?.close ?? open) }
})

const rateOf = (last: Decimal, from: Decimal): string =>
  format(isZero(from) ? zero : divide(subtract(last, from), from, rateDecimals))

export const miniTickerFrame = (envelope: Envelope, publicMiniTicker: MiniTicker): PushFrameInput => ({
  ...envelope,
  publicMiniTicker
})

/** All pairs' frame names no pair. */
export const miniTickersFrame = (
  envelope: Omit<Envelope, "symbol">,
  items: ReadonlyArray<MiniTicker>
): PushFrameInput => ({ ...envelope, publicMiniTickers: { items } })
