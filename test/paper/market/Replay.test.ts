import { existsSync } from "node:fs"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import { Chunk, Effect, Stream } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { add, format, max, min, sum, zero } from "../../../src/domain/Decimal.ts"
import type { Candle } from "../../../src/domain/Market.ts"
import { MarketSource, type PriceStep } from "../../../src/paper/MarketSource.ts"
import { deepestBelowHigh } from "../../../src/paper/market/Crash.ts"
import { readRecordings } from "../../../src/paper/market/Recording.ts"
import * as Replay from "../../../src/paper/market/Replay.ts"

const reference = `${process.env["DIPPER_REFERENCE"] ?? "../shared"}/market-data`
const minute = 60_000
const start = 1_700_000_040_000

const rowsOf = (count: number, minutes = 1, from = start) =>
  Array.from({ length: count }, (_, i) => {
    const openTime = from + i * minutes * minute
    return `${openTime},${100 + i}.10,${103 + i}.5,${98 + i}.25,${101 + i},12.5,${openTime + minutes * minute},1260`
  })
const header = "openTime,open,high,low,close,volume,closeTime,quoteVolume"

const inFolder = <A, E>(
  files: Readonly<Record<string, ReadonlyArray<string>>>,
  use: (folder: string) => Effect.Effect<A, E, NodeContext.NodeContext>
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped()
    for (const [name, lines] of Object.entries(files)) yield* fs.writeFileString(`${folder}/${name}`, lines.join("\n"))
    return yield* use(folder)
  }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

const replay = (options: Replay.ReplayOptions) => Effect.provide(MarketSource, Replay.layer(options))

const allSteps = (source: typeof MarketSource.Service, from: number) =>
  Effect.map(Stream.runCollect(source.steps(from)), Chunk.toReadonlyArray)

/** Candles of an interval, folded from steps of one symbol. */
const folded = (steps: ReadonlyArray<PriceStep>, intervalMs: number, origin: number) => {
  const candles = new Map<number, Pick<Candle, "open" | "high" | "low" | "close" | "volume">>()
  for (const { at, price, quantity } of steps) {
    const openTime = origin + Math.floor((at - origin) / intervalMs) * intervalMs
    const known = candles.get(openTime)
    candles.set(
      openTime,
      known === undefined
        ? { open: price, high: price, low: price, close: price, volume: quantity }
        : {
            open: known.open,
            high: max(known.high, price),
            low: min(known.low, price),
            close: price,
            volume: add(known.volume, quantity)
          }
    )
  }
  return candles
}

const text = (candle: Pick<Candle, "open" | "high" | "low" | "close" | "volume">) =>
  [candle.open, candle.high, candle.low, candle.close, candle.volume].map(format).join(" ")

describe("a replayed recording", () => {
  it.effect("starts after its first row, which is history, and ends with its last", () =>
    inFolder({ "BTCUSDT-1m.csv": [header, ...rowsOf(3)] }, (folder) =>
      Effect.gen(function* () {
        const source = yield* replay({ path: `${folder}/BTCUSDT-1m.csv` })
        assert.deepStrictEqual([source.startsAt, source.endsAt], [start + minute, start + 3 * minute])
        const history = yield* source.history("BTCUSDT")
        assert.deepStrictEqual(
          history.map((candle) => candle.openTime),
          [start]
        )
        const steps = yield* allSteps(source, source.startsAt)
        assert.strictEqual(steps.length, 30)
        const listing = source.listings[0]
        assert.deepStrictEqual(
          [listing?.symbol, listing?.baseAsset, listing?.quoteAsset, listing?.quotePrecision],
          ["BTCUSDT", "BTC", "USDT", 2]
        )
      })
    )
  )

  it.effect("goes on after any instant exactly where it was", () =>
    inFolder({ "BTCUSDT-1m.csv": rowsOf(5), "ETHUSDT-60m.csv": rowsOf(2, 60) }, (folder) =>
      Effect.gen(function* () {
        const source = yield* replay({ path: folder })
        const steps = yield* allSteps(source, source.startsAt)
        const at = start + 2 * minute + 30_000
        assert.deepStrictEqual(
          yield* allSteps(source, at),
          steps.filter((step) => step.at > at)
        )
        const times = steps.map((step) => step.at)
        assert.deepStrictEqual(
          times,
          [...times].sort((a, b) => a - b)
        )
        assert.deepStrictEqual(new Set(steps.map((step) => step.symbol)), new Set(["BTCUSDT", "ETHUSDT"]))
      })
    )
  )

  it.effect("serves the rows before its window as history and nothing after its end", () =>
    inFolder({ "ETHUSDT-60m.csv": rowsOf(6, 60, 1_700_000_000_000 - (1_700_000_000_000 % 3_600_000)) }, (folder) =>
      Effect.gen(function* () {
        const first = 1_700_000_000_000 - (1_700_000_000_000 % 3_600_000)
        const window = { from: first + 150 * minute, to: first + 200 * minute }
        const source = yield* replay({ path: folder, window })
        const history = (yield* source.history("ETHUSDT")).filter((candle) => candle.closed)
        assert.strictEqual(history.length, 150)
        assert.strictEqual(history.at(-1)?.openTime, window.from - minute)
        const steps = yield* allSteps(source, source.startsAt)
        assert.isTrue(steps.length > 0 && steps.every((step) => step.at > window.from && step.at <= window.to))
      })
    )
  )

  it.effect("stands at the price its history ends with, also within a coarse row", () =>
    inFolder({ "BTCUSDT-1m.csv": rowsOf(4), "ETHUSDT-60m.csv": rowsOf(4, 60) }, (folder) =>
      Effect.gen(function* () {
        for (const from of [minute, 2 * minute + 30_000, 60 * minute, 95 * minute + 1, 150 * minute]) {
          const source = yield* replay({ path: folder, window: { from: start + from } })
          for (const { symbol } of source.listings) {
            const end = (yield* source.history(symbol)).at(-1)?.close
            const price = yield* source.priceAtStart(symbol)
            assert.strictEqual(price && format(price), end === undefined ? null : format(end))
          }
        }
      })
    )
  )

  it.effect("resumed within a candle neither repeats nor loses a step of it", () =>
    inFolder({ "BTCUSDT-1m.csv": rowsOf(4) }, (folder) =>
      Effect.gen(function* () {
        const from = start + 2 * minute + 30_000
        const source = yield* replay({ path: folder, window: { from } })
        const running = (yield* source.history("BTCUSDT")).at(-1)
        const steps = yield* allSteps(source, source.startsAt)
        assert.isTrue(steps.every((step) => step.at > from))
        const rest = steps.filter((step) => step.at < start + 3 * minute).map((step) => step.quantity)
        assert.strictEqual(running?.closed, false)
        assert.strictEqual(format(sum([...rest, running?.volume ?? zero])), "12.5")
      })
    )
  )

  it.effect("of a folder takes the finest recording of each symbol", () =>
    inFolder({ "BTCUSDT-60m.csv": rowsOf(4, 60), "BTCUSDT-1m.csv": rowsOf(4), "notes.txt": ["hello"] }, (folder) =>
      Effect.gen(function* () {
        const recordings = yield* readRecordings(folder)
        assert.deepStrictEqual(
          recordings.map(({ intervalMs, symbol }) => [symbol, intervalMs]),
          [["BTCUSDT", minute]]
        )
      })
    )
  )

  it.effect("crosses a gap of months in one pull", () =>
    inFolder({ "BTCUSDT-1m.csv": [...rowsOf(2), ...rowsOf(1, 1, start + 500_000 * minute)] }, (folder) =>
      Effect.gen(function* () {
        const source = yield* replay({ path: folder })
        const chunks = yield* Stream.runCollect(Stream.chunks(source.steps(source.startsAt)))
        assert.strictEqual(Chunk.size(chunks), 2)
      })
    )
  )
})

describe("a broken recording", () => {
  const refused = (name: string, lines: ReadonlyArray<string>) =>
    inFolder({ [name]: lines }, (folder) => Effect.flip(replay({ path: `${folder}/${name}` })))

  it.effect("is refused with its file and line", () =>
    Effect.gen(function* () {
      const bad = rowsOf(3).with(1, `${start + minute},x,1,1,1,1,${start + 2 * minute},1`)
      const error = yield* refused("BTCUSDT-1m.csv", [header, ...bad])
      assert.match(error.message, /BTCUSDT-1m\.csv, line 3: /)
      const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, RegExp]> = [
        ["BTCUSDT-1m.csv", [...rowsOf(2), ...rowsOf(1)], /line 3: rows must ascend/],
        ["BTCUSDT-1m.csv", [`${start},5,4,3,4,1,${start + minute},1`], /line 1: open and close must lie/],
        ["BTCUSDT-1m.csv", [`${start},5,5,5,5,1,${start + 1_000},1`], /line 1: a candle must last/],
        ["BTCUSDT-1m.csv", [`${start},0,5,0,5,1,${start + minute},1`], /line 1: .*expected a price above zero/s],
        ["BTCUSDT-1m.csv", [`${start},5,5,5,5,1`], /line 1: /],
        ["BTCUSDT-1m.csv", ["time,open", ...rowsOf(1)], /line 1: expected the columns openTime/],
        ["BTCUSDT-1m.csv", [header], /holds no candle/],
        ["FOO-1m.csv", rowsOf(1), /expected a name such as BTCUSDT-1m\.csv/]
      ]
      for (const [name, lines, expected] of cases) assert.match((yield* refused(name, lines)).message, expected)
    })
  )

  it.effect("or a missing one is named", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(replay({ path: "/no/such/BTCUSDT-1m.csv" }))
      assert.match(error.message, /\/no\/such\/BTCUSDT-1m\.csv: no such file/)
    }).pipe(Effect.provide(NodeContext.layer))
  )
})

describe.skipIf(!existsSync(`${reference}/BTCUSDT-1m.csv`))("the recordings of the reference", () => {
  const load = (name: string) =>
    Effect.flatMap(readRecordings(`${reference}/${name}`), ([recording]) => Effect.fromNullable(recording))

  it.effect("BTCUSDT-1m is deepest below its 24 h high in the flash crash of 2024-12-05", () =>
    Effect.gen(function* () {
      const { candles } = yield* load("BTCUSDT-1m.csv")
      assert.strictEqual(candles.length, 20_220)
      const crash = deepestBelowHigh(candles)
      assert.match(new Date(crash?.at ?? 0).toISOString(), /^2024-12-05T22:2\d/)
      assert.isAbove(crash?.percent ?? 0, 8)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  for (const name of ["BTCUSDT-1m.csv", "BTCUSDT-60m.csv", "ETHUSDT-60m.csv"])
    it.effect(`${name} comes out of its steps as it was recorded`, () =>
      Effect.gen(function* () {
        const { candles, intervalMs } = yield* load(name)
        const source = yield* replay({ path: `${reference}/${name}` })
        const steps = yield* allSteps(source, source.startsAt)
        const seen = folded(steps, intervalMs, candles[0]?.openTime ?? 0)
        for (const candle of candles.slice(1)) {
          const replayed = seen.get(candle.openTime)
          assert.strictEqual(replayed && text(replayed), text(candle))
        }
      }).pipe(Effect.provide(NodeContext.layer))
    )
})
