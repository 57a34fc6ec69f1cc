import { assert, describe, it } from "@effect/vitest"
import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Either, Layer, Logger, LogLevel, Redacted } from "effect"
import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { inspect } from "node:util"
import { KeyRing, parseKeyRing } from "../../../src/accounts/secrets/KeyRing.ts"
import { layerAt, temporaryFolder } from "../../kit/TestDatabase.ts"

const ringAt = (folder: string, masterKeys: string | null = null) =>
  KeyRing.layer({ dataDir: folder, masterKeys: masterKeys === null ? null : Redacted.make(masterKeys) }).pipe(
    Layer.provideMerge(layerAt(folder)),
    Layer.fresh
  )

const readRing = (folder: string, masterKeys: string | null = null) =>
  Effect.flatMap(KeyRing, ({ ring }) => ring).pipe(Effect.provide(ringAt(folder, masterKeys)))

const refusal = (folder: string, masterKeys: string | null = null) =>
  Effect.map(Effect.flip(readRing(folder, masterKeys)), (error) => error.message)

const randomKey = () => randomBytes(32).toString("base64")

/** A stored exchange key that names a master key. */
const storeCredential = (folder: string, keyId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`INSERT INTO users (user_id, created_at) VALUES ('local_ann', 0)`
    yield* sql`INSERT INTO exchange_credentials ${sql.insert({
      user_id: "local_ann",
      record_id: "r1",
      origin: "user",
      access_prefix: "mx0v",
      fingerprint: "f",
      key_ring_id: keyId,
      sealed_access_key: "v1",
      sealed_secret_key: "v1",
      created_at: 0
    })}`
  }).pipe(Effect.provide(layerAt(folder)))

describe("KeyRing", () => {
  it.scoped("the first start makes a key file that only its owner can read, the second reads it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* readRing(folder)
      assert.strictEqual(statSync(join(folder, "master.keys")).mode & 0o777, 0o600)
      const second = yield* readRing(folder)
      assert.strictEqual(second.current, first.current)
      assert.deepStrictEqual(keysOf(second), keysOf(first))
    })
  )

  it.scopedLive("many processes that start at once agree on one key", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.scoped(Layer.build(layerAt(folder)))
      const rings = yield* Effect.all(
        Array.from({ length: 8 }, () => readRing(folder)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(rings.map((ring) => ring.current)).size, 1)
    })
  )

  it.scoped("a ring that another process changes is read again, and stays as it was while it cannot be read", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "master.keys")
      yield* Effect.gen(function* () {
        const { ring } = yield* KeyRing
        const first = yield* ring
        writeFileSync(`${file}.new`, `${`next:${randomKey()}`}\n${readFileSync(file, "utf8")}`, { mode: 0o600 })
        renameSync(`${file}.new`, file)
        const second = yield* ring
        assert.deepStrictEqual([second.current, [...second.keys.keys()]], ["next", ["next", first.current]])
        writeFileSync(`${file}.new`, "nonsense", { mode: 0o600 })
        renameSync(`${file}.new`, file)
        assert.strictEqual(yield* ring, second)
      }).pipe(Effect.provide(ringAt(folder)), Logger.withMinimumLogLevel(LogLevel.None))
    })
  )

  it.scoped("a key file that others may read is refused with the cure", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* readRing(folder)
      for (const mode of [0o640, 0o604, 0o666]) {
        chmodSync(join(folder, "master.keys"), mode)
        assert.include(yield* refusal(folder), "chmod 600")
      }
    })
  )

  it.scoped("C04: a database whose key is gone is refused by the name of the key, and no new key is made", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { current } = yield* readRing(folder)
      yield* storeCredential(folder, current)
      yield* readRing(folder)
      const text = readFileSync(join(folder, "master.keys"), "utf8")
      rmSync(join(folder, "master.keys"))
      assert.include(yield* refusal(folder), current)
      assert.include(yield* refusal(folder, `other:${randomKey()}`), current)
      assert.strictEqual((yield* readRing(folder, `new:${randomKey()},${text.trim()}`)).current, "new")
    })
  )

  it("a ring that protects nothing is refused without being shown", () => {
    const good = randomKey()
    const cases: ReadonlyArray<readonly [text: string, problem: string]> = [
      ["", "no key"],
      ["k1", "form"],
      [`k 1:${good}`, "form"],
      [`k1:${randomBytes(31).toString("base64")}`, "31 bytes"],
      [`k1:${randomBytes(33).toString("base64")}`, "33 bytes"],
      [`k1:${good},k1:${randomKey()}`, "twice"],
      [`k1:${Buffer.alloc(32).toString("base64")}`, "not random"],
      [`k1:${Buffer.alloc(32, 7).toString("base64")}`, "not random"],
      [`k1:${Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString("base64")}`, "not random"],
      [`k1:${Buffer.from("dipper-example-key-dipper-exampl").toString("base64")}`, "not random"],
      [`k1:${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`, "not random"]
    ]
    for (const [text, problem] of cases) {
      const result = parseKeyRing("MASTER_KEYS", text)
      assert.isTrue(Either.isLeft(result), text)
      if (Either.isLeft(result)) {
        assert.include(result.left.message, problem)
        assert.include(result.left.message, "MASTER_KEYS")
        assert.notInclude(result.left.message, good)
      }
    }
  })

  it("the first key is current, commas and lines both part keys", () => {
    const [a, b] = [randomKey(), randomKey()]
    for (const text of [`new:${a},old:${b}`, `new:${a}\nold:${b}\n`])
      assert.deepStrictEqual(
        Either.map(parseKeyRing("MASTER_KEYS", text), (ring) => [ring.current, [...ring.keys.keys()]]),
        Either.right(["new", ["new", "old"]])
      )
  })

  it.scoped("a ring shows no key when it is printed", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const ring = yield* readRing(folder)
      const key = readFileSync(join(folder, "master.keys"), "utf8").split(":")[1]?.trim() ?? ""
      const bytes = [...Buffer.from(key, "base64")].slice(0, 6).join(", ")
      for (const text of [
        inspect(ring, { depth: 9 }),
        JSON.stringify(ring),
        JSON.stringify([...ring.keys]),
        String(ring)
      ]) {
        assert.notInclude(text, key.slice(0, 12))
        assert.notInclude(text, bytes)
      }
    })
  )

  it.scoped("a key file that is a folder is refused, not replaced", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "plain"), "")
      assert.include(yield* refusalOf(join(folder, "plain"), folder), "master.keys")
    })
  )
})

const refusalOf = (dataDir: string, databaseFolder: string) =>
  KeyRing.pipe(
    Effect.provide(Layer.provide(KeyRing.layer({ dataDir, masterKeys: null }), layerAt(databaseFolder))),
    Effect.flip,
    Effect.map((error) => error.message)
  )

const keysOf = (ring: { readonly keys: ReadonlyMap<string, Redacted.Redacted<Uint8Array>> }) =>
  [...ring.keys].map(([id, key]) => [id, Buffer.from(Redacted.value(key)).toString("hex")])
