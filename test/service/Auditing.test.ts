import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Logger, Queue, Schema, TestClock } from "effect"
import { Config, readSettings } from "../../src/Config.ts"
import * as Auditing from "../../src/service/Auditing.ts"
import { Audit } from "../../src/store/Audit.ts"
import { Database } from "../../src/store/Database.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"

const store = Layer.provideMerge(Audit.layer, TestDatabase.layer)

const settings = (env: Readonly<Record<string, string>>) =>
  Layer.succeed(Config, Either.getOrThrow(readSettings({ PORT: "0", ...env })))

const start = (env: Readonly<Record<string, string>> = {}) => Layer.build(Layer.provide(Auditing.layer, settings(env)))
const once = (env: Readonly<Record<string, string>> = {}) => Effect.scoped(start(env))

const isHead = Schema.is(Schema.Struct({ head: Schema.String }))

const append = Effect.flatMap(Audit, (audit) => audit.append({ action: "haltChanged", user: null, objectId: null }))

const tamper = (statement: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.zipRight(sql.unsafe("DROP TRIGGER IF EXISTS audit_is_never_changed"), sql.unsafe(statement))
  )

describe("A service that starts", () => {
  it.scoped("tells of its settings when they are others than before, and of no secret", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const secret = "k1:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
      yield* once()
      yield* once()
      yield* once({ API_RATE_PER_MINUTE: "60", MASTER_KEYS: secret })
      yield* once({ API_RATE_PER_MINUTE: "60", MASTER_KEYS: secret })
      const [second, first, ...others] = yield* audit.ofInstallation("configurationChanged", 10)
      assert.deepStrictEqual(others, [])
      assert.strictEqual(second?.before, first?.after)
      assert.deepStrictEqual(
        [first?.detail["API_RATE_PER_MINUTE"], second?.detail["API_RATE_PER_MINUTE"], second?.detail["MASTER_KEYS"]],
        ["600", "60", "<redacted>"]
      )
    }).pipe(Effect.provide(store))
  )

  it.scoped("refuses a trail that was changed lately, until the operator has said that it is known", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* once()
      for (let n = 0; n < 5; n++) yield* append
      yield* tamper("UPDATE audit SET entry = replace(entry, 'done', 'undone') WHERE seq = 3")
      const refused = yield* Effect.flip(once())
      assert.strictEqual(refused._tag, "StoreRefused")
      assert.match(refused.message, /^the audit trail is broken at entry 3: .*audit accept 3 --reason/)
      yield* audit.append({ action: "auditBreakAccepted", user: null, objectId: "3", detail: { reason: "a slip" } })
      yield* once()
      yield* tamper("UPDATE audit SET at = at + 1 WHERE seq = 4")
      assert.match((yield* Effect.flip(once())).message, /broken at entry 4: it is stored under another user, time/)
    }).pipe(Effect.provide(store))
  )

  it.scoped("looks at the last thousand entries only", () =>
    Effect.gen(function* () {
      yield* (yield* Database).write(Effect.repeatN(append, 1_010))
      yield* tamper("UPDATE audit SET entry = replace(entry, 'done', 'undone') WHERE seq = 3")
      yield* once()
    }).pipe(Effect.provide(store))
  )

  it.scoped(
    "tells the log the head of the trail: soon after the start, after a hundred entries, and a minute after any",
    () =>
      Effect.gen(function* () {
        const audit = yield* Audit
        const told = yield* Queue.unbounded<string>()
        const logger = Logger.make(({ message }) => {
          const [text, data] = Array.isArray(message) ? message : [message, null]
          if (text === "audit head" && isHead(data)) Queue.unsafeOffer(told, data.head)
        })
        const head = Effect.map(audit.head(null), ({ hash, seq }) => `${seq}:${hash}`)
        yield* Effect.gen(function* () {
          yield* start()
          assert.strictEqual(yield* Queue.size(told), 0, "a start that is refused has other things to say")
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual(yield* Queue.take(told), yield* head)
          yield* Effect.repeatN(append, 99)
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual(yield* Queue.take(told), yield* head)
          yield* append
          yield* TestClock.adjust("55 seconds")
          yield* append
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual(yield* Queue.take(told), yield* head)
          assert.strictEqual(yield* Queue.size(told), 0)
        }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      }).pipe(Effect.provide(store))
  )
})
