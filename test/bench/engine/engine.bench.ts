import { it } from "@effect/vitest"
import { Effect } from "effect"
import { loadavg } from "node:os"
import { print, spread } from "../kit.ts"
import { bundled, keep, measured, temporaryFolder } from "./children.ts"
import type { Measured, Task } from "./scenario.ts"

interface Case {
  readonly name: string
  readonly rules: number
  readonly symbols: number
  readonly rounds: number
  /** Long enough for a price to fall once through the thresholds. */
  readonly openMs: number
}

const cases: ReadonlyArray<Case> = [
  { name: "1,000 rules over 500 symbols", rules: 1_000, symbols: 500, rounds: 3, openMs: 2_000 },
  { name: "10,000 rules over 500 symbols", rules: 10_000, symbols: 500, rounds: 3, openMs: 2_000 },
  { name: "100,000 rules over 500 symbols", rules: 100_000, symbols: 500, rounds: 3, openMs: 2_000 },
  { name: "20,000 rules on one symbol", rules: 20_000, symbols: 1, rounds: 3, openMs: 6_000 }
]

const rates = [2_000, 20_000]
const fastMs = 1_500

const read = (text: string): Measured => JSON.parse(text)

interface Round {
  readonly ours: Measured
  /** The same rules, only parked. */
  readonly parked: Measured
  readonly plain: Measured
  readonly numbers: Measured
  readonly load: number
}

const table = (rounds: ReadonlyArray<Round>) => {
  const all = (of: (round: Round) => number, digits = 0) => spread(rounds.map(of), digits)
  const openOf = (measured: Measured, rate: number) => measured.open.find((open) => open.rate === rate)
  const latency = (rate: number, which: "p50" | "p99" | "pushed") =>
    [
      `${rate} ticks/s, ${which === "pushed" ? "share pushed in time" : `tick to decision ${which}, ms`}`,
      `${all(({ ours }) => openOf(ours, rate)?.[which] ?? Number.NaN, 3)}   plain ${all(({ plain }) => openOf(plain, rate)?.[which] ?? Number.NaN, 3)}`
    ] as const
  return [
    ["heap for each parked rule, bytes", all(({ parked }) => parked.heapPerRule)],
    ["  of the plain loop", all(({ plain }) => plain.heapPerRule)],
    ["resident, MB", all(({ parked }) => parked.residentMb)],
    ["start to all armed, ms", all(({ ours }) => ours.startMs)],
    ["decisions for each tick", all(({ ours }) => ours.decisionsPerTick, 3)],
    ["ticks per second", all(({ ours }) => ours.ticksPerSecond)],
    ["  of the plain loop, exact decimals", all(({ plain }) => plain.ticksPerSecond)],
    ["  of the plain loop, JavaScript numbers", all(({ numbers }) => numbers.ticksPerSecond)],
    ["plain loop ÷ engine", all(({ ours, plain }) => plain.ticksPerSecond / ours.ticksPerSecond, 1)],
    ...rates.flatMap((rate) => [latency(rate, "p50"), latency(rate, "p99"), latency(rate, "pushed")]),
    ["load of the machine", all(({ load }) => load, 1)]
  ] as const
}

for (const { name, openMs, rules, rounds, symbols } of cases)
  it.live(name, () =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        yield* measured(bundled("store"), folder, String(rules), String(symbols))
        const [run, plain] = [bundled("run"), bundled("plain")]
        const task: Task = { rules, symbols, folder, fastMs, rates, openMs, isWeighed: false }
        const done: Array<Round> = []
        for (let round = 0; round < rounds; round++)
          done.push({
            plain: read(yield* measured(plain, JSON.stringify(task))),
            ours: read(yield* measured(run, JSON.stringify(task))),
            parked: read(yield* measured(run, JSON.stringify({ ...task, isWeighed: true }))),
            numbers: read(yield* measured(plain, JSON.stringify({ ...task, rates: [] }), "numbers")),
            load: loadavg()[0] ?? Number.NaN
          })
        keep(`${rules} rules, ${symbols} symbols`, { rules, symbols, rounds: done })
        print(`${name}, ${rounds} rounds`, table(done))
      })
    )
  )
