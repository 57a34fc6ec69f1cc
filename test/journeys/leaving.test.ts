import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { claims, header, jwkOf, keys, kid, party, sign } from "../accounts/clerk/tokens.ts"
import { localClerk, signedWebhook } from "../kit/Clerk.ts"
import { temporaryFolder } from "../kit/Process.ts"
import {
  buyBelow50000 as dip,
  client,
  createKey,
  eventually,
  type PaperProcess,
  paperExchange,
  service
} from "../kit/Service.ts"

const symbol = SymbolName.make("BTCUSDT")
/** An order far below the market, which waits. */
const waiting = {
  symbol,
  side: "buy",
  type: "limit",
  price: Decimal.unsafe("55000"),
  quantity: Decimal.unsafe("0.001"),
  waitMs: 0
} as const

type Api = Effect.Effect.Success<ReturnType<typeof client>>

const begin = (api: Api) =>
  Effect.gen(function* () {
    const rule = yield* api.trading.createRule({ payload: dip, headers: { "idempotency-key": "leaving-rule-0001" } })
    yield* api.trading.placeOrder({ payload: waiting, headers: { "idempotency-key": "leaving-order-001" } })
    return rule.id
  })

const cancelledAtExchange = (paper: PaperProcess) =>
  eventually("the order's end", paper.journal, (facts) => facts.some((fact) => fact["_tag"] === "orderClosed"))

describe("A user who leaves", () => {
  it.scopedLive(
    "is shut out at once; rules stop, orders are cancelled, and the exchange key is destroyed, after a crash as well",
    () =>
      Effect.gen(function* () {
        const paper = yield* paperExchange
        yield* paper.price("BTCUSDT", "60000")
        const folder = yield* temporaryFolder
        const first = yield* service(folder, paper)
        const token = yield* createKey(first.command)
        const api = yield* client(first.url, token)
        yield* begin(api)
        assert.deepStrictEqual(yield* api.account.deleteAccount(), { removed: true })
        yield* first.process.stop("SIGKILL")

        const second = yield* service(folder, paper)
        const again = yield* client(second.url, token)
        assert.strictEqual((yield* Effect.flip(again.account.getAccount()))._tag, "UNAUTHENTICATED")
        const another = yield* second.command("keys", "create", "--user", "me")
        assert.deepStrictEqual([another.code, another.stdout], [1, ""])
        assert.include(another.stderr, "This user was deleted")

        yield* cancelledAtExchange(paper)
        yield* eventually("the exchange key", second.command("credentials", "test", "--user", "me"), ({ stderr }) =>
          stderr.includes("No exchange key is stored")
        )
        const listed = yield* second.command("users", "list")
        assert.match(listed.stdout, /local_me {2}deleted/)
        yield* paper.price("BTCUSDT", "49000")
        const orders = (yield* paper.journal).filter((fact) => fact["_tag"] === "orderAccepted")
        assert.strictEqual(orders.length, 1)
        assert.isFalse((yield* paper.journal).some((fact) => fact["_tag"] === "filled"))
      }),
    90_000
  )

  it.scopedLive(
    "on the command line is disabled, comes back with paused rules, and is deleted only when named twice",
    () =>
      Effect.gen(function* () {
        const paper = yield* paperExchange
        yield* paper.price("BTCUSDT", "60000")
        const { command, url } = yield* service(yield* temporaryFolder, paper)
        const api = yield* client(url, yield* createKey(command))
        const id = yield* begin(api)
        assert.strictEqual((yield* command("users", "disable", "--user", "me")).stdout, "disabled me\n")
        yield* eventually("the refusal", Effect.either(api.account.getAccount()), ({ _tag }) => _tag === "Left")
        yield* cancelledAtExchange(paper)
        yield* command("users", "enable", "--user", "me")
        const rule = yield* eventually(
          "the paused rule",
          api.trading.getRule({ path: { id } }),
          ({ state }) => state === "paused"
        )
        assert.strictEqual(rule.pauseReason?.code, "USER_DISABLED")
        assert.isFalse((yield* api.trading.getHalt()).halted)
        assert.strictEqual((yield* api.trading.resumeRule({ path: { id } })).state, "active")

        const slip = yield* command("users", "delete", "--user", "me", "--confirm", "em")
        assert.strictEqual(slip.code, 2)
        assert.match(slip.stderr, /--confirm: expected the name of the user again/)
        assert.strictEqual((yield* command("users", "delete", "--user", "me", "--confirm", "me")).code, 0)
        const back = yield* command("users", "enable", "--user", "me")
        assert.strictEqual(back.code, 1)
        assert.include(back.stderr, "for good")
      }),
    90_000
  )

  it.scopedLive(
    "at Clerk is shut out here: a session that ended, a person who was deleted",
    () =>
      Effect.gen(function* () {
        const clerk = yield* localClerk
        clerk.state.keys = [jwkOf(keys.publicKey, kid)]
        const secret = `whsec_${Buffer.from("a signing secret of thirty-two b").toString("base64")}`
        const paper = yield* paperExchange
        yield* paper.price("BTCUSDT", "60000")
        const { url } = yield* service(yield* temporaryFolder, paper, {
          AUTH_MODE: "clerk",
          CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
          CLERK_AUTHORIZED_PARTIES: party,
          CLERK_WEBHOOK_SECRET: secret
        })
        const signedIn = (sid: string) =>
          client(url, Redacted.make(sign(header(), claims({ sub: "user_ann", sid, iss: clerk.issuer }))))
        const tell = (id: string, event: object) =>
          Effect.promise(async () => {
            const { body, headers: signed } = signedWebhook(secret, id, event)
            const headers = {
              "content-type": "application/json",
              "svix-id": signed.id,
              "svix-timestamp": signed.timestamp,
              "svix-signature": signed.signature
            }
            return fetch(`${url}/api/v1/account/webhooks/clerk`, { method: "POST", headers, body })
          })

        const [laptop, phone] = [yield* signedIn("sess_laptop"), yield* signedIn("sess_phone")]
        yield* begin(laptop)
        yield* phone.account.getAccount()
        assert.strictEqual((yield* tell("msg_1", { type: "session.revoked", data: { id: "sess_phone" } })).status, 200)
        yield* eventually("the end of the session", Effect.either(phone.account.getAccount()), (answer) =>
          answer._tag === "Left" ? answer.left._tag === "UNAUTHENTICATED" : false
        )
        yield* laptop.account.getAccount()

        const gone = { type: "user.deleted", data: { id: "user_ann", deleted: true } }
        assert.strictEqual((yield* tell("msg_2", gone)).status, 200)
        assert.strictEqual((yield* tell("msg_2", gone)).status, 200)
        yield* eventually("the end of the person", Effect.either(laptop.account.getAccount()), (answer) =>
          answer._tag === "Left" ? answer.left._tag === "USER_DISABLED" : false
        )
        yield* cancelledAtExchange(paper)
        const forged = yield* Effect.promise(() =>
          fetch(`${url}/api/v1/account/webhooks/clerk`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(gone)
          })
        )
        assert.strictEqual(forged.status, 400)
      }),
    90_000
  )
})
