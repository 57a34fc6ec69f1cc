import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Stream, TestClock } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { inspect } from "node:util"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import { KeyFreezes } from "../../src/accounts/KeyFreezes.ts"
import { KeyRing } from "../../src/accounts/secrets/KeyRing.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { UserId } from "../../src/domain/Ids.ts"
import type { Credentials } from "../../src/mexc/Credentials.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { VenueRateLimited, VenueRefused, VenueUnavailable } from "../../src/mexc/VenueFailure.ts"
import { Events } from "../../src/store/Events.ts"
import { freezes } from "../kit/KeyFreezes.ts"
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

type Uid = ReturnType<(typeof MexcClient.Service)["uid"]>

const vaultAt = (
  folder: string,
  probe: (credentials: Credentials) => Probe = () => good,
  uid: (credentials: Credentials) => Uid = () => Effect.succeed("1")
) =>
  CredentialVault.layer.pipe(
    Layer.provideMerge(KeyRing.layer({ dataDir: folder, masterKeys: null })),
    Layer.provideMerge(UsersRepo.layer),
    Layer.provideMerge(freezes),
    Layer.provideMerge(layerAt(folder)),
    Layer.provide(Layer.mock(MexcClient, { permissions: probe, uid })),
    Layer.fresh
  )

const inVault = <A, E>(
  use: Effect.Effect<A, E, CredentialVault | KeyFreezes | Events | UsersRepo | SqlClient.SqlClient>,
  probe?: (credentials: Credentials) => Probe,
  uid?: (credentials: Credentials) => Uid
) =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    return yield* Effect.zipRight(makeUsers, use).pipe(Effect.provide(vaultAt(folder, probe, uid)))
  })

const makeUsers = Effect.flatMap(UsersRepo, (users) => Effect.forEach([ann, bob], users.ensure, { discard: true }))

/** A clock that moves so far has everything else of the process run as often as in all that time. */
const age = (days: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`UPDATE exchange_credentials SET created_at = ${-days * 86_400_000}`)

const told = Effect.flatMap(Events, (events) =>
  Effect.map(events.since(ann, 0, 100), ({ events: all }) => all.map(({ type }) => type))
)

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
        assert.deepStrictEqual([tested.permissions, tested.warnings.length], [["read", "trade"], 1])
        assert.match(tested.warnings.join(), /bound to an address/)
        assert.deepStrictEqual(yield* vault.describe(ann), tested)
        yield* age(74)
        assert.strictEqual((yield* vault.describe(ann)).warnings.length, 1)
        yield* age(75)
        const old = yield* vault.describe(ann)
        assert.strictEqual(old.ageDays, 75)
        assert.match(old.warnings.join(), /75 days old.*in 15 days/)
      })
    )
  )

  it.scoped(
    "a key that its owner has bound to an address does not end; that it was said is kept for the same key",
    () =>
      inVault(
        Effect.gen(function* () {
          const vault = yield* CredentialVault
          yield* vault.set(ann, { ...pair, addressBound: true })
          yield* age(80)
          const bound = yield* vault.describe(ann)
          assert.deepStrictEqual([bound.addressBound, bound.warnings], [true, []])
          assert.isUndefined((yield* vault.get(ann)).ageDays)
          assert.match((yield* vault.setBound(ann, false)).warnings.join(), /80 days old/)
          assert.strictEqual((yield* vault.get(ann)).ageDays, 80)
          yield* vault.setBound(ann, true)
          assert.isTrue((yield* vault.set(ann, pair)).addressBound)
          assert.isFalse((yield* vault.set(ann, other)).addressBound)
          assert.strictEqual((yield* Effect.flip(vault.setBound(bob, true)))._tag, "CREDENTIALS_MISSING")
        })
      )
  )

  it.scoped("a key that has become able to withdraw is frozen for buys and told once, until it no longer may", () => {
    let may = { read: true, trade: true, withdraw: false }
    return inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* vault.set(ann, pair)
        may = { read: true, trade: true, withdraw: true }
        for (let time = 0; time < 2; time++) {
          const found = yield* vault.check(ann)
          assert.deepStrictEqual([found.permissions, found.frozen?.by], [["read", "trade", "withdraw"], "service"])
        }
        assert.match((yield* Effect.flip(vault.test(ann))).message, /it is frozen/)
        assert.strictEqual((yield* Effect.flip(vault.unfreeze(ann, "operator")))._tag, "CREDENTIAL_TOO_POWERFUL")
        const freezes = yield* KeyFreezes
        const key = { userId: ann, fingerprint: (yield* vault.describe(ann)).fingerprint }
        const refused = yield* Effect.flip(freezes.assertAllowed(key, "buy"))
        assert.deepStrictEqual(
          [refused._tag, yield* freezes.assertAllowed(key, "sell")],
          ["CREDENTIAL_TOO_POWERFUL", undefined]
        )
        assert.deepStrictEqual(yield* told, ["notice.keyFrozen"])
        may = { read: true, trade: true, withdraw: false }
        assert.isNull((yield* vault.check(ann)).frozen)
        yield* freezes.assertAllowed(key, "buy")
      }),
      () => Effect.sync(() => may)
    )
  })

  it.scoped("what the venue says of the key as such is kept and shown, a venue that is away changes nothing", () => {
    let answer: Probe = good
    return inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* vault.set(ann, pair)
        yield* TestClock.adjust("1 hour")
        answer = Effect.fail(new VenueUnavailable({ message: "timeout" }))
        const before = yield* vault.describe(ann)
        assert.strictEqual((yield* Effect.flip(vault.check(ann)))._tag, "EXCHANGE_UNAVAILABLE")
        assert.deepStrictEqual(yield* vault.describe(ann), before)
        answer = Effect.fail(new VenueRefused({ kind: "permission", message: "IP not listed", code: 700006 }))
        assert.strictEqual((yield* Effect.flip(vault.check(ann)))._tag, "CREDENTIALS_REJECTED")
        const refused = yield* vault.describe(ann)
        assert.deepStrictEqual(refused.problem, { code: 700006, message: "IP not listed" })
        assert.deepStrictEqual([refused.permissions, refused.checkedAt], [["read", "trade"], 3_600_000])
        assert.match(refused.warnings.join(), /refused this key.*IP not listed/)
        answer = Effect.succeed({ read: true, trade: false, withdraw: false })
        const later = yield* vault.check(ann)
        assert.isNull(later.problem)
        assert.match(later.warnings.join(), /may not trade/)
      }),
      () => Effect.suspend(() => answer)
    )
  })

  it.scoped("a frozen key is free again only by who froze it, and stays frozen when it is removed and set again", () =>
    inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* vault.set(ann, pair)
        const mine = yield* vault.freeze(ann, "user", "lost laptop")
        assert.deepStrictEqual([mine.frozen?.by, mine.frozen?.reason], ["user", "lost laptop"])
        yield* vault.remove(ann)
        assert.strictEqual((yield* vault.set(ann, pair)).frozen?.by, "user")
        assert.isNull((yield* vault.set(ann, other)).frozen)
        assert.strictEqual((yield* vault.set(ann, pair)).frozen?.by, "user")
        assert.isNull((yield* vault.unfreeze(ann, "user")).frozen)
        yield* vault.freeze(ann, "user", null)
        yield* vault.freeze(ann, "operator", "incident")
        assert.strictEqual((yield* Effect.flip(vault.unfreeze(ann, "user")))._tag, "CONFLICT")
        assert.strictEqual((yield* vault.describe(ann)).frozen?.by, "operator")
        assert.isNull((yield* vault.unfreeze(ann, "operator")).frozen)
        assert.strictEqual((yield* Effect.flip(vault.freeze(bob, "user", null)))._tag, "CREDENTIALS_MISSING")
      })
    )
  )

  it.scoped("a rotation proves that both keys are of one account before the old one goes", () => {
    const accounts = new Map([
      [pair.accessKey, "1"],
      [other.accessKey, "2"]
    ])
    const uid = ({ accessKey }: Credentials) =>
      Effect.suspend(() => {
        const account = accounts.get(accessKey)
        return account === undefined
          ? Effect.fail(new VenueRefused({ kind: "auth", message: "api key invalid", code: 10072 }))
          : Effect.succeed(account)
      })
    return inVault(
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* vault.set(ann, pair)
        const elsewhere = yield* Effect.flip(vault.rotate(ann, other))
        assert.deepStrictEqual([elsewhere._tag, (yield* vault.get(ann)).accessKey], ["CONFLICT", pair.accessKey])
        accounts.delete(pair.accessKey)
        assert.match((yield* Effect.flip(vault.rotate(ann, other))).message, /cannot be proven/)
        // Learned while the old key worked.
        const sql = yield* SqlClient.SqlClient
        const { fingerprint } = yield* vault.describe(ann)
        yield* sql`INSERT INTO exchange_accounts ${sql.insert({ fingerprint, account: "2" })}`
        yield* vault.rotate(ann, other)
        assert.strictEqual((yield* vault.get(ann)).accessKey, other.accessKey)
      }),
      undefined,
      uid
    )
  })

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
