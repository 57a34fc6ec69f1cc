import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { claims, header, jwkOf, keys, kid, party, sign } from "../accounts/clerk/tokens.ts"
import { localClerk } from "../kit/Clerk.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { buyBelow50000 as dip, client, createKey, eventually, paperExchange, service } from "../kit/Service.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")

const Failure = Schema.Struct({ success: Schema.Literal(false), error: Schema.Struct({ code: Schema.String }) })

/** What a bare request is answered with that must not get through. */
const refusal = (url: string, authorization?: string) =>
  Effect.promise(() => fetch(url, authorization === undefined ? {} : { headers: { authorization } })).pipe(
    Effect.flatMap((response) =>
      Effect.map(
        Effect.flatMap(
          Effect.promise(() => response.json()),
          Schema.decodeUnknown(Failure)
        ),
        ({ error }) => `${response.status} ${error.code} ${response.headers.get("www-authenticate") ?? ""}`.trim()
      )
    )
  )

it.scopedLive(
  "people who are signed in with Clerk trade, each in an account of their own, and are let out while Clerk is away",
  () =>
    Effect.gen(function* () {
      const clerk = yield* localClerk
      clerk.state.keys = [jwkOf(keys.publicKey, kid)]
      const tokenOf = (sub: string, more: object = {}) =>
        Redacted.make(
          sign(header(), claims({ sub, sid: `sess_${sub}`.replace("user_", ""), iss: clerk.issuer, ...more }))
        )

      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, url } = yield* service(yield* temporaryFolder, paper, {
        AUTH_MODE: "clerk",
        CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
        CLERK_AUTHORIZED_PARTIES: `https://other.bot.test,${party}`,
        CLERK_SECRET_KEY: clerk.state.secretKey
      })
      const ann = yield* client(url, tokenOf("user_ann"))
      const bob = yield* client(url, tokenOf("user_bob"))

      const wallet = `${url}/api/v1/account/wallet`
      const challenge = `Bearer error="invalid_token"`
      assert.strictEqual(yield* refusal(wallet), `401 UNAUTHENTICATED ${challenge}`)
      const elsewhere = Redacted.value(tokenOf("user_ann", { azp: "https://evil.test" }))
      assert.strictEqual(yield* refusal(wallet, `Bearer ${elsewhere}`), `401 UNAUTHENTICATED ${challenge}`)
      const now = Math.floor(Date.now() / 1_000)
      const old = Redacted.value(tokenOf("user_ann", { iat: now - 120, exp: now - 60 }))
      assert.strictEqual(yield* refusal(wallet, `Bearer ${old}`), `401 TOKEN_EXPIRED ${challenge}`)

      assert.strictEqual((yield* ann.account.getAccount()).userId, "user_ann")
      // Five minutes after the start, so not yet; without its key it would say that it is off.
      const { clerkComparison } = yield* ann.status.getDependencies()
      assert.deepStrictEqual(clerkComparison, { status: "up", detail: null, comparedAt: null })
      const rule = yield* ann.trading.createRule({ payload: dip, headers: { "idempotency-key": "sign-in-rule-0001" } })
      yield* paper.price("BTCUSDT", "49990")
      const { items } = yield* eventually(
        "an execution",
        ann.trading.listExecutions({ urlParams: {} }),
        (page) => page.items[0]?.state === "done"
      )
      assert.deepStrictEqual(
        items.map(({ outcome, ruleId }) => [outcome, ruleId]),
        [["executed", rule.id]]
      )
      assert.isTrue(Decimal.isPositive((yield* ann.trading.getPosition({ path: { symbol } })).quantity))

      assert.strictEqual((yield* Effect.flip(bob.trading.getRule({ path: { id: rule.id } })))._tag, "NOT_FOUND")
      assert.deepStrictEqual((yield* bob.trading.listExecutions({ urlParams: {} })).items, [])

      // Clerk's outage concerns nobody who has a token, and keys of ours need no Clerk.
      clerk.state.failure = "error 500"
      assert.strictEqual((yield* (yield* client(url, tokenOf("user_ann"))).account.getAccount()).userId, "user_ann")
      const robot = yield* client(url, yield* createKey(command, "robot"))
      assert.strictEqual((yield* robot.account.getAccount()).userId, "local_robot")
    }),
  60_000
)
