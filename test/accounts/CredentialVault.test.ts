import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Stream, TestClock } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { inspect } from "node:util"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import { KeyRing } from "../../src/accounts/secrets/KeyRing.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { UserId } from "../../src/domain/Ids.ts"
import type { Credentials } from "../../src/mexc/Credentials.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { VenueRateLimited, VenueRefused, VenueUnavailable } from "../../src/mexc/VenueFailure.ts"
import { layerAt, temporaryFolder } from "../kit/TestDatabase.ts"

const ann = UserId.make("local_ann")
const bob = UserId.make("local_bob")
const pair = {
  accessKey: "mx0vglCanaryAccess",
  secretKey: Redacted.make("canary-secret-45d0b3c26f2644f19bfb98b07741b2f5")
}
const other = { accessKey: "mx0vglOther", secretKey: Redacted.make("other-secret") }

type Probe = ReturnType<(typeof MexcClient.Service)["permissions"]>
const good: Probe = Effect.succeed({ read: true, trade: true, withdraw: false })

const vaultAt = (folder: string, probe: (credentials: Credentials) => Probe = () => good) =>
  CredentialVault.layer.pipe(
    Layer.provideMerge(KeyRing.layer({ dataDir: folder, masterKeys: null })),
    Layer.provideMerge(UsersRepo.layer),
    Layer.provideMerge(layerAt(folder)),
    Layer.provide(Layer.mock(MexcClient, { permissions: probe })),
    Layer.fresh
  )

const inVault = <A, E>(
  use: Effect.Effect<A, E, CredentialVault | UsersRepo | SqlClient.SqlClient>,
  probe?: (credentials: Credentials) => Probe
) =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    return yield* Effect.zipRight(makeUsers, use).pipe(Effect.provide(vaultAt(folder, probe)))
  })

const makeUsers = Effect.flatMap(UsersRepo, (users) => Effect.forEach([ann, bob], users.ensure, { discard: true }))

describe("CredentialVault", () => {
  it.scoped("a key that was set is the key that signs", () =>
    inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* vault.set(ann, pair)
        const credentials = yield* vault.get(ann)
        assert.deepStrictEqual(
          [credentials.userId, credentials.accessKey, Redacted.value(credentials.secretKey)],
          [ann, pair.accessKey, Redacted.value(pair.secretKey)]
        )
        assert.strictEqual((yield* Effect.flip(vault.get(bob)))._tag, "CREDENTIALS_MISSING")
      })
    )
  )

  it.scoped("the venue is asked about the new key before it replaces the old one", () =>
    Effect.gen(function* () {
      const refusals: ReadonlyArray<readonly [Probe, string]> = [
        [Effect.succeed({ read: true, trade: true, withdraw: true }), "CREDENTIAL_TOO_POWERFUL"],
        [Effect.succeed({ read: false, trade: true, withdraw: false }), "CREDENTIALS_REJECTED"],
        [
          Effect.fail(new VenueRefused({ kind: "auth", message: "api key invalid", code: 10072 })),
          "CREDENTIALS_REJECTED"
        ],
        [Effect.fail(new VenueUnavailable({ message: "timeout" })), "EXCHANGE_UNAVAILABLE"],
        [Effect.fail(new VenueRateLimited({ message: "slow", retryAfterMs: 2_500 })), "EXCHANGE_RATE_LIMITED"]
      ]
      for (const [answer, tag] of refusals)
        yield* inVault(
          Effect.gen(function* () {
            const vault = yield* CredentialVault
            yield* vault.put(ann, pair, "user")
            const refused = yield* Effect.flip(vault.set(ann, other))
            assert.strictEqual(refused._tag, tag)
            assert.strictEqual((yield* Effect.flip(vault.test(ann)))._tag, tag)
            assert.strictEqual((yield* vault.get(ann)).accessKey, pair.accessKey)
            if (refused._tag === "CREDENTIALS_REJECTED" && refused.venue !== undefined)
              assert.strictEqual(refused.venue.code, 10072)
          }),
          () => answer
        )
    })
  )

  it.scoped("a description shows four characters, what the key may do, and what to mind", () =>
    inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* vault.put(ann, pair, "user")
        const untested = yield* vault.describe(ann)
        assert.deepStrictEqual([untested.keyPrefix, untested.permissions, untested.ageDays], ["mx0v", [], 0])
        assert.match(untested.warnings.join(), /not tested/)
        const tested = yield* vault.test(ann)
        assert.deepStrictEqual([tested.permissions, tested.warnings], [["read", "trade"], []])
        assert.deepStrictEqual(yield* vault.describe(ann), tested)
        yield* TestClock.adjust("74 days")
        assert.deepStrictEqual((yield* vault.describe(ann)).warnings, [])
        yield* TestClock.adjust("1 day")
        const old = yield* vault.describe(ann)
        assert.strictEqual(old.ageDays, 75)
        assert.match(old.warnings.join(), /75 days old/)
      })
    )
  )

  it.scoped("a key that was removed is gone", () =>
    inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* vault.set(ann, pair)
        yield* vault.remove(ann)
        const refusals = yield* Effect.all([
          Effect.flip(vault.get(ann)),
          Effect.flip(vault.describe(ann)),
          Effect.flip(vault.test(ann)),
          Effect.flip(vault.rotate(ann, other)),
          Effect.flip(vault.remove(ann))
        ])
        for (const refused of refusals) assert.strictEqual(refused._tag, "CREDENTIALS_MISSING")
      })
    )
  )

  it.scoped("C02: envelopes swapped between users open for neither", () =>
    inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        const sql = yield* SqlClient.SqlClient
        yield* vault.set(ann, pair)
        yield* vault.set(bob, other)
        const rows = yield* sql<{ user_id: string; sealed: string }>`SELECT user_id, sealed_secret_key AS sealed
          FROM exchange_credentials ORDER BY user_id`
        for (const [at, row] of rows.entries())
          yield* sql`UPDATE exchange_credentials SET sealed_secret_key = ${rows[1 - at]?.sealed ?? ""}
            WHERE user_id = ${row.user_id}`
        for (const user of [ann, bob])
          assert.strictEqual((yield* Effect.flip(vault.get(user)))._tag, "CREDENTIAL_UNREADABLE")
      })
    )
  )

  it.scoped("a change is told to whoever keeps the user's streams", () =>
    inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        const heard = yield* Effect.fork(Stream.runCollect(Stream.take(vault.changes, 3)))
        yield* Effect.yieldNow()
        yield* vault.set(ann, pair)
        yield* vault.remove(ann)
        yield* vault.put(bob, pair, "paper")
        yield* vault.announce(bob)
        assert.deepStrictEqual([...(yield* Fiber.join(heard))], [ann, ann, bob])
      })
    )
  )

  it.scoped("no secret is in the database, its log, or anything printed", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const shown = yield* Effect.gen(function* () {
        yield* makeUsers
        const vault = yield* CredentialVault
        const summary = yield* vault.set(ann, pair)
        const credentials = yield* vault.get(ann)
        return [summary, credentials, vault].flatMap((value) => [inspect(value, { depth: 9 }), JSON.stringify(value)])
      }).pipe(Effect.provide(vaultAt(folder)))
      const secret = Redacted.value(pair.secretKey)
      for (const text of shown) assert.notInclude(text, secret)
      for (const name of ["dipper.db", "dipper.db-wal"]) {
        const bytes = readIfThere(join(folder, name))
        for (const form of [secret, pair.accessKey, Buffer.from(secret).toString("base64url").slice(0, 40)])
          assert.isFalse(bytes.includes(form), `${form} in ${name}`)
      }
    })
  )
})

const readIfThere = (path: string) => {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}
