import * as Decimal from "../../../src/domain/Decimal.ts"
import {
  decimalOf,
  heapAfterCollection,
  makeLatencies,
  makeMarket,
  type Measured,
  type OpenLoop,
  residentNow,
  type Task,
  thresholdsOf
} from "./scenario.ts"

/**
 * What the engine is measured against, as a process of its own: per symbol two sorted arrays of thresholds, no fibers, no
 * rules, nothing stored. A rule that is hit counts as decided and waits for the way back. Told `numbers` it compares
 * JavaScript numbers, which money must not be, else the exact decimals the engine compares.
 */
const task: Task = JSON.parse(process.argv[2] ?? "{}")
const exact = process.argv[3] !== "numbers"

/** Sorted so that the end is hit first. */
const makeArrays = <A>(isBelow: (a: A, b: A) => boolean) => {
  const places = (array: Array<A>, value: A, isSooner: (a: A, b: A) => boolean) => {
    let low = 0
    let high = array.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = array[middle]
      if (found !== undefined && isSooner(found, value)) high = middle
      else low = middle + 1
    }
    array.splice(low, 0, value)
  }
  const falling: Array<A> = []
  const rising: Array<A> = []
  const isAbove = (a: A, b: A) => isBelow(b, a)
  const addFalling = (value: A) => places(falling, value, isAbove)
  const addRising = (value: A) => places(rising, value, isBelow)
  const tick = (price: A, decided: () => void) => {
    for (let end = falling.at(-1); end !== undefined && !isBelow(end, price); end = falling.at(-1)) {
      falling.pop()
      decided()
      addRising(end)
    }
    for (let end = rising.at(-1); end !== undefined && isBelow(end, price); end = rising.at(-1)) {
      rising.pop()
      addFalling(end)
    }
  }
  return { addFalling, tick }
}

const run = <A>(valueOf: (thousandths: number) => A, isBelow: (a: A, b: A) => boolean): Measured => {
  const before = heapAfterCollection()
  const symbols = Array.from({ length: task.symbols }, () => makeArrays(isBelow))
  const began = performance.now()
  for (const { symbol, thousandths } of thresholdsOf(task.rules, task.symbols))
    symbols[symbol]?.addFalling(valueOf(thousandths))
  const startMs = performance.now() - began
  const heapPerRule = (heapAfterCollection() - before) / task.rules
  const market = makeMarket(task.rules, task.symbols)
  let decisions = 0
  const count = () => void decisions++
  for (const { symbol, thousandths } of market.spreadOut()) symbols[symbol]?.tick(valueOf(thousandths), count)

  const fast = () => {
    let ticks = 0
    decisions = 0
    const from = performance.now()
    while (performance.now() - from < task.fastMs)
      for (let i = 0; i < 256; i++, ticks++) {
        const { symbol, thousandths } = market.next()
        symbols[symbol]?.tick(valueOf(thousandths), count)
      }
    return { ticksPerSecond: (ticks * 1_000) / (performance.now() - from), decisionsPerTick: decisions / ticks }
  }

  const latencies = makeLatencies(1_000_000)
  const open = (rate: number): OpenLoop => {
    const total = (rate * task.openMs) / 1_000
    const from = performance.now()
    const until = from + task.openMs
    let sent = 0
    let inTime = 0
    while (sent < total) {
      const now = performance.now()
      const due = Math.min(total, ((now - from) * rate) / 1_000)
      for (; sent < due; sent++) {
        const created = from + (sent * 1_000) / rate
        const { symbol, thousandths } = market.next()
        symbols[symbol]?.tick(valueOf(thousandths), () => latencies.add(performance.now() - created))
        if (performance.now() <= until) inTime++
      }
    }
    const { count: decided, ...taken } = latencies.take()
    return { rate, decisions: decided, pushed: inTime / total, ...taken }
  }

  fast()
  const { ticksPerSecond, decisionsPerTick } = fast()
  const openLoops = task.rates.map(open)
  return { heapPerRule, residentMb: residentNow(), startMs, ticksPerSecond, decisionsPerTick, open: openLoops }
}

const measured = exact
  ? run(decimalOf, Decimal.lessThan)
  : run(
      (thousandths) => thousandths,
      (a: number, b: number) => a < b
    )
console.log(`measured ${JSON.stringify(measured)}`)
