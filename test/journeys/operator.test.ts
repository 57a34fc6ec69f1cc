import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { temporaryFolder } from "../kit/Process.ts"
import { createKey, paperExchange, service } from "../kit/Service.ts"

const Refused = Schema.Struct({ error: Schema.Struct({ code: Schema.String }) })

/** `200`, or such as `423 TRADING_HALTED`. */
const outcome = (status: number, body: unknown) =>
  Schema.is(Refused)(body) ? `${status} ${body.error.code}` : String(status)

const started = Effect.gen(function* () {
  const paper = yield* paperExchange
  yield* paper.price("BTCUSDT", "50000")
  const { command, url } = yield* service(yield* temporaryFolder, paper)
  const ask = (token: Redacted.Redacted, method: string, path: string, body: object, key = "") =>
    Effect.promise(async () => {
      const response = await fetch(`${url}/api/v1/trading/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${Redacted.value(token)}`,
          "content-type": "application/json",
          ...(key === "" ? {} : { "idempotency-key": key })
        },
        body: JSON.stringify(body)
      })
      return outcome(response.status, await response.json())
    })
  let bought = 0
  const buy = (token: Redacted.Redacted, quoteAmount = "50") => {
    const order = { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount }
    return ask(token, "POST", "orders", order, `operator-order-${++bought}`)
  }
  const halt = (token: Redacted.Redacted, body: object) => ask(token, "PUT", "halt", body)
  const ok = (...args: ReadonlyArray<string>) =>
    Effect.map(command(...args), ({ code, stderr, stdout }) => {
      assert.strictEqual(code, 0, stderr)
      return stdout
    })
  return { command, ok, buy, halt }
})

describe("An operator beside a running server", () => {
  it.scopedLive(
    "halts one user or everybody and releases them, and what is bought next meets it",
    () =>
      Effect.gen(function* () {
        const { buy, command, ok } = yield* started
        const me = yield* createKey(command)
        const you = yield* createKey(command, "you")
        assert.strictEqual(yield* buy(me), "201")

        assert.match(yield* ok("halt", "on", "--user", "me", "--reason", "a look"), /^halted me \(entries\)\n$/)
        assert.strictEqual(yield* buy(me), "423 TRADING_HALTED")
        assert.strictEqual(yield* buy(you), "201")
        assert.match(yield* ok("halt", "off", "--user", "me"), /^released me\n$/)
        assert.strictEqual(yield* buy(me), "201")

        assert.match(yield* ok("halt", "on", "--all", "--scope", "all"), /^halted everybody \(all\)\n$/)
        assert.deepStrictEqual([yield* buy(me), yield* buy(you)], ["423 TRADING_HALTED", "423 TRADING_HALTED"])
        yield* ok("halt", "off", "--all")
        assert.strictEqual(yield* buy(you), "201")

        for (const whom of [[], ["--user", "me", "--all"]]) {
          const { code, stderr } = yield* command("halt", "on", ...whom)
          assert.strictEqual(code, 2)
          assert.match(stderr, /^dipper: expected either --user NAME or --all\n$/)
        }
        const nobody = yield* command("halt", "on", "--user", "nobody")
        assert.strictEqual(nobody.code, 1)
        assert.match(nobody.stderr, /no user nobody/)
      }),
    60_000
  )

  it.scopedLive(
    "sets limits that the next order meets, and leaves those that are not named",
    () =>
      Effect.gen(function* () {
        const { buy, command, ok } = yield* started
        const me = yield* createKey(command)
        yield* ok("limits", "set", "--user", "me", "--per-day", "100", "--asset", "BTC", "--max-share", "0.5")
        assert.strictEqual(yield* buy(me), "201")
        assert.strictEqual(yield* buy(me, "60"), "422 BUDGET_EXCEEDED")
        const all = yield* ok("limits", "set", "--user", "me", "--per-day", "none", "--max-open-orders", "20")
        assert.include(all, '"perDay":null')
        assert.include(all, '"maxOpenOrders":20')
        assert.include(all, '"maxShare":"0.5"')
        assert.strictEqual(yield* buy(me, "60"), "201")
      }),
    60_000
  )
})

it.scopedLive(
  "a key that may trade halts, but only one that may manage releases or narrows the halt",
  () =>
    Effect.gen(function* () {
      const { buy, command, halt } = yield* started
      const trade = yield* createKey(command, "me", "read,trade")
      const manage = yield* createKey(command, "me", "read,trade,manage")
      const read = yield* createKey(command, "me", "read")
      assert.strictEqual(yield* halt(read, { halted: true }), "403 FORBIDDEN")
      assert.strictEqual(yield* halt(trade, { halted: true, scope: "all" }), "200")
      assert.strictEqual(yield* buy(trade), "423 TRADING_HALTED")
      assert.strictEqual(yield* halt(trade, { halted: true, scope: "entries" }), "403 FORBIDDEN")
      assert.strictEqual(yield* halt(trade, { halted: false }), "403 FORBIDDEN")
      assert.strictEqual(yield* buy(manage), "423 TRADING_HALTED")
      assert.strictEqual(yield* halt(manage, { halted: false }), "200")
      assert.strictEqual(yield* buy(trade), "201")
    }),
  60_000
)
