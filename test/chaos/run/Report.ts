export type Row = readonly [name: string, value: string | number]

export const table = (title: string, rows: ReadonlyArray<Row>): string => {
  const width = Math.max(...rows.map(([name]) => name.length))
  return [title, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)].join("\n")
}

export const quantiles = (values: ReadonlyArray<number>): string => {
  if (values.length === 0) return "none"
  const sorted = values.toSorted((a, b) => a - b)
  const part = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return `p50 ${part(0.5)} ms, p95 ${part(0.95)} ms, most ${sorted.at(-1) ?? 0} ms`
}
