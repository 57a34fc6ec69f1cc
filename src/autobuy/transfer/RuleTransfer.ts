import { Context, Effect, Layer, ParseResult, Schema } from "effect"
import { QuotaExceeded, ValidationFailed } from "../../api/Errors.ts"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import { makeRuleId, type UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import { RuleDocument } from "../../domain/Rule.ts"
import { ruleProblems } from "../../domain/rule/ruleProblems.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Database } from "../../store/Database.ts"
import { freshRuntime, type RuleRow } from "../record/rows.ts"
import { RulesRepo } from "../RulesRepo.ts"

export interface Imported {
  readonly imported: number
  /** The user has a rule with the same document already. */
  readonly alreadyThere: number
}

/** A user's rules as a file, to move them to another installation or venue. Orders, lots and secrets stay where they are. */
export class RuleTransfer extends Context.Tag("dipper/autobuy/RuleTransfer")<
  RuleTransfer,
  {
    /** Every rule that is not archived, oldest first. */
    readonly exportRules: (userId: UserId) => Effect.Effect<string, DatabaseUnavailable>
    /**
     * All of the file or nothing of it; each rule as a draft that waits for its owner. Importing a file twice imports
     * nothing the second time.
     */
    readonly importRules: (
      userId: UserId,
      text: string
    ) => Effect.Effect<Imported, ValidationFailed | QuotaExceeded | DatabaseUnavailable>
  }
>() {
  static readonly layer = (options: { readonly maxRulesPerUser: number }) => Layer.effect(RuleTransfer, make(options))
}

const strict = { onExcessProperty: "error", errors: "all" } as const

/** `state` tells what the rule was; whatever it was, it arrives as a draft. */
const Moved = Schema.Struct({ state: Schema.optionalWith(Schema.String, { exact: true }), document: Schema.Unknown })
const RuleFile = Schema.Struct({
  format: Schema.Literal("dipper.rules"),
  version: Schema.Literal(1),
  rules: Schema.Array(Moved).pipe(Schema.maxItems(10_000))
})

const decodeFile = Schema.decodeUnknown(Schema.parseJson(RuleFile), strict)
const encodeFile = Schema.encodeSync(Schema.parseJson(RuleFile, { space: 2 }))
const decodeDocument = Schema.decodeUnknown(RuleDocument, strict)
const encodeDocument = Schema.encodeSync(RuleDocument)

/** Documents with the same content are the same text. */
const contentOf = (document: RuleDocument): string => JSON.stringify(encodeDocument(document))

interface Fault {
  readonly path: string
  readonly message: string
}

const faultsOf = (error: ParseResult.ParseError, prefix: string): ReadonlyArray<Fault> =>
  ParseResult.ArrayFormatter.formatErrorSync(error).map(({ message, path }) => ({
    path: [prefix, ...path.map(String)].filter((part) => part !== "").join("."),
    message
  }))

const refuse = (details: ReadonlyArray<Fault>) => {
  const [first] = details
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : ""
  return new ValidationFailed({
    message: `nothing was imported: ${first?.path}: ${first?.message}${more}`,
    details: [...details]
  })
}

const make = Effect.fnUntraced(function* (options: { readonly maxRulesPerUser: number }) {
  const database = yield* Database
  const rules = yield* RulesRepo
  const clock = yield* MarketClock

  const kept = (userId: UserId) => rules.list(userId, { limit: 100_000, before: null })

  const exportRules = Effect.fn("RuleTransfer.exportRules")(function* (userId: UserId) {
    const rows = yield* kept(userId)
    const moved = [...rows].reverse().map(({ document, state }) => ({ state, document: encodeDocument(document) }))
    return encodeFile({ format: "dipper.rules", version: 1, rules: moved })
  })

  /** What the schema and the document alone can tell; what only the venue knows is checked when it is activated. */
  const read = Effect.fnUntraced(function* (text: string, now: number) {
    const file = yield* Effect.mapError(decodeFile(text), (error) => refuse(faultsOf(error, "")))
    const documents: Array<RuleDocument> = []
    const faults: Array<Fault> = []
    for (const [i, { document }] of file.rules.entries()) {
      const decoded = yield* Effect.either(decodeDocument(document))
      if (decoded._tag === "Left") {
        faults.push(...faultsOf(decoded.left, `rules.${i}.document`))
        continue
      }
      const problems = ruleProblems(decoded.right, { symbol: null, ask: null, now, createdAt: now })
      for (const { message, path } of problems)
        if (path !== "symbol") faults.push({ path: `rules.${i}.document.${path}`, message })
      documents.push(decoded.right)
    }
    return faults.length > 0 ? yield* refuse(faults) : documents
  })

  const importRules = Effect.fn("RuleTransfer.importRules")(function* (userId: UserId, text: string) {
    const now = yield* clock.now
    const documents = yield* read(text, now)
    return yield* database.write(
      Effect.gen(function* () {
        const there = yield* kept(userId)
        const known = new Set(there.map(({ document }) => contentOf(document)))
        let imported = 0
        for (const document of documents) {
          const content = contentOf(document)
          if (known.has(content)) continue
          known.add(content)
          imported++
          yield* rules.insert(yield* draftOf(userId, document, now))
        }
        if (there.length + imported > options.maxRulesPerUser)
          return yield* new QuotaExceeded({
            message: `nothing was imported: with these you would have ${there.length + imported} rules, and ${options.maxRulesPerUser} are allowed`
          })
        return { imported, alreadyThere: documents.length - imported } satisfies Imported
      })
    )
  })

  return RuleTransfer.of({ exportRules, importRules })
})

const draftOf = (userId: UserId, document: RuleDocument, now: number) =>
  Effect.map(makeRuleId(), (rule_id): RuleRow => ({
    user_id: userId,
    rule_id,
    version: 1,
    state: "draft",
    pause_reason: reason("IMPORTED"),
    symbol: document.symbol,
    document,
    runtime: freshRuntime,
    failures: 0,
    spent_total: Decimal.zero,
    executed_count: 0,
    created_at: now,
    updated_at: now
  }))
