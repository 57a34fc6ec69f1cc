import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { UserId } from "../../src/domain/Ids.ts"
import { type Exchange, unknownExchange } from "../../src/http/gate/Gate.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { RefusedCredentials } from "../../src/http/RefusedCredentials.ts"
import { Unauthenticated, WebhookInvalid } from "../../src/api/Errors.ts"
import { whoActs } from "../../src/store/audit/acting.ts"
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
