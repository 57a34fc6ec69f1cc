import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import { Effect, Either, ParseResult, Schema } from "effect"
import {
  greaterThan,
  isNegative,
  isPositive,
  lessThan,
  max,
  min,
  one,
  toNumber,
  VenueDecimal
} from "../../domain/Decimal.ts"
import type { Candle } from "../../domain/Market.ts"
import type { Scales } from "./CandlePath.ts"
import { notionalOf } from "./Listed.ts"
import { decimalsOf, minuteMs } from "./Units.ts"

/** A recording that cannot be replayed; the message names the file and, where it is one, the line. */
export class RecordingInvalid extends Schema.TaggedError<RecordingInvalid>()("RecordingInvalid", {
  file: Schema.String,
  line: Schema.NullOr(Schema.Int),
  why: Schema.String
}) {
  override get message() {
    return `${this.file}${this.line === null ? "" : `, line ${this.line}`}: ${this.why}`
  }
}

/** Recorded candles of one pair, oldest first. */
export interface Recording {
  readonly symbol: string
  readonly baseAsset: string
  readonly quoteAsset: string
  readonly intervalMs: number
  readonly scales: Scales
  readonly candles: ReadonlyArray<Candle>
}

const columns = "openTime,open,high,low,close,volume,closeTime,quoteVolume"

const Milliseconds = Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 8_640_000_000_000_000))
const Price = VenueDecimal.pipe(Schema.filter((price) => isPositive(price) || "expected a price above zero"))
const Volume = VenueDecimal.pipe(Schema.filter((volume) => !isNegative(volume) || "expected a volume of zero or more"))

const Row = Schema.Tuple(Milliseconds, Price, Price, Price, Price, Volume, Milliseconds, Volume)
const decodeRow = Schema.decodeUnknownEither(Row)

/** Longest first, so that `BTCUSDT` is not read as `BTCUSD` and `T`. */
const quoteAssets = [
  "FDUSD",
  "USDT",
  "USDC",
  "USDE",
  "USD1",
  "TUSD",
  "USD",
  "EUR",
  "BRL",
  "TRY",
  "BTC",
  "ETH",
  "BNB",
  "SOL",
  "MX"
]

/** Reads a recording of `SYMBOL-interval.csv`, or the recordings of a folder: of each symbol the finest one. */
export const readRecordings = Effect.fn("Recording.readRecordings")(function* (path: string) {
  const files = yield* csvFiles(path)
  const recordings = yield* Effect.forEach(files, readRecording)
  const finest = new Map<string, Recording>()
  for (const recording of recordings) {
    const known = finest.get(recording.symbol)
    if (known === undefined || recording.intervalMs < known.intervalMs) finest.set(recording.symbol, recording)
  }
  return [...finest.values()]
})

const csvFiles = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const unreadable = () => new RecordingInvalid({ file: path, line: null, why: "no such file or folder can be read" })
  const info = yield* Effect.mapError(fs.stat(path), unreadable)
  if (info.type !== "Directory") return [path]
  const names = yield* Effect.mapError(fs.readDirectory(path), unreadable)
  const files = names.filter((name) => name.toLowerCase().endsWith(".csv")).sort()
  if (files.length === 0) return yield* new RecordingInvalid({ file: path, line: null, why: "holds no .csv recording" })
  return files.map((name) => paths.join(path, name))
})

const readRecording = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const text = yield* Effect.mapError(
    fs.readFileString(file),
    () => new RecordingInvalid({ file, line: null, why: "cannot be read as text" })
  )
  return yield* parseRecording(file, paths.basename(file), text)
})

/** The text of one recording; `file` is only for messages, `name` tells the symbol. */
export const parseRecording = (file: string, name: string, text: string): Either.Either<Recording, RecordingInvalid> =>
  Either.gen(function* () {
    const pair = yield* pairOf(file, name)
    const { candles, intervalMs } = yield* parseRows(file, text)
    return { ...pair, intervalMs, candles, scales: scalesOf(candles, pair.quoteAsset) }
  })

const pairOf = (file: string, name: string) => {
  const symbol = (/^([A-Za-z0-9_]{2,32})(-[^.]*)?\.csv$/i.exec(name)?.[1] ?? "").toUpperCase()
  const quoteAsset = quoteAssets.find((asset) => symbol.length > asset.length && symbol.endsWith(asset))
  return quoteAsset === undefined
    ? Either.left(
        new RecordingInvalid({
          file,
          line: null,
          why: `expected a name such as BTCUSDT-1m.csv, the symbol ending in one of ${quoteAssets.join(", ")}`
        })
      )
    : Either.right({ symbol, quoteAsset, baseAsset: symbol.slice(0, -quoteAsset.length).replace(/_$/, "") })
}

const parseRows = (file: string, text: string) => {
  const invalid = (line: number | null, why: string) => Either.left(new RecordingInvalid({ file, line, why }))
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/)
  const candles: Array<Candle> = []
  let intervalMs = 0
  let earliest = 0
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue
    const isHeader = index === 0 && /^[A-Za-z"]/.test(line)
    if (isHeader && line.trim() !== columns) return invalid(1, `expected the columns ${columns}`)
    if (isHeader) continue
    const row = decodeRow(line.trim().split(","))
    if (Either.isLeft(row)) return invalid(index + 1, ParseResult.TreeFormatter.formatErrorSync(row.left))
    const [openTime, open, high, low, close, volume, closeTime, quoteVolume] = row.right
    if (candles.length === 0) intervalMs = wholeInterval(closeTime - openTime)
    if (intervalMs === 0) return invalid(index + 1, "a candle must last one minute or several whole ones")
    if (openTime < earliest) return invalid(index + 1, "rows must ascend in time without overlap")
    if (greaterThan(max(open, close), high) || lessThan(min(open, close), low))
      return invalid(index + 1, "open and close must lie between low and high")
    candles.push({ openTime, open, high, low, close, volume, quoteVolume, closed: true, synthetic: false })
    earliest = openTime + intervalMs
  }
  return candles.length === 0 ? invalid(null, "holds no candle") : Either.right({ candles, intervalMs })
}

/** 0 when it is none. Some venues write the close as the last millisecond of the candle. */
const wholeInterval = (milliseconds: number): number => {
  const whole = milliseconds % minuteMs === minuteMs - 1 ? milliseconds + 1 : milliseconds
  return whole > 0 && whole % minuteMs === 0 ? whole : 0
}

/**
 * The decimals seen in the data, but no coarser than lets one trade at all: whole prices and volumes of a hand-made
 * recording would make a tick of percents and a step worth more than a small order.
 */
const scalesOf = (candles: ReadonlyArray<Candle>, quoteAsset: string): Scales => {
  const first = toNumber(candles[0]?.open ?? one)
  let price = Math.max(0, Math.ceil(Math.log10(2_000 / first)))
  let quantity = Math.max(0, Math.ceil(Math.log10(first / toNumber(notionalOf(quoteAsset).min))) + 1)
  for (const candle of candles) {
    price = Math.max(price, decimalsOf(candle.open), decimalsOf(candle.high), decimalsOf(candle.low))
    price = Math.max(price, decimalsOf(candle.close))
    quantity = Math.max(quantity, decimalsOf(candle.volume))
  }
  return { price, quantity }
}
