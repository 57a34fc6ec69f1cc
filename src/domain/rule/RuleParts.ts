import { Schema } from "effect"
import { NonNegativeDecimal, PositiveDecimal } from "../Decimal.ts"
import { IsoDuration } from "../Time.ts"
import { orNull, typedUnion, withDefault } from "./shape/fields.ts"
import { TimeOfDay, Weekday } from "./Trigger.ts"

/**
 * Local times of the rule's time zone. A window whose `to` is not later than its `from` ends on the next day, and belongs
 * to the day it began on.
 */
export const TimeWindow = Schema.Struct({
  type: Schema.Literal("timeWindow"),
  days: withDefault(Schema.Array(Weekday), [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday"
  ]),
  from: TimeOfDay,
  to: TimeOfDay
}).annotations({ identifier: "TimeWindowGate" })
export interface TimeWindow extends Schema.Schema.Type<typeof TimeWindow> {}

/** What must hold when a rule fires, judged on the data of that moment. */
export const Gate = Schema.Union(
  Schema.Struct({
    type: Schema.Literal("priceBetween"),
    min: orNull(PositiveDecimal),
    max: orNull(PositiveDecimal)
  }).annotations({ identifier: "PriceBetweenGate" }),
  Schema.Struct({ type: Schema.Literal("maxSpread"), bps: Schema.Int.pipe(Schema.between(1, 10_000)) }).annotations({
    identifier: "MaxSpreadGate"
  }),
  Schema.Struct({ type: Schema.Literal("maxDataAge"), age: IsoDuration }).annotations({ identifier: "MaxDataAgeGate" }),
  Schema.Struct({ type: Schema.Literal("min24hQuoteVolume"), amount: PositiveDecimal }).annotations({
    identifier: "Min24hQuoteVolumeGate"
  }),
  Schema.Struct({ type: Schema.Literal("minImprovementOverLastBuy"), percent: PositiveDecimal }).annotations({
    identifier: "MinImprovementOverLastBuyGate"
  }),
  TimeWindow
).annotations({
  identifier: "Gate",
  ...typedUnion(
    "a gate",
    ["priceBetween", "maxSpread", "maxDataAge", "min24hQuoteVolume", "minImprovementOverLastBuy", "timeWindow"],
    ["condition"]
  )
})
export type Gate = typeof Gate.Type

/** A share of the free quote balance, less what `reserveQuote` keeps. */
export const PercentOfFreeQuote = Schema.Struct({
  type: Schema.Literal("percentOfFreeQuote"),
  percent: PositiveDecimal,
  min: orNull(PositiveDecimal),
  max: orNull(PositiveDecimal)
}).annotations({ identifier: "PercentOfFreeQuoteSize" })
export interface PercentOfFreeQuote extends Schema.Schema.Type<typeof PercentOfFreeQuote> {}

/** Buys what is missing to `start + growth × elapsed slots`, at most `max` at once; nothing while the value is above it. */
export const ValueAveraging = Schema.Struct({
  type: Schema.Literal("valueAveraging"),
  start: NonNegativeDecimal,
  growth: PositiveDecimal,
  max: PositiveDecimal
}).annotations({ identifier: "ValueAveragingSize" })
export interface ValueAveraging extends Schema.Schema.Type<typeof ValueAveraging> {}

/** How much one firing buys: quote to spend, fees included, or base to receive. */
export const Size = Schema.Union(
  Schema.Struct({ type: Schema.Literal("quote"), amount: PositiveDecimal }).annotations({ identifier: "QuoteSize" }),
  Schema.Struct({ type: Schema.Literal("base"), quantity: PositiveDecimal }).annotations({ identifier: "BaseSize" }),
  PercentOfFreeQuote,
  ValueAveraging
).annotations({
  identifier: "Size",
  ...typedUnion(
    "a size",
    ["quote", "base", "percentOfFreeQuote", "valueAveraging"],
    ["percentOfEquity", "toTargetWeight"]
  )
})
export type Size = typeof Size.Type

/**
 * A limit order `offsetPercent` below the best bid. After `ttl` what is left of it is cancelled, sent again at the new bid,
 * or bought at once within a protected limit.
 */
export const LimitExecution = Schema.Struct({
  type: Schema.Literal("limit"),
  offsetPercent: NonNegativeDecimal,
  ttl: IsoDuration,
  onTimeout: withDefault(Schema.Literal("cancel", "reprice", "market"), "cancel"),
  postOnly: withDefault(Schema.Boolean, false)
}).annotations({ identifier: "LimitExecution" })
export interface LimitExecution extends Schema.Schema.Type<typeof LimitExecution> {}

/** How a buy is sent: an immediate-or-cancel limit at a bounded price, a plain market order, or a waiting limit. */
export const ExecutionStyle = Schema.Union(
  Schema.Struct({
    type: Schema.Literal("protectedMarket"),
    maxSlippageBps: withDefault(Schema.Int, 50)
  }).annotations({ identifier: "ProtectedMarketExecution" }),
  Schema.Struct({ type: Schema.Literal("market") }).annotations({ identifier: "MarketExecution" }),
  LimitExecution
).annotations({
  identifier: "ExecutionStyle",
  ...typedUnion("an execution", ["protectedMarket", "market", "limit"], [])
})
export type ExecutionStyle = typeof ExecutionStyle.Type
