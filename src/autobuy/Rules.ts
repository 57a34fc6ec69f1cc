import { Context, Effect, Layer, Option } from "effect"
import type {
  Conflict,
  DatabaseUnavailable,
  ExchangeUnavailable,
  IdempotencyInProgress,
  IdempotencyKeyReused,
  NotFound,
  NotOwner,
  QuotaExceeded,
  ValidationFailed,
  VersionMismatch
} from "../api/Errors.ts"
import type { Execution } from "../domain/order/Execution.ts"
import { RuleId, type UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { Rule, RuleDocument, RuleRequest, RuleState } from "../domain/Rule.ts"
import type { RulePreview } from "../domain/rule/RulePreview.ts"
import type { Page, RequestKey } from "../orders/Orders.ts"
import { Audit } from "../store/Audit.ts"
import { makeControl } from "./editing/control.ts"
import { findRule } from "./editing/findRule.ts"
import { makeStoring } from "./editing/storing.ts"
import { decodeCursor, toPage } from "./record/cursor.ts"
import { RuleMarket } from "./RuleMarket.ts"
import { RulesRepo } from "./RulesRepo.ts"
import { makeComputed } from "./view/computed.ts"
import { makePreview } from "./view/preview.ts"
import { listedSymbol } from "./view/listedSymbol.ts"

export interface RuleQuery {
  readonly state?: RuleState
  readonly symbol?: SymbolName
  readonly limit: number
  readonly cursor?: string
}

/** `replayed`: the key was seen before, and this is what the first request was answered. */
export interface StoredRule {
  readonly rule: Rule
  readonly replayed: boolean
}

export interface Ran {
  readonly execution: Execution
  readonly replayed: boolean
}

type KeyRefused = IdempotencyInProgress | IdempotencyKeyReused
type NotWritten = DatabaseUnavailable | NotOwner

/** A user's rules. What they did is in `RuleRecords`. */
export class Rules extends Context.Tag("dipper/autobuy/Rules")<
  Rules,
  {
    readonly create: (
      userId: UserId,
      request: RuleRequest,
      key: RequestKey
    ) => Effect.Effect<StoredRule, ValidationFailed | QuotaExceeded | ExchangeUnavailable | KeyRefused | NotWritten>
    readonly get: (userId: UserId, id: RuleId) => Effect.Effect<Rule, NotFound | DatabaseUnavailable>
    /** Newest first; archived rules only under `state: "archived"`. */
    readonly list: (
      userId: UserId,
      query: RuleQuery
    ) => Effect.Effect<Page<Rule>, ValidationFailed | DatabaseUnavailable>
    /** A new version; counters stay, and what the trigger remembers unless it is another trigger now. */
    readonly update: (
      userId: UserId,
      id: RuleId,
      request: RuleRequest,
      version: number,
      key: RequestKey
    ) => Effect.Effect<
      StoredRule,
      ValidationFailed | NotFound | Conflict | VersionMismatch | ExchangeUnavailable | KeyRefused | NotWritten
    >
    /** Kept, and never runs again. A rule that holds lots is refused. */
    readonly archive: (
      userId: UserId,
      id: RuleId,
      lots?: "release" | "close"
    ) => Effect.Effect<Rule, NotFound | Conflict | NotWritten>
    readonly pause: (userId: UserId, id: RuleId) => Effect.Effect<Rule, NotFound | Conflict | NotWritten>
    /** Also leaves quarantine and activates a draft; what fell into the pause is not made up for. */
    readonly resume: (userId: UserId, id: RuleId) => Effect.Effect<Rule, NotFound | Conflict | NotWritten>
    /** Fires the rule now, under all its gates and limits; one key is one firing for ever. */
    readonly run: (
      userId: UserId,
      id: RuleId,
      key: Pick<RequestKey, "idempotencyKey">
    ) => Effect.Effect<Ran, NotFound | Conflict | NotWritten>
    /** Everything that storing the rule would say, and nothing stored. */
    readonly preview: (
      userId: UserId,
      document: RuleDocument
    ) => Effect.Effect<RulePreview, ExchangeUnavailable | DatabaseUnavailable>
  }
>() {
  static readonly layer = (options: { readonly maxRulesPerUser: number }) =>
    Layer.effect(Rules, make(options)).pipe(Layer.provide(Audit.layer))
}

const make = Effect.fnUntraced(function* (options: { readonly maxRulesPerUser: number }) {
  const rules = yield* RulesRepo
  const market = yield* RuleMarket
  const show = yield* makeComputed
  const rehearse = yield* makePreview
  const { create, update } = yield* makeStoring(options)
  const { archive, pause, resume, run } = yield* makeControl

  const get = Effect.fn("Rules.get")((userId: UserId, id: RuleId) => Effect.flatMap(findRule(rules, userId, id), show))

  const list = Effect.fn("Rules.list")(function* (userId: UserId, query: RuleQuery) {
    const before = yield* decodeCursor(RuleId, query.cursor)
    const rows = yield* rules.list(userId, { ...query, before })
    const page = toPage(
      rows,
      query.limit,
      (row) => row.rule_id,
      (row) => row
    )
    return { ...page, items: yield* Effect.forEach(page.items, show) }
  })

  const preview = Effect.fn("Rules.preview")(function* (userId: UserId, document: RuleDocument) {
    const symbol = yield* listedSymbol(market, document.symbol)
    return yield* rehearse(userId, document, Option.getOrNull(symbol))
  })

  return Rules.of({ create, get, list, update, archive, pause, resume, run, preview })
})
