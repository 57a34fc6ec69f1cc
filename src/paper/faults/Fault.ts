import { Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { PairChange } from "../engine/Pair.ts"

/** How often, and for whom: a fault without `count` and `probability` happens once, or always where only that makes sense. */
const selectors = {
  count: Schema.optionalWith(Schema.Int.pipe(Schema.positive()), { exact: true }),
  /** Rolled anew, from the exchange's seed, whenever the fault could happen. */
  probability: Schema.optionalWith(Schema.Number.pipe(Schema.greaterThan(0), Schema.lessThanOrEqualTo(1)), {
    exact: true
  }),
  /** Access key. */
  account: Schema.optionalWith(Schema.NonEmptyString, { exact: true }),
  symbol: Schema.optionalWith(Schema.NonEmptyString, { exact: true }),
  /** `/api/v3/account`, `/api/v3/ticker/*` or `*`. */
  path: Schema.optionalWith(Schema.String.pipe(Schema.pattern(/^(\/\S*|\*)$/)), { exact: true }),
  method: Schema.optionalWith(Schema.Literal("GET", "POST", "PUT", "DELETE"), { exact: true }),
  /** The start of a stream's name, such as `spot@private.orders`. */
  channel: Schema.optionalWith(Schema.NonEmptyString, { exact: true })
}
export const selectorNames: ReadonlyArray<string> = Object.keys(selectors)

const fault = <Type extends string, Fields extends Schema.Struct.Fields>(type: Type, parameters: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), ...selectors, ...parameters })

/** A fault of one pair, which it must name. */
const pairFault = <Type extends string, Fields extends Schema.Struct.Fields>(type: Type, parameters: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), ...selectors, symbol: Schema.NonEmptyString, ...parameters })

const or = <A, I>(schema: Schema.Schema<A, I>, standard: A) => Schema.optionalWith(schema, { default: () => standard })

const milliseconds = Schema.Int.pipe(Schema.between(0, 600_000))
const seconds = Schema.Number.pipe(Schema.between(0, 86_400))
const stage = Schema.Literal("before", "after")
const forSeconds = Schema.optionalWith(seconds, { exact: true })

/** Planned misbehaviour, as `--faults` and `POST /paper/v1/faults` take it. */
export const Fault = Schema.Union(
  fault("dropBeforeBooking", {}),
  fault("dropAfterBooking", {}),
  fault("delayAnswer", { delayMs: or(milliseconds, 1_000), when: or(stage, "after") }),
  fault("stall", { seconds: or(Schema.Number.pipe(Schema.between(0, 60)), 5) }),
  fault("halfOpen", { when: or(stage, "before") }),
  fault("serverError", { status: or(Schema.Int.pipe(Schema.between(500, 599)), 500), when: or(stage, "after") }),
  fault("htmlBody", { status: or(Schema.Int.pipe(Schema.between(200, 599)), 200), when: or(stage, "after") }),
  fault("truncatedBody", { when: or(stage, "after"), closed: or(Schema.Boolean, false) }),
  fault("hugeBody", {
    when: or(stage, "after"),
    bytes: or(Schema.Int.pipe(Schema.between(1_024, 100_000_000)), 10_485_760)
  }),
  fault("rateLimited", { seconds: or(seconds, 10) }),
  fault("banned", { seconds: or(seconds, 120) }),
  fault("firewall", {}),
  fault("maintenance", {}),
  fault("orderInvisible", { seconds: or(seconds, 3) }),
  fault("rejectOrder", { code: Schema.Int, text: or(Schema.String, "") }),
  fault("partialFill", { fraction: Decimal.PositiveDecimal.pipe(Schema.filter((part) => belowOne(part))) }),
  fault("clockOffset", { ms: Schema.Int.pipe(Schema.between(-86_400_000, 86_400_000)) }),
  fault("clockDrift", { ppm: Schema.Int.pipe(Schema.between(-100_000, 100_000)) }),
  fault("duplicatePush", {}),
  fault("reorderPush", {}),
  fault("missingPush", {}),
  fault("latePush", { delayMs: or(milliseconds, 1_000) }),
  fault("silentStream", { seconds: or(seconds, 30) }),
  fault("halfOpenStream", {}),
  fault("dropStream", {}),
  fault("listenKeyDeath", {}),
  pairFault("symbolHalt", { seconds: forSeconds }),
  pairFault("filterChange", { change: PairChange, seconds: forSeconds }),
  fault("balanceChange", { asset: Schema.NonEmptyString, amount: Decimal.Decimal }),
  pairFault("foreignOrder", {
    side: Schema.Literal("buy", "sell"),
    orderType: or(Schema.Literal("limit", "market"), "limit"),
    quantity: Schema.optionalWith(Decimal.PositiveDecimal, { exact: true }),
    quoteAmount: Schema.optionalWith(Decimal.PositiveDecimal, { exact: true }),
    price: Schema.optionalWith(Decimal.PositiveDecimal, { exact: true }),
    clientOrderId: Schema.optionalWith(Schema.NonEmptyString, { exact: true })
  })
)
export type Fault = typeof Fault.Type
export type FaultType = Fault["type"]
export type FaultOf<Type extends FaultType> = Extract<Fault, { readonly type: Type }>

export const isFaultOf = <Type extends FaultType>(fault: Fault, type: Type): fault is FaultOf<Type> =>
  fault.type === type

const belowOne = (part: Decimal.Decimal) => Decimal.lessThan(part, Decimal.one) || "expected a fraction below 1"
