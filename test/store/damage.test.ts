import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Random } from "effect"
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Database } from "../../src/store/Database.ts"
import { StoreRefused } from "../../src/store/StoreRefused.ts"
import { databaseUrl, layerAt, temporaryFolder } from "../kit/TestDatabase.ts"

/** More by `DAMAGES`. */
const damages = Number(process.env["DAMAGES"] ?? "100")

const rowsOf = (folder: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const database = yield* Database
    const rows = yield* database.read(sql<{ user_id: string; at: number }>`SELECT user_id, created_at AS at FROM users`)
    return new Map(rows.map(({ at, user_id }) => [user_id, at]))
  }).pipe(Effect.provide(layerOf(folder)), Effect.scoped)

const layerOf = (folder: string) => Database.layer({ url: databaseUrl(folder), authToken: null })

const userCount = 400

/** A database as a crash leaves it: half in the file, half in the log beside it. */
const crashed = (folder: string) =>
  Effect.gen(function* () {
    const [live, left] = [join(folder, "live"), join(folder, "left")]
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const database = yield* Database
      const add = (from: number) =>
        Effect.forEach(
          Array.from({ length: userCount / 2 }, (_, index) => from + index),
          (index) =>
            database.write(sql`INSERT INTO users ${sql.insert({ user_id: `user-${index}`, created_at: index })}`),
          { discard: true }
        )
      yield* add(0)
      yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
      yield* add(userCount / 2)
      cpSync(live, left, { recursive: true })
    }).pipe(Effect.provide(layerAt(live)))
    return left
  })

type Damage = (file: Buffer, dice: (below: number) => number) => void

/** Of the main file: what a worn disk, a stray write or a half-copied file leaves. */
const kinds: Readonly<Record<string, Damage>> = {
  "a sector of another page": (file, dice) => {
    const [from, to] = [dice(file.length / 512) * 512, dice(file.length / 512) * 512]
    file.copy(file, to, from, from + 512)
  },
  "a sector of zeros": (file, dice) => {
    const at = dice(file.length / 512) * 512
    file.fill(0, at, at + 512)
  },
  "a flipped bit": (file, dice) => {
    const at = dice(file.length)
    file.writeUInt8(file.readUInt8(at) ^ (1 << dice(8)), at)
  },
  "a page of noise": (file, dice) => {
    const at = dice(file.length / 4_096) * 4_096
    for (let offset = at; offset < at + 4_096; offset++) file.writeUInt8(dice(256), offset)
  }
}

const copyOf = (left: string, name: string) => {
  const copy = join(left, "..", name)
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy)
  cpSync(left, copy, { recursive: true })
  return copy
}

const outcome = (folder: string) =>
  Effect.map(Effect.exit(rowsOf(folder)), (exit) => {
    if (Exit.isSuccess(exit)) return exit.value
    const failure = exit.cause._tag === "Fail" ? exit.cause.error : exit.cause
    return failure instanceof StoreRefused ? failure : exit.cause
  })

const isRefusal = (found: unknown): found is StoreRefused => found instanceof StoreRefused && found.reason === "corrupt"

describe("A damaged file", () => {
  it.scopedLive(
    `is refused, or has every row it had, ${damages} times`,
    () =>
      Effect.gen(function* () {
        const left = yield* crashed(yield* temporaryFolder)
        const whole = yield* rowsOf(copyOf(left, "whole"))
        assert.strictEqual(whole.size, userCount)
        let refused = 0
        for (let index = 0; index < damages; index++) {
          const [kind = "", damage = () => undefined] = Object.entries(kinds)[index % 4] ?? []
          const copy = copyOf(left, "damaged")
          const path = join(copy, "dipper.db")
          // What the log holds anew of a page is taken from there: here the file speaks for itself.
          const bytes = readFileSync(path)
          const throws = yield* Effect.replicateEffect(Random.nextIntBetween(0, 2 ** 30), 5_000)
          let next = 0
          damage(bytes, (below) => (throws[next++ % throws.length] ?? 0) % below)
          writeFileSync(path, bytes)
          const found = yield* outcome(copy)
          if (isRefusal(found)) {
            refused++
            assert.match(found.message, /^DB_CORRUPT: .*Bring back a copy/)
            continue
          }
          // No row is gone or made up. What SQLite has no way to see is a value that is another value of its kind.
          assert.instanceOf(found, Map, `${kind}: ${String(found)}`)
          if (found instanceof Map) {
            assert.deepStrictEqual([...found.keys()].sort(), [...whole.keys()].sort(), kind)
            const changed = [...found].filter(([user, at]) => whole.get(user) !== at).length
            assert.isAtMost(changed, kind === "a flipped bit" ? 1 : 40, kind)
          }
        }
        assert.isAtLeast(refused, damages / 4)
      }).pipe(Effect.withRandom(Random.make("damage"))),
    300_000
  )

  it.scopedLive("a log without its header is refused, since SQLite would forget every commit in it", () =>
    Effect.gen(function* () {
      const left = yield* crashed(yield* temporaryFolder)
      const path = join(left, "dipper.db-wal")
      const log = readFileSync(path)
      writeFileSync(path, Buffer.from(log.fill(0, 0, 32)))
      const found = yield* outcome(left)
      assert.isTrue(isRefusal(found), String(found))
    })
  )

  it.scopedLive("a log that ends too early gives what was stored up to there, and nothing after a hole", () =>
    Effect.gen(function* () {
      const left = yield* crashed(yield* temporaryFolder)
      const size = statSync(join(left, "dipper.db-wal")).size
      for (let part = 1; part <= 20; part++) {
        const copy = copyOf(left, "short")
        truncateSync(join(copy, "dipper.db-wal"), Math.floor((size * part) / 20) - (part === 20 ? 0 : 7))
        const found = yield* outcome(copy)
        assert.instanceOf(found, Map)
        const count = found instanceof Map ? found.size : 0
        assert.isTrue(found instanceof Map && [...Array(count).keys()].every((index) => found.has(`user-${index}`)))
        assert.isAtLeast(count, userCount / 2)
        if (part === 20) assert.strictEqual(count, userCount)
      }
    })
  )

  it.scopedLive("the shared memory is built anew when it was removed, or is nonsense", () =>
    Effect.gen(function* () {
      const left = yield* crashed(yield* temporaryFolder)
      for (const change of [
        (path: string) => rmSync(path),
        (path: string) => writeFileSync(path, Buffer.alloc(32_768, 0xa5))
      ]) {
        const copy = copyOf(left, "shm")
        change(join(copy, "dipper.db-shm"))
        const found = yield* outcome(copy)
        assert.isTrue(found instanceof Map && found.size === userCount)
      }
    })
  )
})
