import { DateTime } from "effect"
import * as Decimal from "../Decimal.ts"
import type { Instant } from "../Time.ts"
import { localDay, zoneOf } from "./schedule.ts"

const names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const

/** `95761` with tick 0.1 reads `95,761.0`. */
export const displayPrice = (price: Decimal.Decimal, tick: Decimal.Decimal | null): string => {
  const [whole = "0", decimals = ""] = Decimal.format(price).split(".")
  const places = tick === null ? 0 : (Decimal.format(tick).split(".")[1]?.length ?? 0)
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",")
  const padded = decimals.padEnd(places, "0")
  return padded === "" ? grouped : `${grouped}.${padded}`
}

/** `Monday 2026-03-02 09:00 Europe/Berlin`. */
export const displayInstant = (at: Instant, timezone: string): string => {
  const zone = zoneOf(timezone)
  const day = names[(((localDay(at, zone) + 3) % 7) + 7) % 7] ?? ""
  const local = DateTime.formatIsoZoned(DateTime.unsafeMakeZoned(at, { timeZone: zone }))
  const seconds = local.slice(17, 19)
  const clock = local.slice(11, 16) + (seconds === "00" ? "" : `:${seconds}`)
  return `${day} ${local.slice(0, 10)} ${clock} ${timezone}`
}
