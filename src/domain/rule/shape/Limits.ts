import { Duration, Schema } from "effect"
import { PositiveDecimal } from "../../Decimal.ts"
import { IsoDuration } from "../../Time.ts"
import { AtLeastOne, orNull, withDefault } from "./fields.ts"

/**
 * Amounts are quote, fees included; days, weeks and months are calendar ones in the rule's time zone.
 * `maxPositionQuote` bounds what the rule holds, at cost; `maxOpenOrders` its orders that are not at their end.
 */
export const Limits = Schema.Struct({
  total: Schema.NullOr(PositiveDecimal),
  perDay: Schema.NullOr(PositiveDecimal),
  perWeek: Schema.NullOr(PositiveDecimal),
  perMonth: Schema.NullOr(PositiveDecimal),
  perBuyMin: Schema.NullOr(PositiveDecimal),
  perBuyMax: Schema.NullOr(PositiveDecimal),
  maxExecutions: Schema.NullOr(AtLeastOne),
  maxExecutionsPerDay: Schema.NullOr(AtLeastOne),
  cooldown: IsoDuration,
  reserveQuote: Schema.NullOr(PositiveDecimal),
  maxPositionQuote: Schema.NullOr(PositiveDecimal),
  maxOpenOrders: Schema.NullOr(AtLeastOne)
}).annotations({ identifier: "Limits" })
export interface Limits extends Schema.Schema.Type<typeof Limits> {}

export const LimitsRequest = Schema.Struct({
  total: orNull(PositiveDecimal),
  perDay: orNull(PositiveDecimal),
  perWeek: orNull(PositiveDecimal),
  perMonth: orNull(PositiveDecimal),
  perBuyMin: orNull(PositiveDecimal),
  perBuyMax: orNull(PositiveDecimal),
  maxExecutions: orNull(AtLeastOne),
  maxExecutionsPerDay: orNull(AtLeastOne),
  cooldown: withDefault(IsoDuration, Duration.zero),
  reserveQuote: orNull(PositiveDecimal),
  maxPositionQuote: orNull(PositiveDecimal),
  maxOpenOrders: orNull(AtLeastOne)
}).annotations({ identifier: "LimitsRequest" })

export const noLimits: Limits = {
  total: null,
  perDay: null,
  perWeek: null,
  perMonth: null,
  perBuyMin: null,
  perBuyMax: null,
  maxExecutions: null,
  maxExecutionsPerDay: null,
  cooldown: Duration.zero,
  reserveQuote: null,
  maxPositionQuote: null,
  maxOpenOrders: null
}
