import { Effect, Logger, LogLevel, Runtime } from "effect"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import { TriggerIndex } from "../../../src/autobuy/TriggerIndex.ts"
import type * as Decimal from "../../../src/domain/Decimal.ts"
import * as Decimals from "../../../src/domain/Decimal.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import {
  band,
  decimalOf,
  heapAfterCollection,
  makeLatencies,
  makeMarket,
  type Measured,
  type OpenLoop,
  residentNow,
  symbolsOf,
  type Task,
  type Threshold
} from "./scenario.ts"
import { layer, lowest, type World } from "./world.ts"

/** The real engine as a process of its own, told its task; prints what it measured. */
const task: Task = JSON.parse(process.argv[2] ?? "{}")
const symbols = symbolsOf(task.symbols)
const latencies = makeLatencies(1_000_000)
let decisions = 0
let timed = false

const world: World = {
  handlers: new Map(),
  decided: (_, { operands: [seen] }) => {
    decisions++
    // Market time of a tick is the time it was made at, to the microsecond.
    if (timed && seen !== undefined) latencies.add(performance.timeOrigin + performance.now() - (seen.asOf ?? 0))
  }
}

const nextTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/**
 * Waits as the plain loop does, but looks at the clock rarely. Turns of the loop without a tick leave six times the garbage
 * of the engine, looks twice as much: it is their collection that would be measured.
 */
const standUntil = (at: number) =>
  Effect.sync(() => {
    while (performance.now() < at) for (let i = 0; i < 1_000; i++);
  })

const tradeOf = (symbol: number, price: Decimal.Decimal, at: number) => {
  const name = symbols[symbol]
  const handle = name === undefined ? undefined : world.handlers.get(name)
  if (name === undefined || handle === undefined) return Effect.dieMessage("nobody follows this symbol")
  const trade = { price, quantity: Decimals.one, quoteQuantity: price, side: "buy" as const, at }
  return handle({ type: "trades", symbol: name, trades: [trade], receivedAt: Date.now() })
}

const push = ({ symbol, thousandths }: Threshold, at: number) => tradeOf(symbol, decimalOf(thousandths), at)
const now = () => performance.timeOrigin + performance.now()

const main = Effect.gen(function* () {
  const hub = yield* TickerHub
  const index = yield* TriggerIndex
  const supervisor = yield* RuleSupervisor
  const start = decimalOf(band.high)
  for (const symbol of symbols) yield* hub.watch(symbol)
  yield* nextTurn
  for (const [i, symbol] of symbols.entries()) {
    const at = now()
    const best = { bid: lowest, bidQuantity: Decimals.one, ask: start, askQuantity: Decimals.one }
    yield* world.handlers.get(symbol)?.({ type: "bookTicker", symbol, ...best, at, receivedAt: at }) ?? Effect.void
    yield* tradeOf(i, start, at)
  }
  const armed = Effect.map(index.stats, (stats) => stats.armed)
  /** Every rule is parked again. */
  const drained = Effect.gen(function* () {
    for (let turn = 0; (yield* armed) < task.rules; turn++) yield* turn < 1_000 ? Effect.yieldNow() : nextTurn
  })

  const before = task.isWeighed ? heapAfterCollection() : 0
  const began = performance.now()
  yield* supervisor.start
  while ((yield* armed) < task.rules) yield* nextTurn
  const startMs = performance.now() - began
  yield* Effect.sleep(500)
  // Collections that are forced change when the engine's own come: whoever is weighed is not timed.
  const heapPerRule = task.isWeighed ? (heapAfterCollection() - before) / task.rules : 0
  const residentMb = residentNow()
  if (task.isWeighed) return { heapPerRule, residentMb, startMs, ticksPerSecond: 0, decisionsPerTick: 0, open: [] }
  const market = makeMarket(task.rules, task.symbols)
  for (const tick of market.spreadOut()) yield* push(tick, now())
  yield* drained

  const fast = Effect.gen(function* () {
    let ticks = 0
    decisions = 0
    const from = performance.now()
    while (performance.now() - from < task.fastMs) {
      for (let i = 0; i < 256; i++, ticks++) yield* push(market.next(), now())
      yield* drained
    }
    return { ticksPerSecond: (ticks * 1_000) / (performance.now() - from), decisionsPerTick: decisions / ticks }
  })

  const open = (rate: number) =>
    Effect.gen(function* () {
      timed = true
      const total = (rate * task.openMs) / 1_000
      const from = performance.now()
      const until = from + task.openMs
      let sent = 0
      let inTime = 0
      while (sent < total) {
        const due = Math.min(total, ((performance.now() - from) * rate) / 1_000)
        for (; sent < due; sent++) {
          yield* push(market.next(), performance.timeOrigin + from + (sent * 1_000) / rate)
          if (performance.now() <= until) inTime++
          // As many as a read from a socket may bring at once.
          if (sent % 16 === 15) yield* Effect.yieldNow()
        }
        yield* nextTurn
        yield* standUntil(from + (sent * 1_000) / rate)
      }
      yield* drained
      timed = false
      const { count, ...taken } = latencies.take()
      return { rate, decisions: count, pushed: inTime / total, ...taken } satisfies OpenLoop
    })

  yield* fast
  const { ticksPerSecond, decisionsPerTick } = yield* fast
  const openLoops = yield* Effect.forEach(task.rates, open)
  return { heapPerRule, residentMb, startMs, ticksPerSecond, decisionsPerTick, open: openLoops } satisfies Measured
}).pipe(Effect.scoped, Effect.provide(layer(task.folder, world)), Logger.withMinimumLogLevel(LogLevel.Warning))

Runtime.runPromise(Runtime.defaultRuntime)(main).then((measured) => {
  console.log(`measured ${JSON.stringify(measured)}`)
  process.exit(0)
})
