import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Ref } from "effect"
import { Accounts } from "../../src/accounts/Accounts.ts"
import { type KeyPair, CredentialVault } from "../../src/accounts/CredentialVault.ts"
import { PaperAccounts } from "../../src/accounts/PaperAccounts.ts"
import { KeyRing } from "../../src/accounts/secrets/KeyRing.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { ExchangeUnavailable } from "../../src/api/Errors.ts"
import { format } from "../../src/domain/Decimal.ts"
import { UserId } from "../../src/domain/Ids.ts"
import type { Principal } from "../../src/domain/Principal.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { freezes } from "../kit/KeyFreezes.ts"
import { layerAt, temporaryFolder } from "../kit/TestDatabase.ts"

const principalOf = (name: string): Principal => ({
  userId: UserId.make(`local_${name}`),
  via: "apiKey",
  credentialId: "0123456789abcdef",
  scopes: new Set(["read"]),
  freshMinutes: null
})
const ann = principalOf("ann")
const bob = principalOf("bob")

interface Opened {
  readonly accessKey: string
  readonly secret: string
  readonly usdt: string
}

/** A paper exchange that writes down what it was asked, and is away for the first `away` requests. */
const exchange = (opened: Ref.Ref<ReadonlyArray<Opened>>, away = 0) =>
  Layer.succeed(PaperAccounts, {
    open: (pair: KeyPair, balances) =>
      Effect.gen(function* () {
        yield* Effect.yieldNow()
        const secret = Redacted.value(pair.secretKey)
        const usdt = balances["USDT"] === undefined ? "none" : format(balances["USDT"])
        const asked = yield* Ref.updateAndGet(opened, (all) => [...all, { accessKey: pair.accessKey, secret, usdt }])
        if (asked.length <= away) return yield* new ExchangeUnavailable({ message: "away" })
      })
  })

const appAt = (folder: string, paper: Layer.Layer<PaperAccounts>, venue = "paper") =>
  Accounts.layer.pipe(
    Layer.provideMerge(CredentialVault.layer),
    Layer.provideMerge(UsersRepo.layer),
    Layer.provide(freezes),
    Layer.provide(KeyRing.layer({ dataDir: folder, masterKeys: null })),
    Layer.provide(paper),
    Layer.provide(Layer.mock(MexcClient, {})),
    Layer.provideMerge(layerAt(folder, venue)),
    Layer.fresh
  )

const setup = Effect.all({ folder: temporaryFolder, opened: Ref.make<ReadonlyArray<Opened>>([]) })

describe("Accounts", () => {
  it.scoped(
    "a user's first request in paper mode makes a key and an account with 10,000 USDT, and the next costs nothing",
    () =>
      Effect.gen(function* () {
        const { folder, opened } = yield* setup
        yield* Effect.gen(function* () {
          const accounts = yield* Accounts
          const vault = yield* CredentialVault
          assert.isFalse(accounts.isReady(ann.userId))
          yield* accounts.ensure(ann)
          assert.isTrue(accounts.isReady(ann.userId))
          yield* accounts.ensure(ann)
          const credentials = yield* vault.get(ann.userId)
          assert.deepStrictEqual(yield* Ref.get(opened), [
            { accessKey: credentials.accessKey, secret: Redacted.value(credentials.secretKey), usdt: "10000" }
          ])
          assert.deepStrictEqual(yield* accounts.listActive, [ann.userId])
          assert.deepStrictEqual(yield* accounts.get(ann), {
            userId: ann.userId,
            venue: "paper",
            scopes: ["read"],
            credentialId: ann.credentialId,
            createdAt: 0
          })
          assert.strictEqual((yield* Effect.flip(accounts.get(bob)))._tag, "NOT_FOUND")
        }).pipe(Effect.provide(appAt(folder, exchange(opened))))
      })
  )

  it.scoped("a hundred first requests at once open one account, and each user has an own one", () =>
    Effect.gen(function* () {
      const { folder, opened } = yield* setup
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        yield* Effect.forEach(
          Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? ann : bob)),
          accounts.ensure,
          { concurrency: "unbounded", discard: true }
        )
        const asked = yield* Ref.get(opened)
        assert.strictEqual(asked.length, 2)
        assert.strictEqual(new Set(asked.map((one) => one.accessKey)).size, 2)
      }).pipe(Effect.provide(appAt(folder, exchange(opened))))
    })
  )

  it.scoped("what was cut off between key and account goes on with the same key, also in another life", () =>
    Effect.gen(function* () {
      const { folder, opened } = yield* setup
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        assert.strictEqual((yield* Effect.flip(accounts.ensure(ann)))._tag, "EXCHANGE_UNAVAILABLE")
        assert.isFalse(accounts.isReady(ann.userId))
        assert.deepStrictEqual(yield* accounts.listActive, [])
      }).pipe(Effect.provide(appAt(folder, exchange(opened, 1))))
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        yield* accounts.ensure(ann)
        assert.deepStrictEqual(yield* accounts.listActive, [ann.userId])
      }).pipe(Effect.provide(appAt(folder, exchange(opened, 1))))
      const asked = yield* Ref.get(opened)
      assert.strictEqual(asked.length, 2)
      assert.deepStrictEqual(asked[0], asked[1])
    })
  )

  it.scoped("a user who was provisioned is not given money again after a restart or a removed key", () =>
    Effect.gen(function* () {
      const { folder, opened } = yield* setup
      const life = appAt(folder, exchange(opened))
      yield* Effect.flatMap(Accounts, (accounts) => accounts.ensure(ann)).pipe(Effect.provide(life))
      yield* Effect.flatMap(CredentialVault, (vault) => vault.remove(ann.userId)).pipe(Effect.provide(life))
      yield* Effect.flatMap(Accounts, (accounts) => accounts.ensure(ann)).pipe(Effect.provide(life))
      assert.strictEqual((yield* Ref.get(opened)).length, 1)
    })
  )

  it.scoped("a key that somebody entered is left alone", () =>
    Effect.gen(function* () {
      const { folder, opened } = yield* setup
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        const vault = yield* CredentialVault
        yield* Effect.flatMap(UsersRepo, (users) => users.ensure(ann.userId))
        yield* vault.put(ann.userId, { accessKey: "theirs", secretKey: Redacted.make("secret") }, "user")
        yield* accounts.ensure(ann)
        assert.strictEqual((yield* vault.get(ann.userId)).accessKey, "theirs")
        assert.deepStrictEqual(yield* accounts.listActive, [ann.userId])
      }).pipe(Effect.provide(appAt(folder, exchange(opened))))
      assert.deepStrictEqual(yield* Ref.get(opened), [])
    })
  )

  it.scoped("on a real venue nothing is made but the user", () =>
    Effect.gen(function* () {
      const { folder, opened } = yield* setup
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        yield* accounts.ensure(ann)
        assert.deepStrictEqual(yield* accounts.listActive, [])
        assert.strictEqual((yield* accounts.get(ann)).venue, "api.mexc.com")
      }).pipe(Effect.provide(appAt(folder, exchange(opened), "api.mexc.com")))
      assert.deepStrictEqual(yield* Ref.get(opened), [])
    })
  )

  it.scoped("a disabled user is not active", () =>
    Effect.gen(function* () {
      const { folder, opened } = yield* setup
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        const sql = yield* SqlClient.SqlClient
        yield* Effect.forEach([ann, bob], accounts.ensure, { discard: true })
        yield* sql`UPDATE users SET disabled_at = 1 WHERE user_id = ${ann.userId}`
        assert.deepStrictEqual(yield* accounts.listActive, [bob.userId])
      }).pipe(Effect.provide(appAt(folder, exchange(opened))))
    })
  )
})
