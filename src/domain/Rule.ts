import { Duration, Schema } from "effect"
import { Decimal, PositiveDecimal } from "./Decimal.ts"
import { Decision } from "./order/Execution.ts"
import { RuleId } from "./Ids.ts"
import { SymbolName } from "./Market.ts"
import { Reason } from "./Reason.ts"
import { ExecutionStyle, Gate, Size } from "./rule/RuleParts.ts"
import { Instant, IsoDuration } from "./Time.ts"
import { Trigger } from "./rule/Trigger.ts"

export const RuleState = Schema.Literal(
  "draft",
  "active",
  "paused",
  "completed",
  "quarantined",
  "archived"
).annotations({ identifier: "RuleState" })
export type RuleState = typeof RuleState.Type

/** `shadow` evaluates and records like `trade`, and places nothing. */
export const RuleMode = Schema.Literal("trade", "shadow").annotations({ identifier: "RuleMode" })

/** What a slot that was missed by more than 60 s does. */
export const OnMissedRun = Schema.Union(
  Schema.Struct({ type: Schema.Literal("runOnce"), maxLate: IsoDuration }).annotations({
    identifier: "RunOnceWhenMissed"
  }),
  Schema.Struct({ type: Schema.Literal("skip") }).annotations({ identifier: "SkipWhenMissed" })
).annotations({ identifier: "OnMissedRun" })
export type OnMissedRun = typeof OnMissedRun.Type

const AtLeastOne = Schema.Int.pipe(Schema.positive())

export const OnFailure = Schema.Struct({ maxConsecutive: AtLeastOne, then: Schema.Literal("pause") }).annotations({
  identifier: "OnFailure"
})

export const OnInsufficientFunds = Schema.Literal("skip", "buyWhatFits", "pause").annotations({
  identifier: "OnInsufficientFunds"
})

/** A field whose place is kept: it takes null only. */
const later = (name: string) =>
  Schema.Null.annotations({
    message: () => ({
      message: `\`${name}\` is not available in this version; leave it out or send null`,
      override: true
    })
  })

const limitFields = {
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
  maxPositionQuote: later("limits.maxPositionQuote"),
  maxOpenOrders: later("limits.maxOpenOrders")
}

/** Amounts are quote, fees included; days, weeks and months are calendar ones in the rule's time zone. */
export const Limits = Schema.Struct(limitFields).annotations({ identifier: "Limits" })
export interface Limits extends Schema.Schema.Type<typeof Limits> {}

const orNull = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.NullOr(schema), { exact: true, default: () => null })

const LimitsRequest = Schema.Struct({
  total: orNull(PositiveDecimal),
  perDay: orNull(PositiveDecimal),
  perWeek: orNull(PositiveDecimal),
  perMonth: orNull(PositiveDecimal),
  perBuyMin: orNull(PositiveDecimal),
  perBuyMax: orNull(PositiveDecimal),
  maxExecutions: orNull(AtLeastOne),
  maxExecutionsPerDay: orNull(AtLeastOne),
  cooldown: Schema.optionalWith(IsoDuration, { exact: true, default: () => Duration.zero }),
  reserveQuote: orNull(PositiveDecimal),
  maxPositionQuote: Schema.optionalWith(limitFields.maxPositionQuote, { exact: true, default: () => null }),
  maxOpenOrders: Schema.optionalWith(limitFields.maxOpenOrders, { exact: true, default: () => null })
}).annotations({ identifier: "LimitsRequest" })

const noOtherCycle = {
  message: () => ({ message: "another `cycle` than the default is not available in this version", override: true })
}
const NoCooldown = IsoDuration.pipe(Schema.filter((duration) => Duration.toMillis(duration) === 0)).annotations(
  noOtherCycle
)

/** What follows a finished position; only the default until rules have exits. */
export const Cycle = Schema.Struct({
  afterExit: Schema.optionalWith(Schema.Literal("complete").annotations(noOtherCycle), {
    exact: true,
    default: () => "complete"
  }),
  cooldown: Schema.optionalWith(NoCooldown, { exact: true, default: () => Duration.zero }),
  maxCycles: Schema.optionalWith(Schema.Null.annotations(noOtherCycle), { exact: true, default: () => null }),
  whileOpen: Schema.optionalWith(Schema.Literal("ignore").annotations(noOtherCycle), {
    exact: true,
    default: () => "ignore"
  })
}).annotations({ identifier: "Cycle" })

const defaultCycle = { afterExit: "complete", cooldown: Duration.zero, maxCycles: null, whileOpen: "ignore" } as const

const Name = Schema.String.pipe(Schema.maxLength(100))
const Note = Schema.NullOr(Schema.String.pipe(Schema.maxLength(2_000)))
const Tags = Schema.Array(Schema.NonEmptyTrimmedString.pipe(Schema.maxLength(40))).pipe(Schema.maxItems(20))
const Gates = Schema.Array(Gate).pipe(Schema.maxItems(20))
/** Checked against the time-zone database by `ruleProblems`, which names the closest fault. */
const TimeZone = Schema.String.pipe(Schema.maxLength(64))

const documentFields = {
  name: Name,
  note: Note,
  tags: Tags,
  mode: RuleMode,
  symbol: SymbolName,
  trigger: Trigger,
  gates: Gates,
  waitForGates: later("waitForGates"),
  size: Size,
  maxPrice: Schema.NullOr(PositiveDecimal),
  ladder: later("ladder"),
  execution: ExecutionStyle,
  limits: Limits,
  exit: later("exit"),
  cycle: Cycle,
  onInsufficientFunds: OnInsufficientFunds,
  onMissedRun: OnMissedRun,
  onFailure: OnFailure,
  timezone: TimeZone,
  startAt: Schema.NullOr(Instant),
  endAt: Schema.NullOr(Instant)
}

const requestFields = {
  name: Schema.optionalWith(Name, { exact: true, default: () => "" }),
  note: Schema.optionalWith(Note, { exact: true, default: () => null }),
  tags: Schema.optionalWith(Tags, { exact: true, default: () => [] }),
  mode: Schema.optionalWith(RuleMode, { exact: true, default: () => "trade" }),
  symbol: SymbolName,
  trigger: Trigger,
  gates: Schema.optionalWith(Gates, { exact: true, default: () => [] }),
  waitForGates: Schema.optionalWith(documentFields.waitForGates, { exact: true, default: () => null }),
  size: Size,
  maxPrice: orNull(PositiveDecimal),
  ladder: Schema.optionalWith(documentFields.ladder, { exact: true, default: () => null }),
  execution: Schema.optionalWith(ExecutionStyle, {
    exact: true,
    default: () => ({ type: "protectedMarket", maxSlippageBps: 50 })
  }),
  limits: Schema.optionalWith(LimitsRequest, { exact: true, default: () => noLimits }),
  exit: Schema.optionalWith(documentFields.exit, { exact: true, default: () => null }),
  cycle: Schema.optionalWith(Cycle, { exact: true, default: () => defaultCycle }),
  onInsufficientFunds: Schema.optionalWith(OnInsufficientFunds, { exact: true, default: () => "skip" }),
  /** Absent: the trigger decides, see {@link missedRunDefault}. */
  onMissedRun: orNull(OnMissedRun),
  onFailure: Schema.optionalWith(OnFailure, { exact: true, default: () => ({ maxConsecutive: 5, then: "pause" }) }),
  timezone: Schema.optionalWith(TimeZone, { exact: true, default: () => "UTC" }),
  startAt: orNull(Instant),
  endAt: orNull(Instant)
}

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

/** A short interval catches up for minutes only; a daily or monthly buy is worth making half a day late. */
export const missedRunDefault = (trigger: Trigger): OnMissedRun => ({
  type: "runOnce",
  maxLate: trigger.type === "schedule.every" ? Duration.minutes(5) : Duration.hours(12)
})

const withTriggerDefaults = <A extends { readonly trigger: Trigger; readonly onMissedRun: OnMissedRun | null }>(
  input: A
) => ({
  ...input,
  onMissedRun: input.onMissedRun ?? missedRunDefault(input.trigger)
})

const strict = { onExcessProperty: "error", errors: "all" } as const

/** What a rule is, every default filled in; the stored form of each version. */
export const RuleDocument = Schema.transform(
  Schema.Struct(requestFields),
  Schema.typeSchema(Schema.Struct(documentFields)),
  { strict: true, decode: withTriggerDefaults, encode: (document) => document }
)
export type RuleDocument = typeof RuleDocument.Type

/** draft waits for the owner, active runs. */
const FirstState = Schema.Literal("draft", "active")

/**
 * Body of POST and PUT. POST without `state` means active. PUT without `state` keeps it; `active` activates a draft;
 * pausing and resuming have their own routes.
 */
export const RuleRequest = Schema.transform(
  Schema.Struct({ ...requestFields, state: orNull(FirstState) }).annotations({
    identifier: "RuleRequest",
    parseOptions: strict
  }),
  Schema.typeSchema(Schema.Struct({ ...documentFields, state: Schema.NullOr(FirstState) })),
  { strict: true, decode: withTriggerDefaults, encode: (request) => request }
).annotations({ identifier: "RuleRequest", parseOptions: strict })
export type RuleRequest = typeof RuleRequest.Type

/** The next firing: an instant for schedules; for price triggers the price and how far the market is from it. */
export const NextFiring = Schema.Struct({
  at: Schema.NullOr(Instant),
  price: Schema.NullOr(Decimal),
  awayPercent: Schema.NullOr(Schema.Number),
  text: Schema.String
}).annotations({ identifier: "NextFiring" })
export interface NextFiring extends Schema.Schema.Type<typeof NextFiring> {}

/** Quote spent and reserved in the current calendar windows of the rule's time zone. */
export const Spent = Schema.Struct({ day: Decimal, week: Decimal, month: Decimal, total: Decimal }).annotations({
  identifier: "Spent"
})
export interface Spent extends Schema.Schema.Type<typeof Spent> {}

/** History the trigger has against what it needs. */
export const Warmup = Schema.Struct({ have: IsoDuration, need: IsoDuration }).annotations({ identifier: "Warmup" })
export interface Warmup extends Schema.Schema.Type<typeof Warmup> {}

/** `worstCaseSpend` is null when no limit bounds the rule over its life; `requiredFree` is what the next buy needs. */
export const Computed = Schema.Struct({
  next: Schema.NullOr(NextFiring),
  nextRuns: Schema.Array(Instant),
  worstCaseSpend: Schema.NullOr(Decimal),
  requiredFree: Schema.NullOr(Decimal),
  spent: Spent,
  invested: Decimal,
  value: Schema.NullOr(Decimal),
  returnPercent: Schema.NullOr(Schema.Number),
  warmup: Schema.NullOr(Warmup),
  trailing: Schema.Null,
  lastDecision: Schema.NullOr(Decision)
}).annotations({ identifier: "Computed" })
export interface Computed extends Schema.Schema.Type<typeof Computed> {}

/** A rule as the API answers it. */
export const Rule = Schema.Struct({
  id: RuleId,
  version: Schema.Int,
  state: RuleState,
  pauseReason: Schema.NullOr(Reason),
  ...documentFields,
  createdAt: Instant,
  updatedAt: Instant,
  computed: Computed
}).annotations({ identifier: "Rule" })
export interface Rule extends Schema.Schema.Type<typeof Rule> {}
