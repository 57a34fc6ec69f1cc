import { Schema } from "effect"
import { PositiveDecimal } from "../Decimal.ts"
import { IsoDuration } from "../Time.ts"
import { typedUnion } from "./Trigger.ts"

const orNull = Schema.optionalWith(Schema.NullOr(PositiveDecimal), { exact: true, default: () => null })

/** What must hold when a rule fires, judged on the data of that moment. */
export const Gate = Schema.Union(
  Schema.Struct({ type: Schema.Literal("priceBetween"), min: orNull, max: orNull }).annotations({
    identifier: "PriceBetweenGate"
  }),
  Schema.Struct({ type: Schema.Literal("maxSpread"), bps: Schema.Int.pipe(Schema.between(1, 10_000)) }).annotations({
    identifier: "MaxSpreadGate"
  }),
  Schema.Struct({ type: Schema.Literal("maxDataAge"), age: IsoDuration }).annotations({ identifier: "MaxDataAgeGate" })
).annotations({
  identifier: "Gate",
  ...typedUnion(
    "a gate",
    ["priceBetween", "maxSpread", "maxDataAge"],
    ["min24hQuoteVolume", "minImprovementOverLastBuy", "timeWindow", "condition"]
  )
})
export type Gate = typeof Gate.Type

/** How much one firing buys: quote to spend, fees included, or base to receive. */
export const Size = Schema.Union(
  Schema.Struct({ type: Schema.Literal("quote"), amount: PositiveDecimal }).annotations({ identifier: "QuoteSize" }),
  Schema.Struct({ type: Schema.Literal("base"), quantity: PositiveDecimal }).annotations({ identifier: "BaseSize" })
).annotations({
  identifier: "Size",
  ...typedUnion(
    "a size",
    ["quote", "base"],
    ["percentOfFreeQuote", "percentOfEquity", "valueAveraging", "toTargetWeight"]
  )
})
export type Size = typeof Size.Type

/** How a buy is sent: an immediate-or-cancel limit at a bounded price, or a plain market order. */
export const ExecutionStyle = Schema.Union(
  Schema.Struct({
    type: Schema.Literal("protectedMarket"),
    maxSlippageBps: Schema.optionalWith(Schema.Int, { exact: true, default: () => 50 })
  }).annotations({ identifier: "ProtectedMarketExecution" }),
  Schema.Struct({ type: Schema.Literal("market") }).annotations({ identifier: "MarketExecution" })
).annotations({
  identifier: "ExecutionStyle",
  ...typedUnion("an execution", ["protectedMarket", "market"], ["limit"])
})
export type ExecutionStyle = typeof ExecutionStyle.Type
