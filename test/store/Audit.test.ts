import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Stream, TestClock } from "effect"
import { UserId } from "../../src/domain/Ids.ts"
import { actingAs, actingAsWebhook, byRule, operator } from "../../src/store/audit/acting.ts"
import { Audit, type Audited, type AuditQuery } from "../../src/store/Audit.ts"
import { checkTrail } from "../../src/store/AuditCheck.ts"
import { FileCheck } from "../../src/store/audit/FileCheck.ts"
import { exportTrail } from "../../src/store/auditExport.ts"
import { Database } from "../../src/store/Database.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import { databaseUrl, layer, temporaryFolder } from "../kit/TestDatabase.ts"

const ann = UserId.make("local_ann")
const bob = UserId.make("local_bob")

const store = Layer.provideMerge(Audit.layer, layer)

/** Two stores on one database are two processes on it. */
const storeAt = (folder: string) =>
  Audit.layer.pipe(
    Layer.provideMerge(Migrations.layer({ venue: "paper" })),
    Layer.provideMerge(Database.layer({ url: databaseUrl(folder), authToken: null })),
    Layer.fresh,
    Layer.orDie
  )

const halted = (user: UserId | null): Audited => ({ action: "haltChanged", user, objectId: null })

/** Entries about ann, about bob, about nobody, and again. */
const appended = (entries: number, before: Effect.Effect<void> = Effect.void) =>
  Effect.forEach(
    Array.from({ length: entries }, (_, n) => [ann, bob, null][n % 3] ?? null),
    (user, n) =>
      Effect.zipRight(
        before,
        Effect.flatMap(Audit, (audit) =>
          audit.append({ ...halted(user), action: n % 2 === 0 ? "haltChanged" : "limitsChanged" })
        )
      ),
    { discard: true }
  )

/** One a minute. */
const filled = (entries: number) => appended(entries, TestClock.adjust("1 minute"))

const verified = (user: UserId | null) =>
  Effect.gen(function* () {
    const check = new FileCheck()
    yield* Stream.runForEach(exportTrail(yield* Audit, "install", user), (text) =>
      Effect.sync(() => check.push(Buffer.from(text)))
    )
    return Either.getOrThrow(check.end())
  })

/** What somebody can do who writes into the database past the service. */
const tampered = (statement: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const trigger of ["audit_is_never_changed", "audit_is_never_shortened", "audit_only_grows"])
      yield* sql.unsafe(`DROP TRIGGER IF EXISTS ${trigger}`)
    yield* sql.unsafe(statement)
    const { breaks } = yield* checkTrail(yield* Audit)
    return breaks.map(({ problem, seq }) => `${seq} ${problem}`)
  })

describe("The audit trail", () => {
  it.effect("links what is appended, whole and per user, and is good as it is read and exported", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* filled(7)
      assert.deepStrictEqual((yield* checkTrail(audit)).breaks, [])
      assert.strictEqual((yield* checkTrail(audit)).entries, 7)
      const all = yield* verified(null)
      assert.deepStrictEqual([all.entries, all.head], [7, yield* audit.head(null)])
      const anns = yield* verified(ann)
      assert.deepStrictEqual([anns.entries, anns.head], [3, yield* audit.head(ann)])
      assert.deepStrictEqual([anns.from, anns.to], ["1970-01-01T00:01:00.000Z", "1970-01-01T00:07:00.000Z"])
    }).pipe(Effect.provide(store))
  )

  it.effect("is exported to its last entry, also when that fills its page", () =>
    Effect.gen(function* () {
      yield* (yield* Database).write(appended(1_000))
      assert.strictEqual((yield* verified(null)).entries, 1_000)
      assert.strictEqual((yield* verified(bob)).entries, 333)
      assert.strictEqual((yield* checkTrail(yield* Audit)).entries, 1_000)
      assert.strictEqual((yield* checkTrail(yield* Audit, 600)).entries, 600)
    }).pipe(Effect.provide(store))
  )

  it.effect("keeps the fields of an entry in the order that the documentation tells", () =>
    Effect.gen(function* () {
      yield* filled(1)
      const [row] = yield* (yield* Audit).after(0, 1)
      assert.strictEqual(
        row?.entry,
        '{"at":"1970-01-01T00:01:00.000Z","user":"local_ann","by":{"via":"service","credentialId":null},"action":"haltChanged",' +
          '"objectId":null,"requestId":null,"address":null,"result":"done","before":null,"after":null,"detail":{}}'
      )
    }).pipe(Effect.provide(store))
  )

  it.effect("takes no change, no deletion and no replacement", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* filled(3)
      const refused = (statement: string) =>
        Effect.map(Effect.flip(sql.unsafe(statement)), ({ cause }) => String(cause))
      assert.include(yield* refused("UPDATE audit SET entry = '{}' WHERE seq = 2"), "never changed")
      assert.include(yield* refused("DELETE FROM audit WHERE seq = 3"), "never deleted")
      const columns = "seq, user_id, user_seq, at, action, object_id, entry, user_hash, hash"
      const again = `INSERT OR REPLACE INTO audit (${columns}) SELECT ${columns} FROM audit WHERE seq = 3`
      assert.include(yield* refused(again), "only appended")
      assert.deepStrictEqual((yield* checkTrail(yield* Audit)).breaks, [])
    }).pipe(Effect.provide(store))
  )

  it.effect("goes with the change it tells of: both commit or neither", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const database = yield* Database
      yield* filled(1)
      const undone = database.write(Effect.zipRight(audit.append(halted(ann)), Effect.fail("undone")))
      assert.strictEqual(yield* Effect.flip(undone), "undone")
      assert.strictEqual((yield* audit.head(null)).seq, 1)
      yield* database.write(Effect.zipRight(audit.append(halted(ann)), audit.append(halted(ann))))
      assert.deepStrictEqual([(yield* audit.head(null)).seq, (yield* audit.head(ann)).seq], [3, 3])
      assert.deepStrictEqual((yield* checkTrail(audit)).breaks, [])
    }).pipe(Effect.provide(store))
  )

  it.scopedLive("stays one chain when several processes append at once", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const append = (user: UserId) =>
        Effect.flatMap(Audit, (audit) => Effect.repeatN(audit.append(halted(user)), 19)).pipe(
          Effect.provide(storeAt(folder))
        )
      yield* Effect.void.pipe(Effect.provide(storeAt(folder)))
      yield* Effect.all([append(ann), append(bob), append(ann)], { concurrency: "unbounded" })
      const { breaks, entries } = yield* Effect.flatMap(Audit, checkTrail).pipe(Effect.provide(storeAt(folder)))
      assert.deepStrictEqual([entries, breaks], [60, []])
    })
  )

  it.effect("tells who acted, and by which request", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const by = { via: "apiKey", credentialId: "0123456789abcdef" } as const
      const request = actingAs(() => ({ by, requestId: "r-1", address: "203.0.113.7" }))
      yield* request(audit.append(halted(ann)))
      yield* request(actingAsWebhook(audit.append(halted(ann))))
      yield* request(audit.append({ ...halted(ann), acting: byRule("rule_1") }))
      yield* request(actingAs(() => operator)(audit.append(halted(ann))))
      yield* audit.append(halted(ann))
      const { items: found } = yield* audit.list(ann, { limit: 10 })
      assert.deepStrictEqual(
        found.map((entry) => [entry.seq, entry.by.via, entry.by.credentialId, entry.requestId, entry.address]),
        [
          [5, "service", null, null, null],
          [4, "operator", null, null, null],
          [3, "rule", "rule_1", null, null],
          [2, "webhook", null, "r-1", "203.0.113.7"],
          [1, "apiKey", by.credentialId, "r-1", "203.0.113.7"]
        ]
      )
    }).pipe(Effect.provide(store))
  )

  it.effect("shows a user their own, newest first, by action and time", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* filled(12)
      const list = (query: Partial<AuditQuery>) =>
        Effect.map(audit.list(ann, { limit: 10, ...query }), ({ items }) => items.map(({ seq }) => seq))
      assert.deepStrictEqual(yield* list({}), [4, 3, 2, 1])
      assert.deepStrictEqual(yield* list({ cursor: "3" }), [2, 1])
      assert.strictEqual((yield* audit.list(ann, { limit: 3 })).nextCursor, "2")
      assert.strictEqual((yield* audit.list(ann, { limit: 4 })).nextCursor, null)
      assert.strictEqual((yield* Effect.flip(audit.list(ann, { limit: 4, cursor: "x" })))._tag, "VALIDATION_FAILED")
      assert.deepStrictEqual(yield* list({ action: "limitsChanged" }), [4, 2])
      assert.deepStrictEqual(yield* list({ action: "orderDecided" }), [])
      const minute = (n: number) => n * 60_000
      assert.deepStrictEqual(yield* list({ from: minute(4) }), [4, 3, 2])
      assert.deepStrictEqual(yield* list({ from: minute(4), to: minute(7) }), [2])
      assert.isTrue((yield* audit.list(ann, { limit: 10 })).items.every(({ user }) => user === ann))
    }).pipe(Effect.provide(store))
  )

  it.effect("shows at which entry the stored trail was changed, shortened in the middle or rearranged", () =>
    Effect.gen(function* () {
      yield* filled(9)
      assert.deepStrictEqual(yield* tampered("SELECT 1"), [])
      assert.match(
        (yield* tampered("UPDATE audit SET entry = replace(entry, 'done', 'Done') WHERE seq = 4")).join(),
        /^4 its text or the one before was changed: the hash does not fit$/
      )
    }).pipe(Effect.provide(store))
  )

  it.effect("shows an entry that is missing", () =>
    Effect.gen(function* () {
      yield* filled(9)
      const [first, ...others] = yield* tampered("DELETE FROM audit WHERE seq = 4")
      assert.match(first ?? "", /^5 it is number 5 where 4 follows/)
      // The user's chain has the same hole, at the user's next entry.
      assert.match(others.join(), /^7 in the chain of local_ann it is number 3 where 2 follows/)
    }).pipe(Effect.provide(store))
  )

  it.effect("shows an entry that was hidden from its user, or filed under another action", () =>
    Effect.gen(function* () {
      yield* filled(9)
      assert.match(
        (yield* tampered("UPDATE audit SET user_id = 'local_carl' WHERE seq = 4")).join(),
        /4 .*in the chain of local_carl|^4 /
      )
      assert.match(
        (yield* tampered("UPDATE audit SET action = 'keyCreated' WHERE seq = 3")).join(),
        /(^|,)3 it is stored under/
      )
      assert.match((yield* tampered("UPDATE audit SET at = 5 WHERE seq = 6")).join(), /(^|,)6 it is stored under/)
    }).pipe(Effect.provide(store))
  )
})
