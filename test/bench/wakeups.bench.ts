import { assert, it } from "@effect/vitest"
import { BigDecimal, Effect, Fiber, Layer, Schema } from "effect"
import { awaitMarket } from "../../src/autobuy/program/waiting.ts"
import { type PriceTick, RuleMarket } from "../../src/autobuy/RuleMarket.ts"
import { Timers } from "../../src/autobuy/Timers.ts"
import { TriggerIndex } from "../../src/autobuy/TriggerIndex.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { holds, type PriceBound } from "../../src/domain/rule/decision/levels.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { median, print, spread } from "./kit.ts"

const rounds = 9
const ticks = 5_000
const symbols = Schema.decodeSync(Schema.Array(SymbolName))([
  "BTCUSDT",
  "ETHUSDT",
  "SOLUSDT",
  "XRPUSDT",
  "DOGEUSDT",
  "MXUSDT",
  "BTCUSDC",
  "ETHBTC"
])

/** The same numbers in every run. */
const generator = (seed: number) => {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296
}

interface Rule {
  readonly symbol: number
  readonly threshold: BigDecimal.BigDecimal
}

/** Thresholds lie within 5 % of 100; each tick moves one symbol by 0.01 % at most. */
const scenario = (rules: number) => {
  const random = generator(rules)
  const prices = symbols.map(() => 100_000)
  return {
    rules: Array.from({ length: rules }, (_, i): Rule => ({
      symbol: i % symbols.length,
      threshold: BigDecimal.make(BigInt(95_000 + Math.floor(random() * 10_000)), 3)
    })),
    path: Array.from({ length: ticks }, (_, at) => {
      const symbol = Math.floor(random() * symbols.length)
      const price = (prices[symbol] ?? 0) + Math.floor(random() * 21) - 10
      prices[symbol] = price
      return { symbol, tick: { price: BigDecimal.make(BigInt(price), 3), at } satisfies PriceTick }
    })
  }
}
type Scenario = ReturnType<typeof scenario>

const below = (price: BigDecimal.BigDecimal): PriceBound => ({ comparison: "atOrBelow", price })
const above = (price: BigDecimal.BigDecimal): PriceBound => ({ comparison: "above", price })
const start = BigDecimal.make(100_000n, 3)

/** Every rule of the symbol is looked at with every tick; one that is hit counts and waits for the way back. */
const plainLoop = ({ path, rules }: Scenario) => {
  const waiting = symbols.map((_, symbol) =>
    rules
      .filter((rule) => rule.symbol === symbol)
      .map(({ threshold }) => ({
        threshold,
        bound: holds(below(threshold), start) ? above(threshold) : below(threshold)
      }))
  )
  let woken = 0
  const began = performance.now()
  for (const { symbol, tick } of path) {
    for (const rule of waiting[symbol] ?? []) {
      if (!holds(rule.bound, tick.price)) continue
      woken++
      rule.bound = rule.bound.comparison === "above" ? below(rule.threshold) : above(rule.threshold)
    }
  }
  return { took: performance.now() - began, woken }
}

/** The same through the trigger index: each rule is a fiber parked as rule programs park, woken, and parked again. */
const parkedFibers = ({ path, rules }: Scenario) => {
  const handlers = new Map<string, (tick: PriceTick) => void>()
  const market = Layer.mock(RuleMarket, {
    onTick: (symbol, handler) => Effect.sync(() => void handlers.set(symbol, handler)),
    last: () => Effect.succeed({ price: start, at: 0 })
  })
  return Effect.gen(function* () {
    const index = yield* TriggerIndex
    const timers = yield* Timers
    const books = yield* Effect.forEach(symbols, index.of)
    let woken = 0
    const program = ({ symbol, threshold }: Rule) =>
      Effect.gen(function* () {
        const book = books[symbol]
        if (book === undefined) return
        let bound = holds(below(threshold), start) ? above(threshold) : below(threshold)
        while (true) {
          yield* awaitMarket(book, timers, [bound], null)
          woken++
          bound = bound.comparison === "above" ? below(threshold) : above(threshold)
        }
      })
    const fibers = yield* Effect.forEach(rules, (rule) => Effect.fork(program(rule)))
    while ((yield* index.stats).armed < rules.length) yield* Effect.yieldNow()
    const began = performance.now()
    for (const { symbol, tick } of path) {
      handlers.get(symbols[symbol] ?? "")?.(tick)
      // A woken rule is parked again before the next tick: otherwise the two would not wake the same rules.
      while ((yield* index.stats).armed < rules.length) yield* Effect.yieldNow()
    }
    const took = performance.now() - began
    yield* Fiber.interruptAll(fibers)
    return { took, woken }
  }).pipe(
    Effect.scoped,
    Effect.provide([
      TriggerIndex.layer.pipe(Layer.provide(market)),
      Timers.layer.pipe(Layer.provide(MarketClock.layer))
    ])
  )
}

const microseconds = (took: number) => (1_000 * took) / ticks

for (const count of [1_000, 10_000]) {
  it.live(`wake-ups of ${count} rules`, () =>
    Effect.gen(function* () {
      const world = scenario(count)
      const runs: Array<{ readonly plain: number; readonly ours: number; readonly woken: number }> = []
      for (let round = 0; round <= rounds; round++) {
        const plain = plainLoop(world)
        const ours = yield* parkedFibers(world)
        assert.strictEqual(ours.woken, plain.woken)
        // The first round warms up.
        if (round > 0) runs.push({ plain: plain.took, ours: ours.took, woken: ours.woken })
      }
      const woken = median(runs.map((run) => run.woken))
      print(`${count} rules over ${symbols.length} symbols, ${ticks} ticks, ${woken} wake-ups, ${rounds} rounds`, [
        [
          "plain loop over thresholds, µs per tick",
          spread(
            runs.map((run) => microseconds(run.plain)),
            2
          )
        ],
        [
          "trigger index and parked fibers, µs per tick",
          spread(
            runs.map((run) => microseconds(run.ours)),
            2
          )
        ],
        [
          "plain ÷ ours",
          spread(
            runs.map((run) => run.plain / run.ours),
            2
          )
        ]
      ])
    })
  )
}
