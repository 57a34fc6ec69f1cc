import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { canFail, ioFaults } from "../kit/IoFaults.ts"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { createKey, eventually, paperExchange, service } from "../kit/Service.ts"

const Answer = Schema.Struct({
  data: Schema.optional(Schema.Unknown),
  error: Schema.optional(Schema.Struct({ code: Schema.String, message: Schema.String }))
})

/** A service with an order that waits at the exchange, and a hand on its disk. */
const working = Effect.gen(function* () {
  const paper = yield* paperExchange
  yield* paper.price("BTCUSDT", "50000")
  const folder = yield* temporaryFolder
  const disk = yield* ioFaults(folder)
  const { command, process, url } = yield* service(folder, paper, disk.env)
  const token = yield* createKey(command)
  let asked = 0
  const ask = (method: string, path: string, body?: object) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}/api/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${Redacted.value(token)}`,
          "idempotency-key": `broken-store-${++asked}-asked`,
          ...(body === undefined ? {} : { "content-type": "application/json" })
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const { data, error } = Schema.decodeUnknownSync(Answer)(await response.json())
      return { status: response.status, code: error?.code ?? null, message: error?.message ?? "", data }
    })
  const buy = ask("POST", "trading/orders", { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "50" })
  const rest = ask("POST", "trading/orders", {
    symbol: "BTCUSDT",
    side: "buy",
    type: "limit",
    quantity: "0.001",
    price: "30000",
    waitMs: 2_000
  })
  const ready = Effect.map(ask("GET", "status/ready"), ({ status }) => status)
  const accepted = Effect.map(paper.journal, (facts) => facts.filter((fact) => fact["_tag"] === "orderAccepted").length)
  const cancelled = Effect.map(paper.journal, (facts) => facts.filter((fact) => fact["_tag"] === "orderClosed").length)
  return { accepted, ask, buy, cancelled, command, disk, folder, paper, process, ready, rest, url }
})

const Placed = Schema.Struct({ id: Schema.String, status: Schema.String })
const placed = Schema.decodeUnknownSync(Placed)

describe.skipIf(!canFail)("A store that breaks", () => {
  it.scopedLive(
    "a full disk: nothing is bought, what waits can be cancelled, and it goes on when there is space",
    () =>
      Effect.gen(function* () {
        const { accepted, ask, buy, cancelled, disk, ready, rest } = yield* working
        assert.strictEqual((yield* buy).status, 201)
        const waiting = placed((yield* rest).data)
        assert.strictEqual(waiting.status, "open")
        const before = yield* accepted

        yield* disk.fail("write", "ENOSPC", { suffix: "dipper.db-wal" })
        const refused = yield* buy
        assert.strictEqual(refused.code, "DATABASE_UNAVAILABLE")
        assert.include(refused.message, "disk of the database is full")
        assert.strictEqual(yield* ready, 503)
        assert.isAbove(yield* disk.fired, 0)
        assert.strictEqual((yield* ask("GET", `trading/orders/${waiting.id}`)).status, 200)
        // Longer than the lease of trading holds without a renewal.
        yield* Effect.sleep("13 seconds")
        const answered = yield* ask("DELETE", `trading/orders/${waiting.id}`)
        assert.strictEqual(answered.code, "DATABASE_UNAVAILABLE")
        assert.strictEqual(yield* cancelled, 1)
        assert.strictEqual((yield* buy).code, "DATABASE_UNAVAILABLE")
        assert.strictEqual(yield* accepted, before)

        yield* disk.end
        yield* eventually("ready", ready, (status) => status === 200)
        const bought = yield* buy
        assert.strictEqual(bought.status, 201, `${bought.code}: ${bought.message}`)
        yield* eventually(
          "the cancelled order",
          Effect.map(ask("GET", `trading/orders/${waiting.id}`), ({ data }) => placed(data).status),
          (status) => status === "cancelled"
        )
      }),
    90_000
  )

  it.scopedLive(
    "a disk with errors: nothing is bought, and it goes on when they are over",
    () =>
      Effect.gen(function* () {
        const { accepted, buy, disk, ready } = yield* working
        assert.strictEqual((yield* buy).status, 201)
        const before = yield* accepted
        yield* disk.fail("write", "EIO", { suffix: "dipper.db-wal" })
        const refused = yield* buy
        assert.strictEqual(refused.code, "DATABASE_UNAVAILABLE")
        assert.include(refused.message, "reports errors")
        assert.strictEqual(yield* ready, 503)
        assert.strictEqual(yield* accepted, before)
        yield* disk.end
        yield* eventually("ready", ready, (status) => status === 200)
        assert.strictEqual((yield* buy).status, 201)
      }),
    90_000
  )

  it.scopedLive(
    "a sync that fails ends the process, which does not try again, and a start finds everything that was told",
    () =>
      Effect.gen(function* () {
        const { accepted, ask, buy, disk, folder, paper, process } = yield* working
        const order = placed((yield* buy).data)
        assert.strictEqual(order.status, "filled")
        const before = yield* accepted
        yield* disk.fail("sync", "EIO", { suffix: "dipper.db-wal" })
        const refused = yield* Effect.option(
          ask("POST", "trading/orders", { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "50" })
        )
        if (refused._tag === "Some") assert.strictEqual(refused.value.code, "DATABASE_UNAVAILABLE")
        assert.strictEqual(yield* process.exit, 1)
        assert.match(
          process.stderr(),
          /^dipper: the database file:\S+: The disk did not store what the database wrote/m
        )
        assert.strictEqual(yield* disk.fired, 1)
        assert.strictEqual(yield* accepted, before)

        const again = yield* service(folder, paper)
        const token = yield* createKey(again.command)
        const found = yield* Effect.promise(() =>
          fetch(`${again.url}/api/v1/trading/orders/${order.id}`, {
            headers: { authorization: `Bearer ${Redacted.value(token)}` }
          }).then((response) => response.status)
        )
        assert.strictEqual(found, 200)
      }),
    90_000
  )
})

const refusedStart = (folder: string, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(
    run(["serve"], { cwd: folder, env: { DATA_DIR: folder, PAPER_PORT: "0", PORT: "0", ...env } }),
    (ended) => {
      assert.strictEqual(ended.code, 1, ended.stderr)
      const [line = "", ...more] = ended.stderr.split("\n").filter((text) => text.startsWith("dipper: "))
      assert.deepStrictEqual(more, [])
      return line
    }
  )

describe("A store that cannot be used at the start", () => {
  it.scopedLive(
    "is refused in one line that says what can be done, and is left as it is",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const env = { DATA_DIR: folder, PAPER_PORT: "0" }
        assert.strictEqual((yield* run(["keys", "create", "--user", "me"], { cwd: folder, env })).code, 0)
        const path = join(folder, "dipper.db")
        const whole = readFileSync(path)
        writeFileSync(path, Buffer.from(whole).fill(0x5a, 8_192, 40_960))
        const damaged = readFileSync(path)
        assert.match(
          yield* refusedStart(folder),
          /^dipper: DB_CORRUPT: the database file:\S+ is damaged .*; nothing was changed\. Bring back a copy of the file/
        )
        assert.isTrue(readFileSync(path).equals(damaged))
        writeFileSync(path, "no database at all, but a text of more than a hundred bytes, ".repeat(20))
        assert.match(yield* refusedStart(folder), /^dipper: DB_CORRUPT: /)
        writeFileSync(path, whole)
        const listed = yield* run(["keys", "list", "--user", "me"], { cwd: folder, env })
        assert.strictEqual(listed.code, 0, listed.stderr)
      }),
    60_000
  )
})

describe.skipIf(!canFail)("A folder that is read-only", () => {
  it.scopedLive(
    "is refused at the start; when it becomes so under a running service nothing is bought until it can be written",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const disk = yield* ioFaults(folder)
        yield* disk.fail("open", "EROFS", { suffix: "dipper.db" })
        assert.match(yield* refusedStart(folder, disk.env), /^dipper: the database file:\S+ cannot be opened: /)

        const { accepted, buy, disk: under, ready } = yield* working
        assert.strictEqual((yield* buy).status, 201)
        const before = yield* accepted
        yield* under.fail("write", "EROFS")
        assert.strictEqual((yield* buy).code, "DATABASE_UNAVAILABLE")
        assert.strictEqual(yield* ready, 503)
        assert.strictEqual(yield* accepted, before)
        yield* under.end
        yield* eventually("ready", ready, (status) => status === 200)
        assert.strictEqual((yield* buy).status, 201)
      }),
    90_000
  )
})

describe("Files of a store that are taken away", () => {
  it.scopedLive(
    "under a running service: it ends with its reason, and starts on what is there",
    () =>
      Effect.gen(function* () {
        const paper = yield* paperExchange
        const folder = yield* temporaryFolder
        const { command, process } = yield* service(folder, paper)
        yield* createKey(command)
        const shared = join(folder, "dipper.db-shm")
        assert.isTrue(existsSync(shared))
        renameSync(shared, `${shared}.gone`)
        assert.strictEqual(yield* process.exit, 1)
        assert.match(
          process.stderr(),
          /^dipper: the database file:\S+: A file of the database was removed or replaced/m
        )
        const again = yield* dipper(["keys", "list", "--user", "me"], {
          cwd: folder,
          env: { DATA_DIR: folder, PAPER_URL: paper.url }
        })
        assert.strictEqual(yield* again.exit, 0)
        assert.match(again.stdout(), /read,trade,manage/)
      }),
    60_000
  )
})
