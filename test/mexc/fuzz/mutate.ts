import type { makeRandom } from "../kit/virtualClock.ts"

export type Random = ReturnType<typeof makeRandom>

const deep = (depth: number): unknown => {
  let value: unknown = "bottom"
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value }
  return value
}

/** What a field may turn into. */
const oddValues: ReadonlyArray<unknown> = [
  null,
  "",
  " ",
  "0",
  "-1",
  "-0.000000001",
  "NaN",
  "Infinity",
  "1e5000000",
  "1e99",
  "1e-99",
  "0x10",
  "1,000",
  "१२३",
  "9".repeat(31),
  `0.${"1".repeat(60)}`,
  "9".repeat(400),
  "\u0000",
  "\ud800",
  "币安人生USDT",
  "'; DROP TABLE orders; --",
  "__proto__",
  "x".repeat(5_000),
  true,
  false,
  0,
  -1,
  -0.5,
  1.5,
  1e300,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER * 8,
  -Number.MAX_SAFE_INTEGER,
  8_640_000_000_000_001,
  253_402_300_800_000,
  [],
  {},
  [[]],
  [null],
  { code: 30002, msg: "x" },
  { toString: 1, valueOf: null },
  deep(40)
]

const pick = <A>(random: Random, values: ReadonlyArray<A>, fallback: A): A =>
  values[random.int(0, values.length - 1)] ?? fallback

const swapType = (value: unknown): unknown => {
  if (typeof value === "string") return Number.isFinite(Number(value)) && value !== "" ? Number(value) : [value]
  if (typeof value === "number") return String(value)
  if (typeof value === "boolean") return String(value)
  if (Array.isArray(value)) return { ...value }
  return typeof value === "object" && value !== null ? Object.values(value) : "null"
}

const changed = (random: Random, value: unknown): unknown => {
  switch (random.int(0, 3)) {
    case 0:
      return swapType(value)
    case 1:
      return typeof value === "string" ? value.slice(0, random.int(0, value.length)) : [value, value]
    default:
      return pick(random, oddValues, null)
  }
}

const changedList = (random: Random, list: ReadonlyArray<unknown>): unknown => {
  const at = random.int(0, Math.max(0, list.length - 1))
  switch (random.int(0, 5)) {
    case 0:
      return list.filter((_, i) => i !== at)
    case 1:
      return [...list, ...list]
    case 2:
      return [...list.slice(0, at), pick(random, oddValues, null), ...list.slice(at)]
    case 3:
      return list.toReversed()
    default:
      return list.map((inner, i) => (i === at ? mutate(random, inner) : inner))
  }
}

const changedRecord = (random: Random, record: object): unknown => {
  const entries = Object.entries(record)
  const at = random.int(0, Math.max(0, entries.length - 1))
  switch (random.int(0, 6)) {
    case 0:
      return Object.fromEntries(entries.filter((_, i) => i !== at))
    case 1:
      return { ...record, [`extra${at}`]: pick(random, oddValues, null) }
    case 2:
      return Object.fromEntries(entries.map(([key, inner], i) => [i === at ? key.toUpperCase() : key, inner]))
    default:
      return Object.fromEntries(entries.map(([key, inner], i) => [key, i === at ? mutate(random, inner) : inner]))
  }
}

/** One change somewhere in a value: a type swapped, a field gone, a list doubled, a number made impossible. */
export const mutate = (random: Random, value: unknown): unknown => {
  if (random.next() < 0.08) return changed(random, value)
  if (Array.isArray(value)) return changedList(random, value)
  return typeof value === "object" && value !== null ? changedRecord(random, value) : changed(random, value)
}

const noise = ["\u0000", "﻿", "\ud83d\ude00", "}", '"', "\\", "NaN", ",", "1e999", "<html>", "\r\n", "Infinity"]

/** What a broken line, a proxy or a firewall makes of a body. */
export const mangle = (random: Random, text: string): string => {
  const at = random.int(0, text.length)
  switch (random.int(0, 7)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + pick(random, noise, "") + text.slice(at)
    case 2:
      return "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
    case 3:
      return text + text
    case 4:
      return `${"[".repeat(20_000)}${"]".repeat(random.int(19_999, 20_000))}`
    case 5:
      return text.replace(/\d/, () => "9".repeat(random.int(1, 40)))
    case 6:
      return text.replaceAll('"', "'")
    default:
      return `\uFEFF${text}`
  }
}
