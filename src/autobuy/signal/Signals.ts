import { Clock, Context, Duration, Effect, Layer, Option } from "effect"
import { createHash } from "node:crypto"
import {
  Conflict,
  type DatabaseUnavailable,
  type NotFound,
  type NotOwner,
  RateLimited,
  Unauthenticated,
  ValidationFailed
} from "../../api/Errors.ts"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import type { SignalReceipt, SignalRequest, SignalToken } from "../../domain/rule/SignalRequest.ts"
import { formatInstant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Ownership } from "../../store/Ownership.ts"
import { findRule } from "../editing/findRule.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { RulesRepo } from "../RulesRepo.ts"
import { SignalTokens } from "./SignalTokens.ts"

/** An older signal is not fired: what it told of is over, or somebody plays it again. */
const oldest = Duration.toMillis("5 minutes")
/** Clocks of senders may be this far ahead. */
const ahead = Duration.toMillis("1 minute")

/** New signals of one rule in a minute; what a strategy sends is far less. */
const perMinute = 30
const minuteMs = 60_000

export interface Received {
  readonly receipt: SignalReceipt
  /** The same signal came before, and this is the firing it made. */
  readonly replayed: boolean
}

/** Signals from outside: each with the rule's own secret, each at most one firing. */
export class Signals extends Context.Tag("dipper/autobuy/Signals")<
  Signals,
  {
    readonly receive: (
      ruleId: RuleId,
      signal: SignalRequest
    ) => Effect.Effect<
      Received,
      Unauthenticated | ValidationFailed | RateLimited | Conflict | NotOwner | DatabaseUnavailable
    >
    /** The secret is in the answer and nowhere else; the one before ends. */
    readonly rotate: (
      userId: UserId,
      ruleId: RuleId
    ) => Effect.Effect<SignalToken, NotFound | Conflict | NotOwner | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    Signals,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(SignalTokens.layer))
}

/** One answer for every wrong secret and every rule that has none: a stranger learns nothing of which rules exist. */
const refused = new Unauthenticated({ message: "The rule's signal token is missing or wrong." })

const slotOf = (id: string): string => `signal-${createHash("sha256").update(id).digest("hex").slice(0, 32)}`

/** The rule must be one that waits for signals now. */
const notListening = (state: string) => new Conflict({ message: `The rule is ${state}; it takes no signals now.` })

const make = Effect.gen(function* () {
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const firing = yield* RuleFiring
  const tokens = yield* SignalTokens
  const ownership = yield* Ownership
  const clock = yield* MarketClock
  /** When each rule's share of signals would be whole again. */
  const wholeAt = new Map<RuleId, number>()

  const admit = (ruleId: RuleId, now: number) =>
    Effect.suspend(() => {
      const next = Math.max(wholeAt.get(ruleId) ?? now, now) + minuteMs / perMinute
      if (next - now > minuteMs)
        return new RateLimited({
          message: `More than ${perMinute} signals a minute for one rule.`,
          retryable: true,
          retryAfterSeconds: Math.max(1, Math.ceil((next - now - minuteMs) / 1_000))
        })
      for (const [id, at] of wholeAt) if (at <= now) wholeAt.delete(id)
      wholeAt.set(ruleId, next)
      return Effect.void
    })

  const timely = (at: number, now: number) => {
    if (now - at <= oldest && at - now <= ahead) return Effect.void
    const message = `is ${formatInstant(at)}, but it is ${formatInstant(now)}: at most 5 minutes old, or 1 minute ahead`
    return new ValidationFailed({ message: `at: ${message}`, details: [{ path: "at", message }] })
  }

  const receive = Effect.fn("Signals.receive")(function* (ruleId: RuleId, signal: SignalRequest) {
    const owner = yield* tokens.ownerOf(ruleId, signal.token)
    if (Option.isNone(owner)) return yield* refused
    const userId = owner.value
    const slot = slotOf(signal.id)
    const receipt = (executionId: SignalReceipt["executionId"]) => ({ signalId: signal.id, ruleId, executionId })
    const before = yield* executions.findBySlot(userId, ruleId, slot)
    if (Option.isSome(before)) return { receipt: receipt(before.value.execution_id), replayed: true } satisfies Received
    const now = yield* Clock.currentTimeMillis
    yield* timely(signal.at, now)
    yield* admit(ruleId, now)
    yield* ownership.assertOwner
    const rule = Option.getOrNull(yield* rules.find(userId, ruleId))
    if (rule === null || rule.document.trigger.type !== "signal") return yield* notListening("no signal rule")
    if (rule.state !== "active") return yield* notListening(rule.state)
    const { execution, isNew } = yield* firing.begin(rule, {
      slot,
      label: "signal",
      operands: [
        {
          label: `signal ${signal.id}`,
          value: formatInstant(signal.at),
          op: "",
          threshold: null,
          pass: true,
          asOf: now
        }
      ],
      triggeredAt: yield* clock.now,
      runtime: null
    })
    return { receipt: receipt(execution.execution_id), replayed: !isNew } satisfies Received
  })

  const rotate = Effect.fn("Signals.rotate")(function* (userId: UserId, ruleId: RuleId) {
    yield* ownership.assertOwner
    const rule = yield* findRule(rules, userId, ruleId)
    if (rule.document.trigger.type !== "signal")
      return yield* new Conflict({ message: "Only a rule whose trigger is `signal` has a signal token." })
    const createdAt = yield* Clock.currentTimeMillis
    return { ruleId, token: yield* tokens.rotate(userId, ruleId, createdAt), createdAt }
  })

  return Signals.of({ receive, rotate })
})
