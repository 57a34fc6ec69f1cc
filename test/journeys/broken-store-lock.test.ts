import { createClient } from "@libsql/client/sqlite3"
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Schedule, Schema } from "effect"
import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { join } from "node:path"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, ruleRequest, service } from "../kit/Service.ts"

/** Longer ones by `LOCK_SECONDS`, up to the sixty of docs/reliability.md. */
const seconds = Number(process.env["LOCK_SECONDS"] ?? "6")

const everySecond = ruleRequest({
  name: "Every second",
  symbol: "BTCUSDT",
  trigger: { type: "schedule.every", every: "PT1S" },
  size: { type: "quote", amount: "10" },
  limits: { total: "5000" }
})

/** A process of its own that holds the write lock for so long and then goes away. */
const heldByAnother = (path: string, ms: number) =>
  Effect.async<void, string>((resume) => {
    const program = `
      const { createClient } = require(${JSON.stringify(createRequire(import.meta.url).resolve("@libsql/client/sqlite3"))})
      createClient({ url: "file:" + process.argv[1] }).transaction("write").then((transaction) => {
        process.stdout.write("held\\n")
        setTimeout(() => transaction.rollback().then(() => process.exit(0)), Number(process.argv[2]))
      })`
    const child = spawn(process.execPath, ["-e", program, path, String(ms)], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.once("data", () => resume(Effect.void))
    child.once("exit", (code) => resume(Effect.fail(`the holder ended with ${code} before it held`)))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** How long the service takes to say that it lives, asked again and again: a loop that stands still answers nobody. */
const slowest = (url: string, forMs: number) =>
  Effect.gen(function* () {
    const times: Array<number> = []
    const ask = Effect.gen(function* () {
      const began = performance.now()
      yield* Effect.promise(() => fetch(`${url}/api/v1/status/live`).then((answer) => answer.text()))
      times.push(performance.now() - began)
    })
    yield* Effect.repeat(ask, Schedule.spaced("5 millis").pipe(Schedule.upTo(forMs)))
    return times.sort((left, right) => left - right)
  })

const Executions = Schema.Array(
  Schema.Struct({ slot: Schema.NullOr(Schema.String), outcome: Schema.NullOr(Schema.String) })
)

it.scopedLive(
  `while another process holds the database for ${seconds} s nothing is sent and nothing stands still, then every slot is made up for`,
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "50000")
      const folder = yield* temporaryFolder
      const { command, url } = yield* service(folder, paper)
      const api = yield* client(url, yield* createKey(command))
      const headers = { "idempotency-key": "held-by-another-rule" }
      const rule = yield* api.trading.createRule({ payload: everySecond, headers })
      const accepted = Effect.map(
        paper.journal,
        (facts) => facts.filter((fact) => fact["_tag"] === "orderAccepted").length
      )
      yield* eventually("orders", accepted, (orders) => orders >= 2)

      const path = join(folder, "dipper.db")
      yield* heldByAnother(path, seconds * 1_000)
      // What was stored before the lock may still leave.
      yield* Effect.sleep("300 millis")
      const before = yield* accepted
      const times = yield* slowest(url, seconds * 1_000 - 1_500)
      assert.strictEqual(yield* accepted, before)
      const late = times.filter((ms) => ms > 50).length
      // Other programs on a busy machine delay some answers, a loop that waits for the lock many of them.
      assert.isBelow(late / times.length, 0.1, `${late} of ${times.length}, slowest ${times.at(-1)?.toFixed(0)} ms`)

      const freed = yield* Clock.currentTimeMillis
      yield* eventually("orders after the lock", accepted, (orders) => orders > before + 2)
      assert.isBelow((yield* Clock.currentTimeMillis) - freed, 12_000)
      yield* api.trading.pauseRule({ path: { id: rule.id } })

      const database = createClient({ url: `file:${path}` })
      const { rows } = yield* eventually(
        "everything settled",
        Effect.promise(() => database.execute("SELECT slot, outcome FROM executions ORDER BY slot")),
        ({ rows }) => rows.every((row) => row[1] !== null)
      )
      database.close()
      const slots = Schema.decodeUnknownSync(Executions)(rows.map((row) => ({ slot: row[0], outcome: row[1] })))
      const at = slots.map(({ slot }) => Date.parse(slot ?? ""))
      for (const [index, next] of at.slice(1).entries())
        assert.strictEqual(next - (at[index] ?? 0), 1_000, JSON.stringify(slots))
    }),
  180_000
)
