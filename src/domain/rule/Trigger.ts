import { Schema } from "effect"
import { PositiveDecimal } from "../Decimal.ts"
import { Instant, IsoDuration } from "../Time.ts"
import { orNull, typedUnion } from "./shape/fields.ts"

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

export const TimeOfDay = Schema.String.pipe(Schema.pattern(/^([01]\d|2[0-3]):[0-5]\d$/)).annotations({
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

/**
 * A trailing buy: after a fall of `afterDropPercent` from the reference, the lowest price since is followed, and the rule
 * fires once the price stands `reboundPercent` above it. Without a rebound within `expireAfter` the fall is forgotten.
 */
export const PriceRebound = Schema.Struct({
  type: Schema.Literal("price.rebound"),
  from: DropFrom,
  afterDropPercent: PositiveDecimal,
  reboundPercent: PositiveDecimal,
  expireAfter: orNull(IsoDuration)
}).annotations({ identifier: "PriceReboundTrigger" })
export interface PriceRebound extends Schema.Schema.Type<typeof PriceRebound> {}

/** Fires when so much of an asset is free, and again after a further inflow. */
export const BalanceAvailable = Schema.Struct({
  type: Schema.Literal("balance.available"),
  asset: Schema.String.pipe(Schema.pattern(/^[A-Z0-9_]{1,32}$/)).annotations({
    identifier: "AssetName",
    message: () => `expected an upper-case asset such as "USDT"`,
    jsonSchema: { type: "string", examples: ["USDT"] }
  }),
  atLeast: PositiveDecimal
}).annotations({ identifier: "BalanceAvailableTrigger" })
export interface BalanceAvailable extends Schema.Schema.Type<typeof BalanceAvailable> {}

/** Fires once, when the venue takes orders for the symbol; the venue may not know it yet. */
export const ListingTradable = Schema.Struct({ type: Schema.Literal("listing.tradable") }).annotations({
  identifier: "ListingTradableTrigger"
})

/** Fires when a signal with the rule's secret arrives at `POST /trading/signals/{ruleId}`. */
export const Signal = Schema.Struct({ type: Schema.Literal("signal") }).annotations({ identifier: "SignalTrigger" })

export const Manual = Schema.Struct({ type: Schema.Literal("manual") }).annotations({ identifier: "ManualTrigger" })

/** What wakes a rule. */
export const Trigger = Schema.Union(
  ScheduleEvery,
  ScheduleCalendar,
  PriceLevel,
  PriceDrop,
  PriceRebound,
  BalanceAvailable,
  ListingTradable,
  Signal,
  Manual
).annotations({
  identifier: "Trigger",
  ...typedUnion(
    "a trigger",
    [
      "schedule.every",
      "schedule.calendar",
      "price.level",
      "price.drop",
      "price.rebound",
      "balance.available",
      "listing.tradable",
      "signal",
      "manual"
    ],
    ["indicator", "allocation.below"]
  )
})
export type Trigger = typeof Trigger.Type
export type ScheduleTrigger = ScheduleEvery | ScheduleCalendar
export type PriceTrigger = PriceLevel | PriceDrop
