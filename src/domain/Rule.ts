import { Duration, Schema } from "effect"
import { PositiveDecimal } from "./Decimal.ts"
import { RuleId } from "./Ids.ts"
import { SymbolName } from "./Market.ts"
import { Reason } from "./Reason.ts"
import { ExecutionStyle, Gate, Size } from "./rule/RuleParts.ts"
import { Computed } from "./rule/shape/Computed.ts"
import { Cycle, defaultCycle } from "./rule/shape/Cycle.ts"
import { Exit } from "./rule/shape/Exit.ts"
import { AtLeastOne, orNull, withDefault } from "./rule/shape/fields.ts"
import { Ladder, ladderOf, LadderRequest, requestOf } from "./rule/shape/Ladder.ts"
import { Limits, LimitsRequest, noLimits } from "./rule/shape/Limits.ts"
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

export const OnFailure = Schema.Struct({ maxConsecutive: AtLeastOne, then: Schema.Literal("pause") }).annotations({
  identifier: "OnFailure"
})

export const OnInsufficientFunds = Schema.Literal("skip", "buyWhatFits", "pause").annotations({
  identifier: "OnInsufficientFunds"
})

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
  /** How long a firing waits for its gates. */
  waitForGates: IsoDuration,
  size: Size,
  maxPrice: Schema.NullOr(PositiveDecimal),
  ladder: Schema.NullOr(Ladder),
  execution: ExecutionStyle,
  limits: Limits,
  exit: Schema.NullOr(Exit),
  cycle: Cycle,
  onInsufficientFunds: OnInsufficientFunds,
  onMissedRun: OnMissedRun,
  onFailure: OnFailure,
  timezone: TimeZone,
  startAt: Schema.NullOr(Instant),
  endAt: Schema.NullOr(Instant)
}

const requestFields = {
  name: withDefault(Name, ""),
  note: withDefault(Note, null),
  tags: withDefault(Tags, []),
  mode: withDefault(RuleMode, "trade"),
  symbol: SymbolName,
  trigger: Trigger,
  gates: withDefault(Gates, []),
  /** Absent: the trigger decides, see {@link waitDefault}. */
  waitForGates: orNull(IsoDuration),
  size: Size,
  maxPrice: orNull(PositiveDecimal),
  ladder: orNull(LadderRequest),
  execution: withDefault(ExecutionStyle, { type: "protectedMarket", maxSlippageBps: 50 }),
  limits: withDefault(LimitsRequest, noLimits),
  exit: orNull(Exit),
  cycle: withDefault(Cycle, defaultCycle),
  onInsufficientFunds: withDefault(OnInsufficientFunds, "skip"),
  /** Absent: the trigger decides, see {@link missedRunDefault}. */
  onMissedRun: orNull(OnMissedRun),
  onFailure: withDefault(OnFailure, { maxConsecutive: 5, then: "pause" }),
  timezone: withDefault(TimeZone, "UTC"),
  startAt: orNull(Instant),
  endAt: orNull(Instant)
}

/** A short interval catches up for minutes only; a daily or monthly buy is worth making half a day late. */
export const missedRunDefault = (trigger: Trigger): OnMissedRun => ({
  type: "runOnce",
  maxLate: trigger.type === "schedule.every" ? Duration.minutes(5) : Duration.hours(12)
})

/** A slot or a listing comes once, so its firing waits a while for its gates; a price comes again. */
export const waitDefault = (trigger: Trigger): Duration.Duration =>
  trigger.type.startsWith("schedule.") || trigger.type.startsWith("listing.") ? Duration.minutes(10) : Duration.zero

interface Given {
  readonly trigger: Trigger
  readonly onMissedRun: OnMissedRun | null
  readonly waitForGates: Duration.Duration | null
  readonly ladder: LadderRequest | null
}

const filledIn = <A extends Given>(input: A) => ({
  ...input,
  onMissedRun: input.onMissedRun ?? missedRunDefault(input.trigger),
  waitForGates: input.waitForGates ?? waitDefault(input.trigger),
  ladder: input.ladder === null ? null : ladderOf(input.ladder)
})

const asRequested = <A extends { readonly ladder: Ladder | null }>(document: A) => ({
  ...document,
  ladder: document.ladder === null ? null : requestOf(document.ladder)
})

const strict = { onExcessProperty: "error", errors: "all" } as const

/** What a rule is, every default filled in; the stored form of each version. */
export const RuleDocument = Schema.transform(
  Schema.Struct(requestFields),
  Schema.typeSchema(Schema.Struct(documentFields)),
  { strict: true, decode: filledIn, encode: asRequested }
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
  { strict: true, decode: filledIn, encode: asRequested }
).annotations({ identifier: "RuleRequest", parseOptions: strict })
export type RuleRequest = typeof RuleRequest.Type

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
