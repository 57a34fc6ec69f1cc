import { type ParseResult, Predicate, Schema } from "effect"
import { PositiveDecimal } from "../Decimal.ts"
import { Instant, IsoDuration } from "../Time.ts"

/**
 * Names what is wrong with an object's `type`, instead of a list of every union member: a type of a later version is
 * called so, an unknown one is answered with the known ones. Other faults keep their own message and path.
 */
export const typedUnion = (what: string, available: ReadonlyArray<string>, later: ReadonlyArray<string>) => ({
  message: (issue: ParseResult.ParseIssue) => {
    const type = Predicate.hasProperty(issue.actual, "type") ? issue.actual.type : undefined
    if (typeof type === "string" && available.includes(type)) return { message: "", override: false }
    const known = `use one of: ${available.join(", ")}`
    if (typeof type !== "string") return { message: `expected ${what} with a \`type\`; ${known}`, override: true }
    const fault = later.includes(type)
      ? `\`${type}\` is not available in this version`
      : `unknown type \`${type.slice(0, 40)}\``
    return { message: `${fault}; ${known}`, override: true }
  }
})

export const Weekday = Schema.Literal(
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday"
).annotations({ identifier: "Weekday" })
export type Weekday = typeof Weekday.Type

/** `every: 2` is each second week, counted in calendar weeks (Monday first) from the week of the first run. */
export const CalendarDays = Schema.Union(
  Schema.Struct({ type: Schema.Literal("daily") }).annotations({ identifier: "Daily" }),
  Schema.Struct({
    type: Schema.Literal("weekly"),
    days: Schema.Array(Weekday),
    every: Schema.optionalWith(Schema.Int.pipe(Schema.between(1, 52)), { exact: true, default: () => 1 })
  }).annotations({ identifier: "Weekly" }),
  Schema.Struct({
    type: Schema.Literal("monthly"),
    days: Schema.Array(Schema.Union(Schema.Int.pipe(Schema.between(1, 31)), Schema.Literal("last")))
  }).annotations({ identifier: "Monthly" })
).annotations({ identifier: "CalendarDays", ...typedUnion("days", ["daily", "weekly", "monthly"], []) })
export type CalendarDays = typeof CalendarDays.Type

const TimeOfDay = Schema.String.pipe(Schema.pattern(/^([01]\d|2[0-3]):[0-5]\d$/)).annotations({
  identifier: "TimeOfDay",
  message: () => `expected a time of day such as "09:00"`,
  jsonSchema: { type: "string", pattern: "^([01]\\d|2[0-3]):[0-5]\\d$", examples: ["09:00"] }
})

/** A fixed interval from `anchor`, else from `startAt`, else from the creation; unaffected by clock changes. */
export const ScheduleEvery = Schema.Struct({
  type: Schema.Literal("schedule.every"),
  every: IsoDuration,
  anchor: Schema.optionalWith(Schema.NullOr(Instant), { exact: true, default: () => null })
}).annotations({ identifier: "ScheduleEveryTrigger" })
export interface ScheduleEvery extends Schema.Schema.Type<typeof ScheduleEvery> {}

export const ScheduleCalendar = Schema.Struct({
  type: Schema.Literal("schedule.calendar"),
  on: CalendarDays,
  at: Schema.Array(TimeOfDay)
}).annotations({ identifier: "ScheduleCalendarTrigger" })
export interface ScheduleCalendar extends Schema.Schema.Type<typeof ScheduleCalendar> {}

/** When a level trigger that fired may fire again. */
export const Rearm = Schema.Literal("recover", "cooldown", "newExtreme").annotations({ identifier: "Rearm" })
export type Rearm = typeof Rearm.Type
const RearmField = Schema.optionalWith(Rearm, { exact: true, default: () => "recover" })

/** `below` and `above` include the price itself; the crossing sides need a trade on each side after arming. */
export const PriceLevel = Schema.Struct({
  type: Schema.Literal("price.level"),
  side: Schema.Literal("below", "above", "crossesBelow", "crossesAbove"),
  price: PositiveDecimal,
  rearm: RearmField
}).annotations({ identifier: "PriceLevelTrigger" })
export interface PriceLevel extends Schema.Schema.Type<typeof PriceLevel> {}

const Scope = Schema.Literal("rule", "symbol")

/** What a drop is measured from. */
export const DropFrom = Schema.Union(
  Schema.Struct({ type: Schema.Literal("highOf"), window: IsoDuration }).annotations({ identifier: "FromHighOf" }),
  Schema.Struct({ type: Schema.Literal("openOf"), window: IsoDuration }).annotations({ identifier: "FromOpenOf" }),
  Schema.Struct({ type: Schema.Literal("lastBuy"), scope: Scope }).annotations({ identifier: "FromLastBuy" }),
  Schema.Struct({ type: Schema.Literal("averageCost"), scope: Scope }).annotations({ identifier: "FromAverageCost" }),
  Schema.Struct({ type: Schema.Literal("fixed"), price: PositiveDecimal }).annotations({ identifier: "FromFixed" })
).annotations({
  identifier: "DropFrom",
  ...typedUnion("a reference price", ["highOf", "openOf", "lastBuy", "averageCost", "fixed"], [])
})
export type DropFrom = typeof DropFrom.Type

export const PriceDrop = Schema.Struct({
  type: Schema.Literal("price.drop"),
  percent: PositiveDecimal,
  from: DropFrom,
  rearm: RearmField
}).annotations({ identifier: "PriceDropTrigger" })
export interface PriceDrop extends Schema.Schema.Type<typeof PriceDrop> {}

export const Manual = Schema.Struct({ type: Schema.Literal("manual") }).annotations({ identifier: "ManualTrigger" })

/** What wakes a rule. */
export const Trigger = Schema.Union(ScheduleEvery, ScheduleCalendar, PriceLevel, PriceDrop, Manual).annotations({
  identifier: "Trigger",
  ...typedUnion(
    "a trigger",
    ["schedule.every", "schedule.calendar", "price.level", "price.drop", "manual"],
    ["price.rebound", "indicator", "balance.available", "allocation.below", "listing.tradable", "signal"]
  )
})
export type Trigger = typeof Trigger.Type
export type ScheduleTrigger = ScheduleEvery | ScheduleCalendar
export type PriceTrigger = PriceLevel | PriceDrop
