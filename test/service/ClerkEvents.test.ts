import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Option, Redacted } from "effect"
import { ClerkWebhooks, type WebhookHeaders } from "../../src/accounts/clerk/ClerkWebhooks.ts"
import { EndedSessions } from "../../src/accounts/clerk/EndedSessions.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { Halts } from "../../src/orders/limits/Halts.ts"
import { ClerkEvents } from "../../src/service/ClerkEvents.ts"
import { UserStates } from "../../src/service/UserStates.ts"
import { Audit } from "../../src/store/Audit.ts"
import { Events } from "../../src/store/Events.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { signedWebhook } from "../kit/Clerk.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"

const secret = `whsec_${Buffer.from("a signing secret of thirty-two b").toString("base64")}`
const other = `whsec_${Buffer.from("b signing secret of thirty-two b").toString("base64")}`

const app = ClerkEvents.layer.pipe(
  Layer.provideMerge(UserStates.layer),
  Layer.provideMerge(Layer.mergeAll(Halts.layer, UsersRepo.layer, EndedSessions.layer)),
  Layer.provide(Events.layer),
  Layer.provide(ClerkWebhooks.layer(Redacted.make(secret))),
  Layer.provide(MarketClock.layer),
  Layer.provideMerge(Audit.layer),
  Layer.provideMerge(TestDatabase.layer),
  Layer.provide(Logger.minimumLogLevel(LogLevel.None))
)

const ann = UserId.make("user_ann")
const now = Date.now()

const webhook = (event: object, more: { readonly id?: string; readonly at?: number; readonly key?: string } = {}) =>
  signedWebhook(
    more.key ?? secret,
    more.id ?? `msg_${JSON.stringify(event).length}`,
    { timestamp: now, ...event },
    more.at
  )
type Webhook = ReturnType<typeof webhook>

const receive = ({ body, headers }: Webhook) => Effect.flatMap(ClerkEvents, (events) => events.receive(headers, body))
const find = Effect.flatMap(UsersRepo, (users) => Effect.map(users.find(ann), Option.getOrNull))
const known = Effect.flatMap(UsersRepo, (users) => users.ensure(ann))
const haltOf = Effect.flatMap(Halts, (halts) => Effect.map(halts.state(ann), ({ by, scope }) => `${by} ${scope}`))

const deleted = { type: "user.deleted", data: { id: ann, deleted: true, object: "user" } }
const updated = (more: object, timestamp: number) => ({
  type: "user.updated",
  timestamp,
  data: { id: ann, object: "user", banned: false, locked: false, ...more }
})

describe("a webhook of Clerk", () => {
  const changed = (hook: Webhook, headers: Partial<WebhookHeaders>) => ({
    ...hook,
    headers: { ...hook.headers, ...headers }
  })
  const good = webhook(deleted)

  for (const [what, hook] of [
    ["without an id", changed(good, { id: "" })],
    ["without a time", changed(good, { timestamp: "" })],
    ["without a signature", changed(good, { signature: "" })],
    ["with another secret", webhook(deleted, { key: other })],
    ["six minutes old", webhook(deleted, { at: now - 360_000 })],
    ["six minutes early", webhook(deleted, { at: now + 360_000 })],
    ["with another body", { ...good, body: good.body.replace("user_ann", "user_bob") }],
    ["written anew", { ...good, body: JSON.stringify(JSON.parse(good.body), null, 1) }],
    ["with another id", changed(good, { id: "msg_other" })],
    ["with an asymmetric signature alone", changed(good, { signature: good.headers.signature.replace("v1,", "v1a,") })],
    ["of a user nobody can read", webhook({ ...deleted, data: { id: 7 } })]
  ] as const)
    it.live(`W01: ${what} is none, and has no effect`, () =>
      Effect.gen(function* () {
        yield* known
        assert.strictEqual((yield* Effect.flip(receive(hook)))._tag, "WEBHOOK_INVALID")
        assert.isNull((yield* find)?.disabledAt)
      }).pipe(Effect.provide(app))
    )

  it.live("counts with one of several signatures, as while its secret is replaced", () =>
    Effect.gen(function* () {
      yield* known
      const signature = `${webhook(deleted, { key: other }).headers.signature} ${good.headers.signature}`
      yield* receive(changed(good, { signature }))
      assert.isNotNull((yield* find)?.deletedAt)
    }).pipe(Effect.provide(app))
  )

  it.live("W02: repeated a hundred times at once has its effect once", () =>
    Effect.gen(function* () {
      const users = yield* UsersRepo
      const states = yield* UserStates
      yield* known
      const ban = webhook(updated({ banned: true }, now))
      yield* Effect.all(
        Array.from({ length: 100 }, () => receive(ban)),
        { concurrency: "unbounded" }
      )
      assert.isNotNull((yield* find)?.disabledAt)
      // By hand let in again, a repetition of what was told before does not put them out.
      yield* states.enable(ann)
      yield* receive(ban)
      assert.isNull(Option.getOrThrow(yield* users.find(ann)).disabledAt)
    }).pipe(Effect.provide(app))
  )

  it.live("W04: of a user who was deleted changes nothing any more, whatever its time", () =>
    Effect.gen(function* () {
      yield* known
      yield* receive(webhook(deleted, { id: "msg_1" }))
      const before = yield* find
      assert.isNotNull(before?.deletedAt)
      yield* receive(webhook(updated({}, now - 1_000), { id: "msg_2" }))
      yield* receive(webhook(updated({}, now + 1_000), { id: "msg_3" }))
      assert.deepStrictEqual(yield* find, before)
      assert.strictEqual(yield* haltOf, "operator all")
    }).pipe(Effect.provide(app))
  )

  it.live("leaves its entries in the audit trail, as often as it has an effect", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* known
      for (const id of ["msg_1", "msg_2", "msg_3"]) yield* receive(webhook(deleted, { id }))
      const { items } = yield* audit.list(ann, { limit: 10 })
      assert.deepStrictEqual(
        items.map(({ action, by }) => `${action} ${by.via}`),
        ["haltChanged webhook", "userDeleted webhook"]
      )
    }).pipe(Effect.provide(app))
  )

  it.live("keeps out who was deleted before they came here first", () =>
    Effect.gen(function* () {
      yield* receive(webhook(deleted))
      assert.isNotNull((yield* find)?.deletedAt)
      yield* receive(webhook(updated({ banned: true }, now), { id: "msg_2" }))
    }).pipe(Effect.provide(app))
  )

  it.live("puts out who was banned or locked, lets in who is no more, and hears nothing older", () =>
    Effect.gen(function* () {
      yield* known
      yield* receive(webhook(updated({ banned: true }, now), { id: "msg_1" }))
      assert.isNotNull((yield* find)?.disabledAt)
      assert.strictEqual(yield* haltOf, "operator all")
      yield* receive(webhook(updated({}, now - 1), { id: "msg_2" }))
      assert.isNotNull((yield* find)?.disabledAt)
      yield* receive(webhook(updated({}, now + 1), { id: "msg_3" }))
      assert.isNull((yield* find)?.disabledAt)
      assert.strictEqual(yield* haltOf, "null null")
      yield* receive(webhook(updated({ locked: true }, now + 2), { id: "msg_4" }))
      assert.isNotNull((yield* find)?.disabledAt)
    }).pipe(Effect.provide(app))
  )

  it.live("never lets in whom the operator put out, whatever changes at Clerk", () =>
    Effect.gen(function* () {
      const states = yield* UserStates
      yield* known
      yield* states.disable(ann)
      // As when the person changes a picture of themselves, which everybody can.
      yield* receive(webhook(updated({}, now), { id: "msg_1" }))
      yield* receive(webhook(updated({ locked: true }, now + 1), { id: "msg_2" }))
      yield* receive(webhook(updated({}, now + 2), { id: "msg_3" }))
      assert.strictEqual((yield* find)?.disabledBy, "operator")
      assert.strictEqual(yield* haltOf, "operator all")
    }).pipe(Effect.provide(app))
  )

  it.live("ends a session, and is ignored when it concerns nobody here", () =>
    Effect.gen(function* () {
      const sessions = yield* EndedSessions
      yield* receive(webhook({ type: "session.revoked", data: { id: "sess_1", user_id: ann } }, { id: "msg_1" }))
      assert.deepStrictEqual([yield* sessions.has("sess_1"), yield* sessions.has("sess_2")], [true, false])
      yield* receive(webhook({ type: "session.removed", data: { id: "sess_3" } }, { id: "msg_4" }))
      yield* receive(webhook({ type: "session.ended", data: { id: "sess_4", user_id: 7 } }, { id: "msg_5" }))
      assert.deepStrictEqual([yield* sessions.has("sess_3"), yield* sessions.has("sess_4")], [true, true])
      yield* receive(webhook({ type: "organization.created", data: { id: "org_1" } }, { id: "msg_2" }))
      yield* receive(webhook(updated({ banned: true }, now), { id: "msg_3" }))
      assert.isNull(yield* find)
    }).pipe(Effect.provide(app))
  )

  it.live("tells of the end of a session that was seen here, once, and of no other", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const entry = { user: ann, objectId: "sess_1" }
      yield* audit.append({ action: "sessionBegun", ...entry })
      const over = (type: string, id: string, user: string) =>
        receive(webhook({ type: `session.${type}`, data: { id, user_id: user } }, { id: `msg_${type}_${id}` }))
      yield* over("revoked", "sess_2", ann)
      yield* over("revoked", "sess_1", "user_bob")
      yield* over("revoked", "sess_1", ann)
      yield* over("removed", "sess_1", ann)
      const { items } = yield* audit.list(ann, { action: "sessionEnded", limit: 10 })
      assert.deepStrictEqual(
        items.map(({ by, detail, objectId }) => [by.via, objectId, detail]),
        [["webhook", "sess_1", { how: "revoked" }]]
      )
    }).pipe(Effect.provide(app))
  )
})
