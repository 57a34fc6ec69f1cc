import { Metric, MetricState, type MetricLabel } from "effect"
import type { Family, Sample } from "../../service/Gauges.ts"

/** Prometheus text, version 0.0.4. */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8"

const escapedHelp = (text: string) => text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")
const escaped = (text: string) => escapedHelp(text).replace(/"/g, '\\"')

const number = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"

const line = (name: string, labels: Sample["labels"], value: number): string => {
  const given = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`)
  return `${name}${given.length === 0 ? "" : `{${given.join(",")}}`} ${number(value)}`
}

const head = (name: string, type: string, help: string): ReadonlyArray<string> => [
  `# HELP ${name} ${escapedHelp(help)}`,
  `# TYPE ${name} ${type}`
]

/** A family without a sample is left out: what is not known is no number. */
export const printFamily = ({ help, name, samples, type }: Family): ReadonlyArray<string> =>
  samples.length === 0
    ? []
    : [...head(name, type, help), ...samples.map(({ labels, value }) => line(name, labels, value))]

const labelsOf = (tags: ReadonlyArray<MetricLabel.MetricLabel>): Sample["labels"] =>
  Object.fromEntries(tags.map(({ key, value }) => [key, value]))

const samplesOf = (
  name: string,
  labels: Sample["labels"],
  state: unknown
): readonly [string, ReadonlyArray<string>] => {
  if (MetricState.isCounterState(state)) return ["counter", [line(name, labels, Number(state.count))]]
  if (MetricState.isGaugeState(state)) return ["gauge", [line(name, labels, Number(state.value))]]
  if (!MetricState.isHistogramState(state)) return ["", []]
  // The last bound is +Inf: Effect puts it there.
  const buckets = state.buckets.map(([bound, count]) => line(`${name}_bucket`, { ...labels, le: number(bound) }, count))
  return ["histogram", [...buckets, line(`${name}_sum`, labels, state.sum), line(`${name}_count`, labels, state.count)]]
}

/** What the service counts, wherever in it. */
export const printCounted = (): ReadonlyArray<string> => {
  const families = new Map<string, Array<string>>()
  for (const { metricKey, metricState } of Metric.unsafeSnapshot()) {
    const { description, name, tags } = metricKey
    if (!name.startsWith("dipper_")) continue
    const [type, samples] = samplesOf(name, labelsOf(tags), metricState)
    // A counter with labels is also known without any; that one counts nothing.
    if (samples.length === 0) continue
    const help = description._tag === "Some" ? description.value : name
    const family = families.get(name) ?? [...head(name, type, help)]
    families.set(name, family)
    family.push(...samples)
  }
  return [...families.values()].flat()
}
