import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { StepUp } from "../../src/accounts/StepUp.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { type Exchange, unknownExchange } from "../../src/http/gate/Gate.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { RefusedCredentials } from "../../src/http/RefusedCredentials.ts"
import { Forbidden, NotFound, ReverificationRequired, Unauthenticated, WebhookInvalid } from "../../src/api/Errors.ts"
import { type Acting, whoActs } from "../../src/store/audit/acting.ts"
import { Audit, type Audited } from "../../src/store/Audit.ts"
import { checkTrail } from "../../src/store/AuditCheck.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { ask, bearer, serve } from "./kit/server.ts"

const store = RefusedCredentials.layer.pipe(Layer.provideMerge(Audit.layer), Layer.provideMerge(TestDatabase.layer))

const from = (address: string): Effect.Effect<Exchange> =>
  Effect.map(Effect.clock, (clock) => ({ ...unknownExchange, address, startedAt: clock.unsafeCurrentTimeMillis() }))

const refuse = (address: string, times: number) =>
  Effect.gen(function* () {
    const { note } = yield* RefusedCredentials
    const x = yield* from(address)
    for (let n = 0; n < times; n++) yield* note(x, { code: "UNAUTHENTICATED", claimed: "0123456789abcdef" })
  })

const details = Effect.gen(function* () {
  const audit = yield* Audit
  assert.deepStrictEqual((yield* checkTrail(audit)).breaks, [])
  return (yield* audit.ofInstallation("authenticationFailed", 1_000)).map(({ detail }) => detail).toReversed()
})

describe("Refused credentials in the audit trail", () => {
  it.effect("are all there up to ten a minute and address, then counted", () =>
    Effect.gen(function* () {
      yield* refuse("203.0.113.7", 50)
      yield* refuse("203.0.113.8", 2)
      assert.strictEqual((yield* details).length, 12)
      yield* TestClock.adjust("59 seconds")
      yield* refuse("203.0.113.7", 1)
      assert.strictEqual((yield* details).length, 12)
      yield* TestClock.adjust("2 seconds")
      yield* refuse("203.0.113.7", 1)
      const counted = (yield* details).map((detail) => Number(detail["leftOut"] ?? 0))
      assert.strictEqual(
        counted.reduce((sum, count) => sum + count, 0),
        41
      )
    }).pipe(Effect.provide(store))
  )

  it.effect("are counted when the address does not come again", () =>
    Effect.gen(function* () {
      yield* refuse("203.0.113.7", 500)
      yield* TestClock.adjust("3 minutes")
      const found = yield* details
      assert.deepStrictEqual([found.length, found.at(-1)], [11, { leftOut: "490" }])
    }).pipe(Effect.provide(store))
  )

  it.effect("write no more than three hundred a minute, from however many addresses", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 400; n++) yield* refuse(`address ${n}`, 1)
      assert.strictEqual((yield* details).length, 300)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual((yield* details).at(-1), { leftOut: "100" })
    }).pipe(Effect.provide(store))
  )

  it.live("come from every door, with the address and the request, and never with the credential", () =>
    Effect.gen(function* () {
      const told: Array<Audited & { readonly address: string | null; readonly requestId: string | null }> = []
      const append = (audited: Audited) =>
        Effect.map(whoActs, ({ address, requestId }) => void told.push({ ...audited, address, requestId }))
      const key = "bk_0123456789abcdef_0123456789012345678901234567890123456789012"
      yield* Effect.gen(function* () {
        const { url } = yield* HttpServer
        const headers = { "x-request-id": "the-request" }
        yield* ask(`${url}/api/v1/account`, { headers: { ...headers, ...bearer(key) } })
        yield* ask(`${url}/api/v1/account`, { headers: { ...headers, ...bearer("ann:read:192.0.2.1") } })
        yield* ask(`${url}/api/v1/account/events?ticket=secret`, {
          headers: { ...headers, accept: "text/event-stream" }
        })
        yield* ask(`${url}/api/v1/account/webhooks/clerk`, {
          method: "POST",
          headers: {
            ...headers,
            "content-type": "application/json",
            "svix-id": "msg_1",
            "svix-timestamp": "1764324000",
            "svix-signature": "v1,secret"
          },
          body: "{}"
        })
        yield* ask(`${url}/api/v1/trading/signals/rule_01hzy3v7k2m4n6p8q0r2s4t6w8`, {
          method: "POST",
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify({ id: "alert-2026-03-01-0900", at: "2026-03-01T09:00:00.000Z", token: "sig_secret" })
        })
      }).pipe(
        Effect.provide(
          serve({
            audit: { append },
            clerk: { receive: () => Effect.fail(new WebhookInvalid({ message: "no" })) },
            signals: { receive: () => Effect.fail(new Unauthenticated({ message: "no" })) }
          })
        )
      )
      assert.deepStrictEqual(
        told.map(({ detail, objectId, user }) => [detail?.["code"], user, objectId]),
        [
          ["UNAUTHENTICATED", null, null],
          ["FORBIDDEN", UserId.make("local_ann"), "key-of-ann"],
          ["UNAUTHENTICATED", null, null],
          ["WEBHOOK_INVALID", null, null],
          ["UNAUTHENTICATED", null, "rule_01hzy3v7k2m4n6p8q0r2s4t6w8"]
        ]
      )
      for (const entry of told) {
        assert.deepInclude(entry, { action: "authenticationFailed", result: "refused", requestId: "the-request" })
        assert.match(entry.address ?? "", /127\.0\.0\.1$/)
        assert.notMatch(JSON.stringify(entry), /secret|bk_|sig_/)
      }
    })
  )
})

const ann = UserId.make("local_ann")
const bob = UserId.make("local_bob")
const ofUser = (user: UserId) =>
  Effect.flatMap(Audit, (audit) =>
    Effect.map(audit.list(user, { action: "accessRefused", limit: 500 }), ({ items }) => items.toReversed())
  )

describe("Good credentials that were not enough", () => {
  it.effect("are ten a minute of one user, and the others are counted in the next", () =>
    Effect.gen(function* () {
      const { noteAccess } = yield* RefusedCredentials
      const lack = (userId: UserId, address: string) =>
        Effect.flatMap(from(address), (x) => noteAccess(x, { code: "FORBIDDEN", userId, missing: "the scope" }))
      for (let n = 0; n < 50; n++) yield* lack(ann, `address ${n}`)
      yield* lack(bob, "address 1")
      assert.deepStrictEqual([(yield* ofUser(ann)).length, (yield* ofUser(bob)).length], [10, 1])
      yield* TestClock.adjust("61 seconds")
      yield* lack(bob, "address 1")
      yield* TestClock.adjust("2 minutes")
      const audit = yield* Audit
      assert.deepStrictEqual((yield* checkTrail(audit)).breaks, [])
      assert.deepStrictEqual(
        (yield* audit.ofInstallation("accessRefused", 10)).map(({ detail }) => detail),
        [{ leftOut: "40" }]
      )
    }).pipe(Effect.provide(store))
  )

  const refusals = (more: Omit<Parameters<typeof serve>[0], "audit">, token: string) =>
    Effect.gen(function* () {
      const told: Array<Audited & Acting> = []
      const append = (audited: Audited) => Effect.map(whoActs, (acting) => void told.push({ ...audited, ...acting }))
      yield* Effect.gen(function* () {
        const { url } = yield* HttpServer
        const headers = { ...bearer(token), "content-type": "application/json" }
        yield* ask(`${url}/api/v1/account`, { headers })
        yield* ask(`${url}/api/v1/trading/orders?all=true`, { method: "DELETE", headers })
        yield* ask(`${url}/api/v1/account/keys`, { method: "POST", headers, body: `{"scopes":["read"]}` })
        yield* ask(`${url}/api/v1/trading/halt`, { method: "PUT", headers, body: `{"halted":false}` })
      }).pipe(Effect.provide(serve({ ...more, audit: { append } })))
      for (const { action, address, requestId, result, user } of told) {
        assert.deepStrictEqual([action, result, user], ["accessRefused", "refused", ann])
        assert.isTrue(address !== null && requestId !== null)
      }
      return told.map(({ by, detail }) => [
        by.credentialId,
        detail?.["code"],
        detail?.["operation"],
        detail?.["missing"]
      ])
    })
  const noAccount = { accounts: { get: () => Effect.fail(new NotFound({ message: "no" })) } }

  it.live("are told with what they asked for and what they lacked, whoever refused", () =>
    Effect.gen(function* () {
      const halting = {
        change: () => Effect.fail(new Forbidden({ message: 'Releasing a halt needs a key with the scope "manage".' }))
      }
      assert.deepStrictEqual(yield* refusals({ ...noAccount, halting }, "ann:read"), [
        ["key-of-ann", "FORBIDDEN", "cancelOrders", 'This needs a key with the scope "trade".'],
        ["key-of-ann", "FORBIDDEN", "createKey", 'This needs a key with the scope "manage".'],
        ["key-of-ann", "FORBIDDEN", "setHalt", 'This needs a key with the scope "trade".']
      ])
      const orders = { cancelOpen: () => Effect.succeed({ items: [], failed: [] }) }
      const stepUp = Layer.succeed(StepUp, {
        assert: () => Effect.fail(new ReverificationRequired({ message: "Prove again who you are." }))
      })
      assert.deepStrictEqual(yield* refusals({ ...noAccount, halting, orders, stepUp }, "ann:read+trade+manage"), [
        ["key-of-ann", "REVERIFICATION_REQUIRED", "createKey", "Prove again who you are."],
        ["key-of-ann", "FORBIDDEN", "setHalt", 'Releasing a halt needs a key with the scope "manage".']
      ])
      // As one that came a moment ago, past the fast door.
      assert.strictEqual((yield* refusals({ ...noAccount, halting, remembers: true }, "ann:read")).length, 3)
    })
  )
})
