import { assert, describe, it } from "@effect/vitest"
import { createClient } from "@libsql/client"
import { Effect, Fiber, Redacted, Schema } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { AuditEntry } from "../../src/domain/audit/AuditEntry.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { unlimited } from "../../src/domain/Limits.ts"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { buyBelow50000, client, createKey, eventually, paperExchange, ruleRequest, service } from "../kit/Service.ts"

const symbol = SymbolName.make("BTCUSDT")
const key = (name: string) => ({ "idempotency-key": `audit-journey-${name}-01` })

const Line = Schema.parseJson(Schema.Struct({ entry: AuditEntry }))
const entriesOf = (file: string) =>
  file
    .trimEnd()
    .split("\n")
    .slice(1, -1)
    .map((line) => Schema.decodeUnknownSync(Line)(line).entry)

const started = Effect.gen(function* () {
  const paper = yield* paperExchange
  yield* paper.price("BTCUSDT", "60000")
  const folder = yield* temporaryFolder
  const running = yield* service(folder, paper)
  const ok = (...args: ReadonlyArray<string>) =>
    Effect.map(running.command(...args), ({ code, stderr, stdout }) => {
      assert.strictEqual(code, 0, stderr)
      return stdout
    })
  return { ...running, folder, ok, paper }
})

const onSignal = ruleRequest({
  name: "On a signal",
  symbol: "BTCUSDT",
  trigger: { type: "signal" },
  size: { type: "quote", amount: "50" },
  limits: { total: "1000" }
})

const market = (quoteAmount: string) => ({
  symbol,
  side: "buy" as const,
  type: "market" as const,
  quoteAmount: Decimal.unsafe(quoteAmount),
  waitMs: 2_000
})

/** Verifies a file with nothing else around: no database, no settings, no key. */
const verifyAlone = Effect.fnUntraced(function* (text: string, ...options: ReadonlyArray<string>) {
  const folder = yield* temporaryFolder
  writeFileSync(join(folder, "trail.jsonl"), text)
  const env = { DATA_DIR: join(folder, "nothing"), DATABASE_URL: "http://127.0.0.1:9" }
  const verified = yield* run(["audit", "verify", "trail.jsonl", ...options], { cwd: folder, env })
  assert.isFalse(existsSync(join(folder, "nothing")))
  return verified
})

describe("The audit trail", () => {
  it.scopedLive(
    "tells who did what, by the API and by the command line, and is verified by the file alone",
    () =>
      Effect.gen(function* () {
        const { command, folder, ok, url } = yield* started
        const me = yield* client(url, yield* createKey(command))
        const you = yield* client(url, yield* createKey(command, "you"))
        yield* you.account.getWallet()
        const { id: orderId } = yield* me.trading.placeOrder({ payload: market("50"), headers: key("order") })
        const rule = yield* me.trading.createRule({ payload: onSignal, headers: key("rule") })
        const path = { id: rule.id }
        const changed = { ...onSignal, name: "On another" }
        yield* me.trading.updateRule({ path, payload: changed, headers: { ...key("edit"), "if-match": rule.version } })
        yield* me.trading.pauseRule({ path })
        yield* me.trading.rotateSignalToken({ path })
        yield* me.trading.deleteRule({ path, urlParams: {} })
        const made = yield* me.account.createKey({ payload: { scopes: ["read"] } })
        yield* me.account.rotateKey({ path: { id: made.id }, payload: {} })
        yield* me.account.revokeKey({ path: { id: made.id } })
        yield* me.trading.setTradingLimits({ payload: { ...unlimited, user: { ...unlimited.user, maxOpenOrders: 3 } } })
        yield* me.trading.setHalt({
          payload: { halted: true, scope: "entries", cancelOpen: true, reason: "looking into it" }
        })
        yield* Effect.flip(me.trading.placeOrder({ payload: market("50"), headers: key("halted") }))
        yield* Effect.flip(
          Effect.flatMap(client(url, Redacted.make(`${made.key.slice(0, -1)}x`)), (api) => api.account.getAccount())
        )
        yield* ok("halt", "off", "--user", "me")
        const rules = yield* ok("rules", "export", "--user", "me")
        assert.include(rules, "dipper.rules")
        yield* ok("halt", "on", "--all", "--reason", "maintenance")
        yield* ok("users", "disable", "--user", "you")

        const file = yield* ok("audit", "export")
        const entries = entriesOf(file)
        const told = (user: string | null) =>
          entries
            .filter((entry) => entry.user === user)
            .map(({ action, by, detail }) =>
              [action, by.via, detail["state"] ?? detail["halted"] ?? ""].join(" ").trim()
            )
        assert.deepStrictEqual(told("local_me"), [
          "keyCreated operator",
          "credentialsSet apiKey",
          "orderDecided apiKey",
          "ruleCreated apiKey active",
          "ruleUpdated apiKey active",
          "ruleStateChanged apiKey paused",
          "signalTokenRotated apiKey",
          "ruleArchived apiKey archived",
          "keyCreated apiKey",
          "keyRotated apiKey",
          "keyRevoked apiKey",
          "limitsChanged apiKey",
          "haltChanged apiKey true",
          "orderRefused apiKey",
          "haltChanged operator false",
          "haltChanged operator true"
        ])
        assert.deepStrictEqual(told("local_you"), [
          "keyCreated operator",
          "credentialsSet apiKey",
          "haltChanged operator true",
          "userDisabled operator",
          "haltChanged operator true"
        ])
        assert.deepStrictEqual(told(null), [
          "configurationChanged service",
          "authenticationFailed nobody",
          "haltChanged operator true"
        ])
        const byRequest = entries.filter(({ by }) => by.via === "apiKey" || by.via === "nobody")
        assert.isTrue(byRequest.every(({ address, requestId }) => address !== null && requestId !== null))

        const mine = yield* me.account.listAudit({ urlParams: { limit: 500 } })
        assert.deepStrictEqual(
          mine.items.map(({ hash: _hash, seq: _seq, ...entry }) => entry).toReversed(),
          entries.filter(({ user }) => user === "local_me")
        )
        const first = yield* me.account.listAudit({ urlParams: { limit: 3 } })
        const next = yield* me.account.listAudit({ urlParams: { limit: 3, cursor: first.nextCursor ?? "" } })
        assert.deepStrictEqual([...first.items, ...next.items], mine.items.slice(0, 6))
        const orders = yield* me.account.listAudit({ urlParams: { action: "orderDecided" } })
        assert.deepStrictEqual(
          orders.items.map(({ objectId }) => objectId),
          [orderId]
        )

        const whole = yield* verifyAlone(file)
        assert.match(whole.stdout, /^ok: 24 entries, from \S+ to \S+, head 24:[0-9a-f]{64}\n$/, whole.stderr)
        const [, head = ""] = /head (\S+)/.exec(whole.stdout) ?? []
        assert.strictEqual(yield* ok("audit", "head"), `${head}\n`)
        assert.match(yield* ok("audit", "verify", "--head", head), /^ok: 24 entries, head 24:/)
        const forged = yield* verifyAlone(file.replace("looking into it", "looking into It"))
        assert.deepStrictEqual([forged.code, forged.stdout], [1, ""])
        assert.match(
          forged.stderr,
          /^dipper: trail.jsonl: line \d+ \(entry \d+\): its text or the one before was changed/
        )

        // Of a user alone, also when the user is gone for good.
        yield* ok("users", "delete", "--user", "you", "--confirm", "you")
        const yours = yield* eventually(
          "the end of their exchange key",
          ok("audit", "export", "--user", "you"),
          (text) => entriesOf(text).at(-1)?.action === "credentialsRemoved"
        )
        assert.isTrue(entriesOf(yours).every(({ user }) => user === "local_you"))
        assert.deepStrictEqual(
          entriesOf(yours)
            .slice(-3)
            .map(({ action, by }) => `${action} ${by.via}`),
          ["userDeleted operator", "haltChanged operator", "credentialsRemoved service"]
        )
        assert.match((yield* verifyAlone(yours)).stdout, /^ok: 8 entries of local_you, /)
        // The head that was kept tells that the end is missing.
        const cut = yield* verifyAlone(yours, "--head", `9:${"0".repeat(64)}`)
        assert.match(cut.stderr, /the trail ends at entry 8; the head that was kept is of entry 9: its end is cut off/)
        for (const wrong of [["--head", "9"], ["nowhere.jsonl"]])
          assert.strictEqual((yield* command("audit", "verify", ...wrong)).code, 2)
        assert.strictEqual((yield* command("audit", "export", "--user", "nobody")).code, 1)
        assert.isTrue(existsSync(join(folder, "dipper.db")))
      }),
    240_000
  )

  it.scopedLive(
    "tells of cancels, of settings, and of a good key that was not enough",
    () =>
      Effect.gen(function* () {
        const { command, ok, url } = yield* started
        const me = yield* client(url, yield* createKey(command))
        const reading = yield* me.account.createKey({ payload: { scopes: ["read"] } })
        const reader = yield* client(url, Redacted.make(reading.key))
        const resting = { symbol, side: "buy", type: "limit", waitMs: 2_000 } as const
        const order = { ...resting, quantity: Decimal.unsafe("0.001"), price: Decimal.unsafe("40000") }
        const rest = (name: string) =>
          Effect.map(me.trading.placeOrder({ payload: order, headers: key(name) }), ({ id }) => id)
        const one = yield* rest("one")
        assert.strictEqual((yield* me.trading.cancelOrder({ path: { id: one } })).status, "cancelled")
        const many = [yield* rest("two"), yield* rest("three")]
        const refused = yield* Effect.flip(reader.trading.cancelOrders({ urlParams: { all: "true" } }))
        assert.strictEqual(refused._tag, "FORBIDDEN")
        yield* me.trading.cancelOrders({ urlParams: { symbol } })
        yield* rest("halted")
        yield* me.trading.setHalt({ payload: { halted: true, scope: "all", cancelOpen: true, reason: "stop" } })
        yield* me.account.updateAccountSettings({ payload: { costBasis: "fifo" } })
        yield* ok("master-key", "export")
        const entries = yield* eventually(
          "the cancel of the halt",
          Effect.map(ok("audit", "export"), entriesOf),
          (all) => all.some(({ detail }) => detail["cause"] === "halt")
        )
        const told = (...actions: ReadonlyArray<string>) => entries.filter(({ action }) => actions.includes(action))
        assert.deepStrictEqual(
          told("orderCancelAsked").map(({ by, detail, objectId }) => [by.via, detail["cause"], objectId === one]),
          [
            ["apiKey", "asked", true],
            ["apiKey", "asked", false],
            ["service", "halt", false]
          ]
        )
        assert.sameMembers(told("orderCancelAsked")[1]?.detail["orders"]?.split(",") ?? [], many)
        const [lacking, ...others] = told("accessRefused")
        assert.deepStrictEqual([lacking?.by, others.length], [{ via: "apiKey", credentialId: reading.id }, 0])
        assert.deepInclude(lacking?.detail, { operation: "cancelOrders", code: "FORBIDDEN" })
        assert.deepStrictEqual(
          told("settingsChanged", "masterKeyExported").map(({ action, by, user }) => [action, by.via, user]),
          [
            ["settingsChanged", "apiKey", "local_me"],
            ["masterKeyExported", "operator", null]
          ]
        )
        assert.match(yield* ok("audit", "verify"), /^ok: /)
      }),
    240_000
  )

  it.scopedLive(
    "imports are told, and an export beside a server that trades is whole",
    () =>
      Effect.gen(function* () {
        const { command, folder, ok, url } = yield* started
        const token = yield* createKey(command)
        const me = yield* client(url, token)
        yield* me.account.getWallet()
        const { id } = yield* me.trading.createRule({ payload: buyBelow50000, headers: key("rule") })
        yield* me.trading.runRule({ path: { id }, headers: key("run") })
        yield* me.trading.pauseRule({ path: { id } })
        const exported = yield* ok("rules", "export", "--user", "me")
        yield* createKey(command, "you")
        const imported = yield* Effect.scoped(
          Effect.flatMap(
            dipper(["rules", "import", "--user", "you"], {
              cwd: folder,
              env: { DATA_DIR: folder, PAPER_URL: "http://127.0.0.1:9" },
              stdin: exported
            }),
            ({ exit }) => exit
          )
        )
        assert.strictEqual(imported, 0)
        const trading = yield* Effect.fork(
          Effect.forEach(
            Array.from({ length: 40 }, (_, n) => n),
            (n) => me.trading.placeOrder({ payload: market("10"), headers: key(`many-${n + 10}`) }),
            { discard: true }
          )
        )
        const during = yield* ok("audit", "export")
        assert.match((yield* verifyAlone(during)).stdout, /^ok: /)
        yield* Fiber.join(trading)
        const after = yield* ok("audit", "export")
        assert.match((yield* verifyAlone(after)).stdout, /^ok: /)
        assert.strictEqual(entriesOf(after).filter(({ action }) => action === "orderDecided").length, 41)
        const byHand = entriesOf(after).filter(({ detail }) => String(detail["slot"]).startsWith("run-"))
        assert.deepStrictEqual(
          byHand.map(({ action, by }) => `${action} ${by.via}`),
          ["ruleRun apiKey", "orderDecided rule"]
        )
        assert.deepStrictEqual(
          entriesOf(after)
            .filter(({ action }) => action === "ruleImported")
            .map(({ by, user }) => `${user} ${by.via}`),
          ["local_you operator"]
        )
      }),
    240_000
  )

  it.scopedLive(
    "that somebody changed keeps the service from starting, until the operator accepts it",
    () =>
      Effect.gen(function* () {
        const { command, folder, ok, paper, process } = yield* started
        yield* createKey(command)
        const [, kept = ""] = yield* eventually(
          "the head in the log",
          Effect.sync(() => /"head":"(\d+:[0-9a-f]{64})"/.exec(process.stderr()) ?? []),
          ({ length }) => length > 0
        )
        assert.match(yield* ok("audit", "verify", "--head", kept), /^ok: 2 entries/)
        yield* process.stop("SIGTERM")
        const sql = createClient({ url: `file:${join(folder, "dipper.db")}` })
        yield* Effect.promise(async () => {
          await sql.execute("DROP TRIGGER audit_is_never_changed")
          await sql.execute(`UPDATE audit SET entry = replace(entry, 'read,trade', 'read') WHERE seq = 2`)
          sql.close()
        })
        const refused = yield* command("audit", "verify")
        assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
        assert.match(refused.stderr, /^dipper: the stored trail: entry 2: its text or the one before was changed/m)
        const env = { DATA_DIR: folder, PORT: "0", PAPER_URL: paper.url, LOG_FORMAT: "json" }
        const broken = yield* run(["serve"], { cwd: folder, env })
        assert.strictEqual(broken.code, 1)
        assert.match(broken.stderr, /^dipper: the audit trail is broken at entry 2: .*audit accept 2/m)
        assert.notInclude(broken.stdout, "ready")

        assert.strictEqual((yield* command("audit", "accept", "1", "--reason", "none")).code, 2)
        yield* ok("audit", "accept", "2", "--reason", "an edit by hand")
        const again = yield* service(folder, paper)
        assert.match((yield* again.command("audit", "verify")).stdout, /^ok: 3 entries, .*, known breaks at 2\n$/)
        assert.isTrue(readFileSync(join(folder, "master.keys")).length > 0)
      }),
    240_000
  )
})
