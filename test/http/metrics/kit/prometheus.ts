/**
 * A reader of Prometheus text as its specification has it (exposition format 0.0.4), without the project's code. It throws
 * at the first line that a scraper would refuse.
 */
export interface Parsed {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ReadonlyArray<{
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }>
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const label = /^([^=]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/

const valueOf = (text: string): number => {
  if (text === "+Inf") return Infinity
  if (text === "-Inf") return -Infinity
  if (text === "NaN") return NaN
  if (!/^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw new Error(`no number: ${text}`)
  return Number(text)
}

const labelsOf = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== "") {
    const [whole, name, value] = label.exec(rest) ?? []
    if (whole === undefined || name === undefined || value === undefined) throw new Error(`no label: ${rest}`)
    if (!labelName.test(name)) throw new Error(`no name of a label: ${name}`)
    if (name in labels) throw new Error(`twice the label ${name}`)
    labels[name] = value.replace(/\\(["\\n])/g, (_, c: string) => (c === "n" ? "\n" : c))
    rest = rest.slice(whole.length)
  }
  return labels
}

const suffixes: Readonly<Record<string, ReadonlyArray<string>>> = {
  counter: [""],
  gauge: [""],
  untyped: [""],
  histogram: ["_bucket", "_sum", "_count"]
}

/** Buckets grow with their bounds, end with +Inf, and agree with the count. */
const checkHistogram = (family: Parsed): void => {
  const series = new Map<string, { buckets: Array<[number, number]>; count: number | null; sum: number | null }>()
  for (const { labels, name, value } of family.samples) {
    const { le, ...others } = labels
    const key = JSON.stringify(others)
    const known = series.get(key) ?? { buckets: [], count: null, sum: null }
    series.set(key, known)
    if (name.endsWith("_bucket")) known.buckets.push([valueOf(le ?? ""), value])
    else if (name.endsWith("_count")) known.count = value
    else known.sum = value
  }
  for (const [key, { buckets, count, sum }] of series) {
    const fail = (why: string) => new Error(`${family.name} ${key}: ${why}`)
    if (count === null || sum === null) throw fail("no count or no sum")
    if (buckets.at(-1)?.[0] !== Infinity) throw fail("does not end with +Inf")
    if (buckets.at(-1)?.[1] !== count) throw fail("the last bucket is not the count")
    buckets.forEach(([bound, value], i) => {
      const before = buckets[i - 1]
      if (before !== undefined && (bound <= before[0] || value < before[1])) throw fail("buckets do not grow")
    })
  }
}

export const parse = (text: string): ReadonlyMap<string, Parsed> => {
  if (!text.endsWith("\n")) throw new Error("the last line does not end")
  const families = new Map<string, { name: string; type: string; help: string; samples: Array<Parsed["samples"][0]> }>()
  const seen = new Set<string>()
  let current: string | null = null
  const enter = (name: string) => {
    if (!metricName.test(name)) throw new Error(`no name: ${name}`)
    // All lines of a family stand together.
    if (name !== current && families.has(name)) throw new Error(`${name} comes in two places`)
    current = name
    const family = families.get(name) ?? { name, type: "untyped", help: "", samples: [] }
    families.set(name, family)
    return family
  }
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name, rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind !== undefined && name !== undefined) {
      const family = enter(name)
      if (family.samples.length > 0) throw new Error(`${name} has ${kind} after its samples`)
      if (kind === "HELP") family.help = rest
      else if (rest in suffixes) family.type = rest
      else throw new Error(`no type: ${rest}`)
      continue
    }
    if (line.startsWith("#")) continue
    const [, sample, labels = "", value = ""] = sampleLine.exec(line) ?? []
    if (sample === undefined) throw new Error(`no sample: ${line}`)
    const family = families.get(current ?? "")
    if (family === undefined || !(suffixes[family.type] ?? []).some((end) => sample === family.name + end))
      throw new Error(`${sample} does not belong to ${current}`)
    const identity = line.slice(0, line.lastIndexOf(" "))
    if (seen.has(identity)) throw new Error(`twice the sample ${identity}`)
    seen.add(identity)
    family.samples.push({ name: sample, labels: labelsOf(labels), value: valueOf(value) })
  }
  for (const family of families.values()) if (family.type === "histogram") checkHistogram(family)
  return families
}
