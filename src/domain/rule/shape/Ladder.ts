import { Schema } from "effect"
import * as Decimal from "../../Decimal.ts"
import { AtLeastOne, orNull, withDefault } from "./fields.ts"

/** `offsetPercent` counts from the average fill of the base buy, `sizeMultiplier` from its size. */
export const LadderLevel = Schema.Struct({
  offsetPercent: Decimal.PositiveDecimal,
  sizeMultiplier: withDefault(Decimal.PositiveDecimal, Decimal.one)
}).annotations({ identifier: "LadderLevel" })
export interface LadderLevel extends Schema.Schema.Type<typeof LadderLevel> {}

const mostLevels = 50

/** Watched levels are sent when the price is there; resting ones stand at the venue, at most `maxActive` at once. */
const placing = {
  place: withDefault(Schema.Literal("watched", "resting"), "watched"),
  maxActive: orNull(AtLeastOne)
}

/** Further buys below the first one of a cycle. */
export const Ladder = Schema.Struct({
  levels: Schema.Array(LadderLevel).pipe(Schema.minItems(1), Schema.maxItems(mostLevels)),
  ...placing
}).annotations({ identifier: "Ladder" })
export interface Ladder extends Schema.Schema.Type<typeof Ladder> {}

type Field = "levels" | "count" | "stepPercent" | "stepScale" | "sizeScale"

/**
 * What a request may send: `levels`, or the short form `count` and `stepPercent`, in which each step is `stepScale` times
 * as wide as the one before and each level `sizeScale` times as large. Answers show the levels.
 */
export const LadderRequest = Schema.Struct({
  levels: orNull(Ladder.fields.levels),
  count: orNull(Schema.Int.pipe(Schema.between(1, mostLevels))),
  stepPercent: orNull(Decimal.PositiveDecimal),
  stepScale: orNull(Decimal.PositiveDecimal),
  sizeScale: orNull(Decimal.PositiveDecimal),
  ...placing
})
  .pipe(
    Schema.filter((ladder) => {
      const given = (field: Field) => ladder[field] !== null
      const short = (["count", "stepPercent", "stepScale", "sizeScale"] as const).filter(given)
      const forms = "give either `levels` or `count` with `stepPercent`"
      if (given("levels")) return short.length === 0 || { path: [short[0] ?? ""], message: forms }
      if (short.length === 0) return forms
      if (!given("count")) return { path: ["count"], message: "is missing" }
      return given("stepPercent") || { path: ["stepPercent"], message: "is missing" }
    })
  )
  .annotations({ identifier: "LadderRequest" })
export interface LadderRequest extends Schema.Schema.Type<typeof LadderRequest> {}

/** Offsets and multipliers of the short form are kept with so many decimals. */
const shownScale = 8

/** Level i lies `Σ stepPercent × stepScale^k` (k < i) below the base buy and is `sizeScale^i` times its size. */
const levelsOf = (request: LadderRequest): ReadonlyArray<LadderLevel> => {
  const scaled = (value: Decimal.Decimal, by: Decimal.Decimal | null) =>
    Decimal.round(Decimal.multiply(value, by ?? Decimal.one), Decimal.keptScale, "floor")
  const levels: Array<LadderLevel> = []
  let step = request.stepPercent ?? Decimal.zero
  let offset = Decimal.zero
  let size = Decimal.one
  for (let i = 0; i < (request.count ?? 0); i++) {
    offset = Decimal.add(offset, step)
    size = scaled(size, request.sizeScale)
    step = scaled(step, request.stepScale)
    levels.push({
      offsetPercent: Decimal.round(offset, shownScale, "half-even"),
      sizeMultiplier: Decimal.round(size, shownScale, "floor")
    })
  }
  return levels
}

export const ladderOf = (request: LadderRequest): Ladder => ({
  levels: request.levels ?? levelsOf(request),
  place: request.place,
  maxActive: request.maxActive
})

export const requestOf = ({ levels, place, maxActive }: Ladder): LadderRequest => ({
  levels,
  count: null,
  stepPercent: null,
  stepScale: null,
  sizeScale: null,
  place,
  maxActive
})
