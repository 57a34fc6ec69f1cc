/** A decimal as a whole number of 10⁻³⁰: sums and comparisons are those of BigInt, and nothing is ever rounded. */
export type Exact = bigint

const places = 30
const one = 10n ** BigInt(places)

/** Plain digits with an optional sign; null for anything else, and for more than thirty places. */
export const exact = (text: string): Exact | null => {
  const match = /^(-?)(\d+)(?:\.(\d{1,30}))?$/.exec(text)
  if (match === null) return null
  const [, sign, whole = "", part = ""] = match
  const units = BigInt(whole + part.padEnd(places, "0"))
  return sign === "-" ? -units : units
}

export const plain = (value: Exact): string => {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, "0")
  const part = digits.slice(-places).replace(/0+$/, "")
  return `${value < 0n ? "-" : ""}${digits.slice(0, -places)}${part === "" ? "" : `.${part}`}`
}

export const sum = (values: Iterable<Exact>): Exact => {
  let total = 0n
  for (const value of values) total += value
  return total
}

/** Rounded towards zero at the thirtieth place, which products of two prices do not reach. */
export const times = (a: Exact, b: Exact): Exact => (a * b) / one

/** Adds to what a map has of a key. */
export const addTo = <K>(totals: Map<K, Exact>, key: K, value: Exact): void => {
  totals.set(key, (totals.get(key) ?? 0n) + value)
}
