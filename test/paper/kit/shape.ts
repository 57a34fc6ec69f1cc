import type { Json } from "./SignedClient.ts"

type Kind = "null" | "boolean" | "number" | "string" | "array" | "object"

const kindOf = (value: Json): Kind => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  const kind = typeof value
  return kind === "boolean" || kind === "number" || kind === "string" ? kind : "object"
}

const isScalar = (value: Json): boolean => !["array", "object"].includes(kindOf(value))

/** Which kinds of value each path of a payload holds. The places of a mixed tuple count as paths of their own. */
export const shapeOf = (payload: Json): ReadonlyMap<string, ReadonlySet<Kind>> => {
  const shape = new Map<string, Set<Kind>>()
  const visit = (path: string, value: Json): void => {
    const kind = kindOf(value)
    shape.set(path, (shape.get(path) ?? new Set()).add(kind))
    if (kind === "array") {
      const isTuple = value.length > 2 && value.every(isScalar) && new Set(value.map(kindOf)).size > 1
      value.forEach((each: Json, i: number) => visit(isTuple ? `${path}[${i}]` : `${path}[]`, each))
    }
    if (kind === "object") for (const [name, each] of Object.entries(value)) visit(`${path}.${name}`, each)
  }
  visit("", payload)
  return shape
}

const withoutNull = (kinds: ReadonlySet<Kind>): string =>
  [...kinds]
    .filter((kind) => kind !== "null")
    .sort()
    .join("|")

export interface Allowances {
  /** Paths we may have beside the recorded ones. */
  readonly extra?: ReadonlyArray<string>
  /** Recorded paths that we may leave out. */
  readonly without?: ReadonlyArray<string>
}

/** What differs between a payload of the venue and ours, in words; nothing when the shapes agree. */
export const shapeDifferences = (
  venue: Json,
  ours: Json,
  { extra = [], without = [] }: Allowances = {}
): ReadonlyArray<string> => {
  const recorded = shapeOf(venue)
  const made = shapeOf(ours)
  const differences: Array<string> = []
  for (const [path, kinds] of recorded) {
    const mine = made.get(path)
    if (mine === undefined) {
      if (!without.includes(path)) differences.push(`${path} is missing`)
      continue
    }
    const [theirs, own] = [withoutNull(kinds), withoutNull(mine)]
    if (theirs !== "" && own !== "" && theirs !== own) differences.push(`${path} is ${own}, recorded is ${theirs}`)
  }
  for (const path of made.keys()) {
    if (!recorded.has(path) && !extra.some((each) => path === each || path.startsWith(`${each}.`))) {
      differences.push(`${path} is not in the recording`)
    }
  }
  return differences
}
