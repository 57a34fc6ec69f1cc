import { Effect, Option, Schema } from "effect"
import { Conflict, QuotaExceeded, ValidationFailed, VersionMismatch } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import { makeRuleId, type RuleId, type UserId } from "../../domain/Ids.ts"
import { Rule, RuleDocument, type RuleRequest, type RuleState } from "../../domain/Rule.ts"
import { dataAgeLimit } from "../../domain/rule/decision/gates.ts"
import type { RuleContext } from "../../domain/rule/problems/Check.ts"
import { ruleProblems } from "../../domain/rule/ruleProblems.ts"
import type { Instant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { RequestKey } from "../../orders/Orders.ts"
import { Database } from "../../store/Database.ts"
import { type Begun, Idempotency, type KeyScope } from "../../store/Idempotency.ts"
import { Ownership } from "../../store/Ownership.ts"
import { makeMissing, nextSlot } from "../firing/missing.ts"
import { freshRuntime, type RuleRow, type Runtime } from "../record/rows.ts"
import { RuleMarket } from "../RuleMarket.ts"
import { RulesRepo } from "../RulesRepo.ts"
import { RuleSupervisor } from "../RuleSupervisor.ts"
import { makeComputed } from "../view/computed.ts"
import { listedSymbol } from "../view/listedSymbol.ts"
import { findRule } from "./findRule.ts"

const StoredAnswer = Schema.parseJson(Rule)
const encodeAnswer = Schema.encodeSync(StoredAnswer)
const decodeAnswer = Schema.decodeUnknown(StoredAnswer)

const encodeDocument = Schema.encodeSync(RuleDocument)

/** Whether the rule waits for the same thing as before, so that what it remembers of it still means something. */
const waitsAlike = (a: RuleDocument, b: RuleDocument): boolean => {
  const trigger = (document: RuleDocument) => JSON.stringify(encodeDocument(document).trigger)
  return trigger(a) === trigger(b)
}

/** Whether the slots of a schedule fall on the same times. */
const runsAlike = (a: RuleDocument, b: RuleDocument): boolean => a.timezone === b.timezone && a.startAt === b.startAt

const checked = (document: RuleDocument, context: RuleContext) => {
  const details = ruleProblems(document, context)
  const [first, ...others] = details
  if (first === undefined) return Effect.void
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`
  return Effect.fail(new ValidationFailed({ message: `${first.path}: ${first.message}${more}`, details }))
}

/** `draft` only begins a rule; `active` starts a draft or a completed one; nothing else changes the state here. */
const nextState = (row: RuleRow, asked: RuleRequest["state"]) => {
  if (row.state === "archived") return Effect.fail(new Conflict({ message: "An archived rule cannot be changed." }))
  if (asked === "draft" && row.state !== "draft")
    return Effect.fail(
      new Conflict({ message: "A rule that has been active cannot become a draft; pause it instead." })
    )
  const starts = asked === "active" && (row.state === "draft" || row.state === "completed")
  return Effect.succeed<RuleState>(starts ? "active" : row.state)
}

const nextRuntime = (row: RuleRow, document: RuleDocument, state: RuleState): Runtime => {
  const { runtime } = row
  if (!waitsAlike(row.document, document)) return { ...freshRuntime, sequence: runtime.sequence }
  // What fell into the time in which it did not run is nobody's.
  const starts = row.state !== "active" && state === "active"
  const trigger = starts ? { ...runtime.trigger, ready: false } : runtime.trigger
  return { ...runtime, trigger, nextRunAt: starts || !runsAlike(row.document, document) ? null : nextSlot(row) }
}

/** Creating and changing rules: key, body hash and rule commit together; the fiber follows the stored rule. */
export const makeStoring = Effect.fnUntraced(function* (options: { readonly maxRulesPerUser: number }) {
  const database = yield* Database
  const idempotency = yield* Idempotency
  const ownership = yield* Ownership
  const rules = yield* RulesRepo
  const supervisor = yield* RuleSupervisor
  const market = yield* RuleMarket
  const clock = yield* MarketClock
  const show = yield* makeComputed
  const missing = yield* makeMissing

  /** Read before the transaction, because it asks the venue. */
  const contextFor = Effect.fnUntraced(function* (document: RuleDocument, createdAt: Instant | null) {
    const symbol = Option.getOrNull(yield* listedSymbol(market, document.symbol))
    const view = symbol === null ? null : yield* market.view(document.symbol, dataAgeLimit(document.gates))
    const now = yield* clock.now
    return { symbol, ask: view?.ask ?? null, now, createdAt: createdAt ?? now } satisfies RuleContext
  })

  const answered = Effect.fnUntraced(function* (
    userId: UserId,
    id: RuleId,
    scope: KeyScope,
    status: number,
    begun: Begun
  ) {
    if (begun._tag === "Replay" && begun.status === status)
      return { rule: yield* Effect.orDie(decodeAnswer(begun.body)), replayed: true }
    yield* supervisor.refresh(userId, id)
    const row = yield* rules.find(userId, id)
    const rule = yield* show(yield* Effect.orDie(row))
    // An answer that cannot be stored is rendered from the rule when it is asked for again.
    yield* idempotency
      .complete(scope, { status, body: encodeAnswer(rule), objectId: id })
      .pipe(Effect.catchTag("DATABASE_UNAVAILABLE", ({ message }) => Effect.logWarning(message)))
    return { rule, replayed: begun._tag !== "New" }
  })

  const create = Effect.fn("Rules.create")(function* (userId: UserId, request: RuleRequest, key: RequestKey) {
    yield* ownership.assertOwner
    const { state, ...document } = request
    const context = yield* contextFor(document, null)
    const id = yield* makeRuleId()
    const scope = { userId, route: "POST /trading/rules", key: key.idempotencyKey }
    const begun = yield* database.write(
      Effect.gen(function* () {
        const claim = yield* idempotency.begin({ ...scope, bodyHash: key.bodyHash, objectId: id })
        if (claim._tag !== "New") return claim
        yield* checked(document, context)
        if ((yield* rules.count(userId)) >= options.maxRulesPerUser)
          return yield* new QuotaExceeded({
            message: `You have ${options.maxRulesPerUser} rules, as many as this service allows; archive one first.`
          })
        yield* rules.insert({
          user_id: userId,
          rule_id: id,
          version: 1,
          state: state ?? "active",
          pause_reason: null,
          symbol: document.symbol,
          document,
          runtime: freshRuntime,
          failures: 0,
          spent_total: Decimal.zero,
          executed_count: 0,
          created_at: context.now,
          updated_at: context.now
        })
        return claim
      })
    )
    const made = begun._tag === "New" || begun.objectId === null ? id : yield* Effect.orDie(decodeId(begun.objectId))
    return yield* answered(userId, made, scope, 201, begun)
  })

  const update = Effect.fn("Rules.update")(function* (
    userId: UserId,
    id: RuleId,
    request: RuleRequest,
    version: number,
    key: RequestKey
  ) {
    yield* ownership.assertOwner
    const { state: asked, ...document } = request
    const { created_at } = yield* findRule(rules, userId, id)
    const context = yield* contextFor(document, created_at)
    const scope = { userId, route: `PUT /trading/rules/${id}`, key: key.idempotencyKey }
    const begun = yield* database.write(
      Effect.gen(function* () {
        const claim = yield* idempotency.begin({ ...scope, bodyHash: key.bodyHash, objectId: id })
        if (claim._tag !== "New") return claim
        const row = yield* findRule(rules, userId, id)
        const state = yield* nextState(row, asked)
        if (row.version !== version) return yield* stale(row.version, version)
        yield* checked(document, context)
        if (row.symbol !== document.symbol && row.state !== "draft")
          return yield* new ValidationFailed({
            message: "A rule keeps its symbol, because its limits and lots belong to it; make another rule.",
            details: [{ path: "symbol", message: `is ${row.symbol} for this rule` }]
          })
        const runtime = nextRuntime(row, document, state)
        if (row.state === "active" && runtime.nextRunAt === null) yield* missing.due(row, context.now)
        yield* rules.update(userId, id, version, { document, state, runtime, at: context.now })
        return claim
      })
    )
    return yield* answered(userId, id, scope, 200, begun)
  })

  return { create, update }
})

const decodeId = Schema.decodeUnknown(Rule.fields.id)

const stale = (current: number, given: number) =>
  new VersionMismatch({
    message: `The rule is at version ${current}, not ${given}: read it again and repeat the change on what it is now.`
  })
