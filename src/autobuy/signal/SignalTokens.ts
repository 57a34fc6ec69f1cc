import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import { type RuleId, UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import { Audit } from "../../store/Audit.ts"
import { Database } from "../../store/Database.ts"

/** The secrets that signals carry: one per rule, of which only the hash is kept. */
export class SignalTokens extends Context.Tag("dipper/autobuy/SignalTokens")<
  SignalTokens,
  {
    /** A new secret in place of the one before; nobody can read it again. */
    readonly rotate: (userId: UserId, ruleId: RuleId, at: Instant) => Effect.Effect<string, DatabaseUnavailable>
    /** Whose rule the secret opens; none for a rule without one, and for a wrong one, after the same work. */
    readonly ownerOf: (ruleId: RuleId, token: string) => Effect.Effect<Option.Option<UserId>, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    SignalTokens,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const audit = yield* Audit
      const database = yield* Database

      const find = SqlSchema.findAll({
        Request: Schema.String,
        Result: TokenRow,
        execute: (ruleId) => sql`SELECT user_id, token_hash FROM rule_signal_tokens WHERE rule_id = ${ruleId}`
      })

      return SignalTokens.of({
        rotate: Effect.fn("SignalTokens.rotate")(function* (userId, ruleId, at) {
          const token = yield* Effect.sync(() => `sig_${randomBytes(32).toString("base64url")}`)
          const row = { user_id: userId, rule_id: ruleId, token_hash: hashOf(token), created_at: at }
          yield* database.write(
            Effect.zipRight(
              sql`INSERT INTO rule_signal_tokens ${sql.insert(row)} ON CONFLICT (user_id, rule_id)
                DO UPDATE SET token_hash = excluded.token_hash, created_at = excluded.created_at`,
              audit.append({ action: "signalTokenRotated", user: userId, objectId: ruleId })
            )
          )
          return token
        }),
        ownerOf: Effect.fn("SignalTokens.ownerOf")(function* (ruleId, token) {
          const [row] = yield* database.read(find(ruleId))
          const isRight = sameHash(hashOf(token), row?.token_hash ?? nobodys)
          return row !== undefined && isRight ? Option.some(row.user_id) : Option.none()
        })
      })
    })
  ).pipe(Layer.provide(Audit.layer))
}

const TokenRow = Schema.Struct({ user_id: UserId, token_hash: Schema.String })

const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex")

/** Compared with where a rule has no secret, so that nobody learns which rules have one. */
const nobodys = "0".repeat(64)

const sameHash = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b))
