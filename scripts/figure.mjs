// `node scripts/figure.mjs`: draws docs/engine.svg, cost against number of rules, from the last `npm run bench -- engine`.
import * as echarts from "echarts"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const results = JSON.parse(readFileSync(join(root, "node_modules/.cache/dipper-bench/engine.json"), "utf8"))
const cases = Object.values(results)
  .map(({ value }) => value)
  .filter(({ symbols }) => symbols === 500)
  .toSorted((a, b) => a.rules - b.rules)

const microseconds = ({ ticksPerSecond }) => 1_000_000 / ticksPerSecond
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

const series = [
  ["the engine: rules decided, records written off", "ours", "#1f6feb"],
  ["plain loop over sorted arrays, exact decimals", "plain", "#8b949e"],
  ["plain loop over sorted arrays, JavaScript numbers", "numbers", "#c9d1d9"]
].map(([name, which, color]) => ({
  name,
  type: "line",
  symbolSize: 7,
  lineStyle: { width: 2 },
  color,
  label: { show: true, position: "top", formatter: ({ value }) => `${Number(value[1].toPrecision(2))} µs` },
  data: cases.map(({ rounds, rules }) => [rules, median(rounds.map((round) => microseconds(round[which])))])
}))

const axis = { type: "log", nameLocation: "middle", splitLine: { lineStyle: { color: "#eaeef2" } } }
const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 760, height: 420 })
chart.setOption({
  animation: false,
  backgroundColor: "#ffffff",
  legend: { top: 8, left: 60, orient: "vertical" },
  grid: { left: 70, right: 40, top: 90, bottom: 60 },
  xAxis: { ...axis, name: "rules over 500 symbols", nameGap: 32, min: 700, max: 140_000 },
  yAxis: { ...axis, name: "µs for each tick", nameGap: 48 },
  series
})
writeFileSync(join(root, "docs/engine.svg"), `${chart.renderToSVGString()}\n`)
// The library keeps a timer.
process.exit(0)
