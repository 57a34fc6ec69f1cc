import { assert, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { BookLevel } from "../../src/domain/Market.ts"
import { makeLocalBook } from "../../src/mexc/book/LocalBook.ts"
import { toDepthDelta } from "../../src/mexc/map/StreamMapping.ts"
import type { PublicAggreDepths } from "../../src/mexc/wire/Stream.ts"
import { print, spread } from "./kit.ts"

const rounds = 9
const deltas = 20_000
const depth = 1_000

/** The same numbers in every run. */
const generator = (seed: number) => {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296
}
const random = generator(7)

/** Levels of a cent around 87,900; nearly every change is near the best, and a third removes. */
const priceAt = (side: number, steps: number) => ((8_790_000 + side * (1 + steps)) / 100).toFixed(2)
const change = (side: number) => ({
  price: priceAt(side, Math.floor(random() ** 3 * depth)),
  quantity: random() < 1 / 3 ? "0" : (random() * 3).toFixed(8)
})

const pushed = Array.from({ length: deltas }, (_, i): typeof PublicAggreDepths.Type => ({
  asks: Array.from({ length: 3 }, () => change(1)),
  bids: Array.from({ length: 3 }, () => change(-1)),
  eventType: "spot@public.aggre.depth.v3.api.pb@100ms",
  fromVersion: `${i + 1}`,
  toVersion: `${i + 1}`,
  lastOrderCreateTime: 0
}))

const side = (direction: number): ReadonlyArray<BookLevel> =>
  Array.from({ length: depth }, (_, steps) => [Decimal.unsafe(priceAt(direction, steps)), Decimal.one])

const plainMaps = () => {
  const bids = new Map(Array.from({ length: depth }, (_, steps) => [priceAt(-1, steps), "1"]))
  const asks = new Map(Array.from({ length: depth }, (_, steps) => [priceAt(1, steps), "1"]))
  const put = (levels: Map<string, string>, { price, quantity }: { price: string; quantity: string }) => {
    if (quantity === "0") levels.delete(price)
    else levels.set(price, quantity)
  }
  const began = performance.now()
  for (const delta of pushed) {
    for (const level of delta.bids) put(bids, level)
    for (const level of delta.asks) put(asks, level)
  }
  return { took: performance.now() - began, levels: bids.size + asks.size }
}

const localBook = () => {
  const book = makeLocalBook()
  book.load({ version: 0n, bids: side(-1), asks: side(1), at: 0, truncated: false })
  const began = performance.now()
  for (const delta of pushed) book.apply(Option.getOrThrow(toDepthDelta(delta, 0)))
  const took = performance.now() - began
  const levels = book.levels(2 * depth)
  return { took, levels: (levels?.bids.length ?? 0) + (levels?.asks.length ?? 0) }
}

it.live("changes of a local order book", () =>
  Effect.sync(() => {
    const runs: Array<{ readonly plain: number; readonly ours: number }> = []
    for (let round = 0; round <= rounds; round++) {
      const plain = plainMaps()
      const ours = localBook()
      assert.strictEqual(ours.levels, plain.levels)
      // The first round warms up.
      if (round > 0) runs.push({ plain: plain.took, ours: ours.took })
    }
    const perSecond = (ms: number) => deltas / (ms / 1_000)
    print(`a book of ${2 * depth} levels, ${deltas} deltas of six levels, ${rounds} rounds`, [
      ["two Maps of strings, deltas per second", spread(runs.map((run) => perSecond(run.plain)))],
      ["pushed texts to the sorted book, deltas per second", spread(runs.map((run) => perSecond(run.ours)))],
      [
        "ours ÷ Maps, time",
        spread(
          runs.map((run) => run.ours / run.plain),
          2
        )
      ]
    ])
  })
)
