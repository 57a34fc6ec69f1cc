import { writeFileSync } from "node:fs"
import { join } from "node:path"

const hourMs = 3_600_000
const spanMs = 49 * hourMs

/**
 * A replay that stands still: 49 hours of history at one price up to `startsAt`, then nothing but what the test does.
 * The market has an end, which no test reaches.
 */
export const writeRecording = (folder: string, symbol: string, startsAt: string, price: string): void => {
  const start = Date.parse(startsAt)
  const row = (openTime: number) =>
    [openTime, price, price, price, price, "1000.000001", openTime + spanMs, "1000000.00"].join(",")
  const rows = [row(start - spanMs), row(start + 500 * 24 * hourMs)]
  writeFileSync(join(folder, `${symbol}-49h.csv`), `${rows.join("\n")}\n`)
}
