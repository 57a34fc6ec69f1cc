import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Schema } from "effect"
import { Decision, Execution, Explanation } from "../domain/order/Execution.ts"
import { ExecutionId, RuleId } from "../domain/Ids.ts"
import { SymbolName } from "../domain/Market.ts"
import { Position } from "../domain/Position.ts"
import { Rule, RuleRequest, RuleState } from "../domain/Rule.ts"
import { RulePreview } from "../domain/rule/RulePreview.ts"
import { Instant } from "../domain/Time.ts"
import { RequiredScope } from "./Authorization.ts"
import { failures, ok } from "./Envelope.ts"
import {
  Conflict,
  ExchangeRateLimited,
  ExchangeUnavailable,
  IdempotencyInProgress,
  IdempotencyKeyRequired,
  IdempotencyKeyReused,
  NotFound,
  NotOwner,
  PreconditionRequired,
  QuotaExceeded,
  VersionMismatch
} from "./Errors.ts"
import { idempotencyHeaders, optional, page, paging, period, query, strict, versionHeaders } from "./Requests.ts"

/** The endpoints of rules and of what they did; `TradingApi` gathers them. */

const byId = Schema.Struct({ id: RuleId })
const keyed = [IdempotencyKeyRequired, IdempotencyInProgress, IdempotencyKeyReused] as const
const venueAway = [ExchangeUnavailable, ExchangeRateLimited] as const

export const listRules = HttpApiEndpoint.get("listRules", "/trading/rules")
  .setUrlParams(query({ state: optional(RuleState), symbol: optional(SymbolName), ...paging }))
  .addSuccess(ok(page(Rule)))
  .annotate(RequiredScope, "read")

export const createRule = HttpApiEndpoint.post("createRule", "/trading/rules")
  .setHeaders(idempotencyHeaders)
  .setPayload(strict(RuleRequest))
  .addSuccess(ok(Rule, 201))
  .addError(failures(...keyed, ...venueAway, QuotaExceeded, NotOwner))
  .annotate(RequiredScope, "trade")

export const previewRule = HttpApiEndpoint.post("previewRule", "/trading/rules/preview")
  .setPayload(strict(RuleRequest))
  .addSuccess(ok(RulePreview))
  .addError(failures(...venueAway))
  .annotate(RequiredScope, "read")

export const getRule = HttpApiEndpoint.get("getRule", "/trading/rules/:id")
  .setPath(byId)
  .addSuccess(ok(Rule))
  .addError(failures(NotFound))
  .annotate(RequiredScope, "read")

export const updateRule = HttpApiEndpoint.put("updateRule", "/trading/rules/:id")
  .setPath(byId)
  .setHeaders(Schema.Struct({ ...idempotencyHeaders.fields, ...versionHeaders.fields }))
  .setPayload(strict(RuleRequest))
  .addSuccess(ok(Rule))
  .addError(failures(NotFound, Conflict, VersionMismatch, PreconditionRequired, NotOwner, ...keyed, ...venueAway))
  .annotate(RequiredScope, "trade")

/** A rule that still holds lots is archived only when told what becomes of them. */
export const deleteRule = HttpApiEndpoint.del("deleteRule", "/trading/rules/:id")
  .setPath(byId)
  .setUrlParams(query({ lots: optional(Schema.Literal("release", "close")) }))
  .addSuccess(ok(Rule))
  .addError(failures(NotFound, Conflict, NotOwner))
  .annotate(RequiredScope, "trade")

export const pauseRule = HttpApiEndpoint.post("pauseRule", "/trading/rules/:id/pause")
  .setPath(byId)
  .addSuccess(ok(Rule))
  .addError(failures(NotFound, Conflict, NotOwner))
  .annotate(RequiredScope, "trade")

export const resumeRule = HttpApiEndpoint.post("resumeRule", "/trading/rules/:id/resume")
  .setPath(byId)
  .addSuccess(ok(Rule))
  .addError(failures(NotFound, Conflict, NotOwner))
  .annotate(RequiredScope, "trade")

export const runRule = HttpApiEndpoint.post("runRule", "/trading/rules/:id/run")
  .setPath(byId)
  .setHeaders(idempotencyHeaders)
  .addSuccess(ok(Execution, 201))
  .addError(failures(NotFound, Conflict, NotOwner, ...keyed, ...venueAway))
  .annotate(RequiredScope, "trade")

export const getRulePosition = HttpApiEndpoint.get("getRulePosition", "/trading/rules/:id/position")
  .setPath(byId)
  .addSuccess(ok(Position))
  .addError(failures(NotFound))
  .annotate(RequiredScope, "read")

export const listRuleDecisions = HttpApiEndpoint.get("listRuleDecisions", "/trading/rules/:id/decisions")
  .setPath(byId)
  .setUrlParams(query({ ...period, ...paging }))
  .addSuccess(ok(page(Decision)))
  .addError(failures(NotFound))
  .annotate(RequiredScope, "read")

export const listRuleExecutions = HttpApiEndpoint.get("listRuleExecutions", "/trading/rules/:id/executions")
  .setPath(byId)
  .setUrlParams(query({ ...period, ...paging }))
  .addSuccess(ok(page(Execution)))
  .addError(failures(NotFound))
  .annotate(RequiredScope, "read")

/** Why the rule did or did not buy, as of `at` or of now. */
export const explainRule = HttpApiEndpoint.get("explainRule", "/trading/rules/:id/explain")
  .setPath(byId)
  .setUrlParams(query({ at: optional(Instant) }))
  .addSuccess(ok(Explanation))
  .addError(failures(NotFound))
  .annotate(RequiredScope, "read")

export const listExecutions = HttpApiEndpoint.get("listExecutions", "/trading/executions")
  .setUrlParams(query({ ...period, ...paging }))
  .addSuccess(ok(page(Execution)))
  .annotate(RequiredScope, "read")

export const getExecution = HttpApiEndpoint.get("getExecution", "/trading/executions/:id")
  .setPath(Schema.Struct({ id: ExecutionId }))
  .addSuccess(ok(Execution))
  .addError(failures(NotFound))
  .annotate(RequiredScope, "read")
