import { Duration, Schema } from "effect"
import * as Decimal from "../../Decimal.ts"
import { Interval } from "../../Market.ts"
import { IsoDuration } from "../../Time.ts"
import { orNull, withDefault } from "./fields.ts"

const Bps = Schema.Int.pipe(Schema.between(1, 10_000))

/** Sells a share of the cycle's position at a gain; resting orders stand at the venue, watched ones are sent when due. */
export const TakeProfit = Schema.Struct({
  gainPercent: Decimal.PositiveDecimal,
  closePercent: withDefault(Decimal.PositiveDecimal, Decimal.hundred),
  as: withDefault(Schema.Literal("resting", "watched"), "resting")
}).annotations({ identifier: "TakeProfit" })
export interface TakeProfit extends Schema.Schema.Type<typeof TakeProfit> {}

export const StopLoss = Schema.Struct({ lossPercent: Decimal.PositiveDecimal }).annotations({ identifier: "StopLoss" })

/** Arms `armPercent` above the average cost, then sells `deltaPercent` below the highest price since. */
export const TrailingExit = Schema.Struct({
  armPercent: Decimal.NonNegativeDecimal,
  deltaPercent: Decimal.PositiveDecimal
}).annotations({ identifier: "TrailingExit" })
export interface TrailingExit extends Schema.Schema.Type<typeof TrailingExit> {}

/** Which price watched exits look at: each trade, the best bid, or only the close of an interval. */
export const ExitPrice = Schema.Union(
  Schema.Literal("last", "bid"),
  Schema.Struct({ close: Interval }).annotations({ identifier: "CandleClose" })
).annotations({
  identifier: "ExitPrice",
  message: () => `expected "last", "bid" or {"close": "5m"} with one of the candle intervals`
})
export type ExitPrice = typeof ExitPrice.Type

/** An exit that finds no buyer is sent again every `every`, each time `stepBps` lower, down to `maxBps` below the bid. */
export const Escalation = Schema.Struct({ every: IsoDuration, stepBps: Bps, maxBps: Bps }).annotations({
  identifier: "Escalation"
})
export interface Escalation extends Schema.Schema.Type<typeof Escalation> {}

const defaultEscalation: Escalation = { every: Duration.seconds(10), stepBps: 50, maxBps: 500 }

export const ExitExecution = Schema.Struct({
  maxSlippageBps: withDefault(Bps, 50),
  escalate: withDefault(Schema.NullOr(Escalation), defaultEscalation)
}).annotations({ identifier: "ExitExecution" })
export interface ExitExecution extends Schema.Schema.Type<typeof ExitExecution> {}

/** How a cycle's position is sold, measured from its net average cost with fees. */
export const Exit = Schema.Struct({
  takeProfit: withDefault(Schema.Array(TakeProfit).pipe(Schema.maxItems(10)), []),
  stopLoss: orNull(StopLoss),
  trailing: orNull(TrailingExit),
  on: withDefault(ExitPrice, "last"),
  execution: withDefault(ExitExecution, { maxSlippageBps: 50, escalate: defaultEscalation })
}).annotations({ identifier: "Exit" })
export interface Exit extends Schema.Schema.Type<typeof Exit> {}
