import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, TestClock } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import { MasterKeyRotation } from "../../src/accounts/MasterKeyRotation.ts"
import { KeyRing } from "../../src/accounts/secrets/KeyRing.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { freezes } from "../kit/KeyFreezes.ts"
import { layerAt, temporaryFolder } from "../kit/TestDatabase.ts"

const layer = (folder: string, masterKeys: string | null = null) =>
  Layer.mergeAll(CredentialVault.layer, MasterKeyRotation.layer).pipe(
    Layer.provideMerge(
      KeyRing.layer({ dataDir: folder, masterKeys: masterKeys === null ? null : Redacted.make(masterKeys) })
    ),
    Layer.provideMerge(UsersRepo.layer),
    Layer.provide(freezes),
    Layer.provideMerge(layerAt(folder)),
    Layer.provide(Layer.mock(MexcClient, {})),
    Layer.fresh
  )

const users = Array.from({ length: 250 }, (_, n) => UserId.make(`local_u${String(n).padStart(3, "0")}`))
const pairOf = (userId: UserId) => ({ accessKey: `mx0${userId}`, secretKey: Redacted.make(`secret of ${userId}`) })

const store = Effect.gen(function* () {
  const vault = yield* CredentialVault
  const repo = yield* UsersRepo
  for (const userId of users) yield* Effect.zipRight(repo.ensure(userId), vault.put(userId, pairOf(userId), "user"))
})

const assertReadable = Effect.gen(function* () {
  const vault = yield* CredentialVault
  for (const userId of users) {
    const { accessKey, secretKey } = yield* vault.get(userId)
    assert.deepStrictEqual([accessKey, Redacted.value(secretKey)], [`mx0${userId}`, `secret of ${userId}`])
  }
})

const idsInUse = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ id: string }>`SELECT DISTINCT key_ring_id AS id FROM exchange_credentials`
  return rows.map(({ id }) => id)
})

const rotate = Effect.gen(function* () {
  const { rotate } = yield* MasterKeyRotation
  const told: Array<string> = []
  const fiber = yield* Effect.fork(rotate((done, all) => Effect.sync(() => void told.push(`${done} of ${all}`))))
  yield* Effect.repeat(TestClock.adjust("1 second"), {
    until: () => Effect.map(fiber.status, ({ _tag }) => _tag === "Done")
  })
  return { ...(yield* Fiber.join(fiber)), told }
})

const idsIn = (file: string) =>
  readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [line.split(":")[0]]))

describe("another master key", () => {
  it.scoped("seals everything anew while others read; the old one is kept apart and not used", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "master.keys")
      yield* Effect.gen(function* () {
        yield* store
        const before = yield* Effect.flatMap(KeyRing, ({ ring }) => ring)
        const { current, retired, rewrapped, told } = yield* rotate
        assert.deepStrictEqual([rewrapped, retired], [users.length, [before.current]])
        assert.notStrictEqual(current, before.current)
        assert.deepStrictEqual(told, ["100 of 250", "200 of 250", "250 of 250"])
        assert.deepStrictEqual(yield* idsInUse, [current])
        yield* assertReadable
        assert.deepStrictEqual([idsIn(file), idsIn(`${file}.retired`)], [[current], [before.current]])
      }).pipe(Effect.provide(layer(folder)))
      yield* assertReadable.pipe(Effect.provide(layer(folder)))
    })
  )

  it.scoped("that was begun is gone on with, not begun again", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* store
        const { rotate: begun } = yield* MasterKeyRotation
        // Killed after the first hundred.
        yield* Effect.exit(begun(() => Effect.interrupt))
        const half = yield* idsInUse
        assert.lengthOf(half, 2)
        yield* assertReadable
        const { current, rewrapped } = yield* rotate
        assert.include(half, current)
        assert.strictEqual(rewrapped, users.length - 100)
        assert.deepStrictEqual(yield* idsInUse, [current])
        yield* assertReadable
      }).pipe(Effect.provide(layer(folder)))
    })
  )

  it.scoped("that comes from the setting seals anew and says what to take out of it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* store.pipe(Effect.provide(layer(folder)))
      const old = readFileSync(join(folder, "master.keys"), "utf8").trim()
      const key = Buffer.from(Array.from({ length: 32 }, (_, n) => (n * 37 + 11) % 251)).toString("base64")
      yield* Effect.gen(function* () {
        const { current, retired, rewrapped } = yield* rotate
        assert.deepStrictEqual([current, rewrapped, retired], ["new", users.length, [old.split(":")[0]]])
        yield* assertReadable
      }).pipe(Effect.provide(layer(folder, `new:${key},${old}`)))
      yield* assertReadable.pipe(Effect.provide(layer(folder, `new:${key}`)))
      assert.isFalse(existsSync(join(folder, "master.keys.retired")))
    })
  )

  it.scoped("stops at what does not open, and changes nothing of it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* store
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE exchange_credentials SET sealed_secret_key = sealed_access_key WHERE user_id = ${users[3] ?? ""}`
        const { rotate: begun } = yield* MasterKeyRotation
        const refused = yield* Effect.flip(begun(() => Effect.void))
        assert.include(refused.message, "local_u003")
        const [row] = yield* sql<{ same: number }>`SELECT sealed_secret_key = sealed_access_key AS same
          FROM exchange_credentials WHERE user_id = ${users[3] ?? ""}`
        assert.strictEqual(row?.same, 1)
      }).pipe(Effect.provide(layer(folder)))
    })
  )
})
