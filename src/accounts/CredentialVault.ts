import { Clock, Context, Duration, Effect, Layer, Option, PubSub, Random, Redacted, Stream } from "effect"
import { randomBytes } from "node:crypto"
import type { CredentialInfo } from "../api/Account.ts"
import type {
  Conflict,
  CredentialsMissing,
  CredentialsRejected,
  CredentialTooPowerful,
  CredentialUnreadable,
  DatabaseUnavailable,
  ExchangeRateLimited,
  ExchangeUnavailable
} from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { Database } from "../store/Database.ts"
import {
  acceptable,
  frozenByOperator,
  missing,
  otherAccount,
  stillAcceptable,
  toRefusal,
  unprovenAccount,
  unreadable
} from "./credentials/refusals.ts"
import { ageDaysOf, endsByItself, warningsOf } from "./credentials/warnings.ts"
import { type CredentialRow, CredentialsRepo, type Permissions, placeOf } from "./CredentialsRepo.ts"
import { KeyFreezes } from "./KeyFreezes.ts"
import { makeLastUsed } from "./makeLastUsed.ts"
import { fingerprintOf } from "./secrets/fingerprintOf.ts"
import { KeyRing } from "./secrets/KeyRing.ts"
import { open, seal } from "./secrets/SealedBox.ts"

export interface KeyPair {
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
}

/** A pair as its owner gives it. */
export interface GivenKey extends KeyPair {
  /** Their word that it is bound to an address; of a pair that is stored already, what they said before. */
  readonly addressBound?: boolean | undefined
}

type Refused = CredentialsRejected | CredentialTooPowerful | ExchangeUnavailable | ExchangeRateLimited
type NotOpen = CredentialsMissing | CredentialUnreadable

/** Users' exchange keys: sealed at rest, open only between here and the line that signs. */
export class CredentialVault extends Context.Tag("dipper/accounts/CredentialVault")<
  CredentialVault,
  {
    /** Stores a key that the venue accepts and that cannot withdraw, in place of the one before. */
    readonly set: (userId: UserId, given: GivenKey) => Effect.Effect<CredentialInfo, Refused | DatabaseUnavailable>
    /** Stores a key without asking the venue or announcing it. The user must exist. */
    readonly put: (
      userId: UserId,
      pair: KeyPair,
      origin: CredentialRow["origin"]
    ) => Effect.Effect<void, DatabaseUnavailable>
    /** As `set`, for a user who has one, and with a key of the same account. The one before works until then. */
    readonly rotate: (
      userId: UserId,
      given: GivenKey
    ) => Effect.Effect<CredentialInfo, CredentialsMissing | Conflict | Refused | DatabaseUnavailable>
    readonly get: (userId: UserId) => Effect.Effect<Credentials, NotOpen | DatabaseUnavailable>
    readonly describe: (userId: UserId) => Effect.Effect<CredentialInfo, CredentialsMissing | DatabaseUnavailable>
    readonly remove: (userId: UserId) => Effect.Effect<void, CredentialsMissing | DatabaseUnavailable>
    /**
     * Asks the venue what the stored key may do, and keeps the answer: of a key that may withdraw the buys are frozen, one
     * that no longer may is free again. Fails, after keeping it, as a venue that would not tell.
     */
    readonly check: (
      userId: UserId
    ) => Effect.Effect<
      CredentialInfo,
      NotOpen | CredentialsRejected | ExchangeUnavailable | ExchangeRateLimited | DatabaseUnavailable
    >
    /** `check`, for a person: a key that could not be set now is refused. */
    readonly test: (userId: UserId) => Effect.Effect<CredentialInfo, NotOpen | Refused | DatabaseUnavailable>
    /** No order is sent under the stored key from now on, until it is unfrozen. */
    readonly freeze: (
      userId: UserId,
      by: "user" | "operator",
      reason: string | null
    ) => Effect.Effect<CredentialInfo, CredentialsMissing | DatabaseUnavailable>
    /** Asks of the key what setting it would. The operator's release ends the owner's freeze too. */
    readonly unfreeze: (
      userId: UserId,
      by: "user" | "operator"
    ) => Effect.Effect<CredentialInfo, NotOpen | Conflict | Refused | DatabaseUnavailable>
    /** Its owner's word that the key is bound to an address, or is not: the venue does not tell. */
    readonly setBound: (
      userId: UserId,
      bound: boolean
    ) => Effect.Effect<CredentialInfo, CredentialsMissing | DatabaseUnavailable>
    /** Users whose key was set or removed by this process, so that their streams follow. */
    readonly changes: Stream.Stream<UserId>
    /** For whoever used `put`, once the key works; and for a key that was set by another process. */
    readonly announce: (userId: UserId) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    CredentialVault,
    Effect.suspend(() => make())
  ).pipe(Layer.provide(CredentialsRepo.layer))
}

/** A key is looked at once a day, each at a time of its own. */
const day = Duration.toMillis("24 hours")
const nextCheck = (now: Instant) => Effect.map(Random.next, (share) => Math.round(now + day * (0.9 + 0.1 * share)))
/** After a look that came to nothing. */
const againAfter = Duration.toMillis("10 minutes")

const make = Effect.fnUntraced(function* () {
  const database = yield* Database
  const repo = yield* CredentialsRepo
  const freezes = yield* KeyFreezes
  const keyRing = yield* KeyRing
  const mexc = yield* MexcClient
  const lastUsed = yield* makeLastUsed(repo.markUsed)
  const changes = yield* PubSub.sliding<UserId>(256)

  const findRow = (userId: UserId) =>
    Effect.flatMap(repo.find(userId), Option.match({ onNone: () => missing, onSome: Effect.succeed }))

  const storeRow = Effect.fnUntraced(function* (
    userId: UserId,
    { addressBound, ...pair }: GivenKey,
    origin: CredentialRow["origin"],
    permissions: Permissions | null
  ) {
    const now = yield* Clock.currentTimeMillis
    const ring = yield* keyRing.ring
    const recordId = yield* Effect.sync(() => randomBytes(16).toString("hex"))
    const named = { user_id: userId, record_id: recordId }
    const fingerprint = fingerprintOf(pair.accessKey)
    const before = Option.getOrNull(yield* repo.find(userId))
    const said = before?.fingerprint === fingerprint ? before.address_bound : null
    const row: CredentialRow = {
      ...named,
      origin,
      access_prefix: pair.accessKey.slice(0, 4),
      fingerprint,
      key_ring_id: ring.current,
      sealed_access_key: yield* seal(ring, placeOf(named, "accessKey"), Redacted.make(pair.accessKey)),
      sealed_secret_key: yield* seal(ring, placeOf(named, "secretKey"), pair.secretKey),
      created_at: now,
      last_used_at: null,
      permissions,
      tested_at: permissions === null ? null : now,
      problem: null,
      check_at: permissions === null ? null : yield* nextCheck(now),
      address_bound: addressBound === undefined ? said : addressBound ? 1 : 0
    }
    // Its permissions were proven just now: whatever it could do before, it cannot withdraw.
    const proven = permissions === null ? Effect.void : freezes.release({ userId, fingerprint }, "service")
    yield* database.write(Effect.zipRight(repo.put(row), proven))
    return row
  })

  const announce = (userId: UserId) => Effect.asVoid(PubSub.publish(changes, userId))

  const summarise = Effect.fnUntraced(function* (row: CredentialRow) {
    const now = yield* Clock.currentTimeMillis
    const { fingerprint, permissions, user_id: userId } = row
    const summary: CredentialInfo = {
      keyPrefix: row.access_prefix,
      fingerprint,
      permissions: permissions === null ? [] : permissionNames.filter((name) => permissions[name]),
      problem: row.problem,
      frozen: yield* freezes.state({ userId, fingerprint }),
      addressBound: row.address_bound === 1,
      warnings: warningsOf(row, now).map(({ text }) => text),
      ageDays: ageDaysOf(row, now),
      createdAt: row.created_at,
      checkedAt: row.tested_at,
      lastUsedAt: row.last_used_at
    }
    return summary
  })

  const probe = (credentials: Credentials) =>
    mexc.permissions(credentials).pipe(Effect.mapError(toRefusal), Effect.tap(acceptable))

  const put = Effect.fn("CredentialVault.put")((userId: UserId, pair: KeyPair, origin: CredentialRow["origin"]) =>
    Effect.asVoid(storeRow(userId, pair, origin, null))
  )

  const describe = Effect.fn("CredentialVault.describe")((userId: UserId) => Effect.flatMap(findRow(userId), summarise))

  const store = Effect.fnUntraced(function* (userId: UserId, given: GivenKey, permissions: Permissions) {
    const row = yield* storeRow(userId, given, "user", permissions)
    yield* announce(userId)
    return yield* summarise(row)
  })

  const set = Effect.fn("CredentialVault.set")(function* (userId: UserId, given: GivenKey) {
    return yield* store(userId, given, yield* probe({ userId, ...given }))
  })

  const openRow = Effect.fnUntraced(function* (
    row: CredentialRow
  ): Effect.fn.Return<Credentials, CredentialUnreadable> {
    const ring = yield* keyRing.ring
    const opened = Option.all({
      accessKey: open(ring, placeOf(row, "accessKey"), row.sealed_access_key),
      secretKey: open(ring, placeOf(row, "secretKey"), row.sealed_secret_key)
    })
    if (Option.isNone(opened)) return yield* unreadable(row.user_id)
    const { accessKey, secretKey } = opened.value
    const now = yield* Clock.currentTimeMillis
    return {
      userId: row.user_id,
      accessKey: Redacted.value(accessKey),
      secretKey,
      ...(endsByItself(row) ? { ageDays: ageDaysOf(row, now) } : {})
    }
  })

  /** Of a key that ended already only what was learned of it while it worked can tell. */
  const accountOf = Effect.fnUntraced(function* (row: CredentialRow) {
    const learned = yield* repo.accountOf(row.fingerprint)
    if (Option.isSome(learned)) return learned
    return yield* Effect.option(Effect.flatMap(openRow(row), mexc.uid))
  })

  const rotate = Effect.fn("CredentialVault.rotate")(function* (userId: UserId, given: GivenKey) {
    const before = yield* findRow(userId)
    const credentials = { userId, ...given }
    const permissions = yield* probe(credentials)
    if (before.fingerprint !== fingerprintOf(given.accessKey)) {
      const next = yield* Effect.mapError(mexc.uid(credentials), toRefusal)
      const account = yield* accountOf(before)
      if (Option.isNone(account)) return yield* unprovenAccount()
      if (account.value !== next) return yield* otherAccount()
    }
    return yield* store(userId, given, permissions)
  })

  const get = Effect.fn("CredentialVault.get")(function* (userId: UserId) {
    const credentials = yield* openRow(yield* findRow(userId))
    lastUsed.touch(userId, yield* Clock.currentTimeMillis)
    return credentials
  })

  const remove = Effect.fn("CredentialVault.remove")(function* (userId: UserId) {
    if (!(yield* repo.remove(userId))) return yield* missing
    yield* announce(userId)
  })

  /** The venue was asked about the row, and said this. */
  const keep = Effect.fnUntraced(function* (
    row: CredentialRow,
    found: Pick<CredentialRow, "permissions" | "problem">
  ): Effect.fn.Return<CredentialRow, DatabaseUnavailable> {
    const now = yield* Clock.currentTimeMillis
    const tested = { ...row, ...found, tested_at: now, check_at: yield* nextCheck(now) }
    const key = { userId: row.user_id, fingerprint: row.fingerprint, keyPrefix: row.access_prefix }
    const judged =
      found.problem !== null
        ? Effect.void
        : found.permissions?.withdraw === true
          ? freezes.freeze(key, "service", "The key may withdraw.")
          : freezes.release(key, "service")
    yield* database.write(Effect.zipRight(repo.markTested(tested), judged))
    return tested
  })

  const look = Effect.fnUntraced(function* (userId: UserId) {
    const row = yield* findRow(userId)
    // Until it is known better: a key that cannot be opened or asked about must not come up again at once.
    yield* repo.askAgainAt(row, (yield* Clock.currentTimeMillis) + againAfter)
    const asked = yield* Effect.either(mexc.permissions(yield* openRow(row)))
    if (asked._tag === "Right") return yield* keep(row, { permissions: asked.right, problem: null })
    // Refused for its time, nothing of the key was looked at.
    if (asked.left._tag === "VenueRefused" && asked.left.kind !== "time") {
      const { code = null, message } = asked.left
      yield* keep(row, { permissions: row.permissions, problem: { code, message } })
    }
    return yield* toRefusal(asked.left)
  })

  const check = Effect.fn("CredentialVault.check")((userId: UserId) => Effect.flatMap(look(userId), summarise))

  const lookAccepting = (userId: UserId) =>
    Effect.tap(look(userId), ({ permissions }) => (permissions === null ? Effect.void : stillAcceptable(permissions)))

  const test = Effect.fn("CredentialVault.test")((userId: UserId) => Effect.flatMap(lookAccepting(userId), summarise))

  const freeze = Effect.fn("CredentialVault.freeze")(function* (
    userId: UserId,
    by: "user" | "operator",
    reason: string | null
  ) {
    const row = yield* findRow(userId)
    yield* freezes.freeze({ userId, fingerprint: row.fingerprint, keyPrefix: row.access_prefix }, by, reason)
    return yield* summarise(row)
  })

  const unfreeze = Effect.fn("CredentialVault.unfreeze")(function* (userId: UserId, by: "user" | "operator") {
    const { fingerprint } = yield* findRow(userId)
    const key = { userId, fingerprint }
    const before = yield* freezes.state(key)
    if (by === "user" && before?.by === "operator") return yield* frozenByOperator()
    const row = yield* lookAccepting(userId)
    yield* database.write(
      Effect.zipRight(
        freezes.release(key, "user"),
        Effect.when(freezes.release(key, "operator"), () => by === "operator")
      )
    )
    return yield* summarise(row)
  })

  const setBound = Effect.fn("CredentialVault.setBound")(function* (userId: UserId, bound: boolean) {
    if (!(yield* repo.markBound(userId, bound))) return yield* missing
    return yield* describe(userId)
  })

  return CredentialVault.of({
    set,
    put,
    rotate,
    get,
    describe,
    remove,
    check,
    test,
    freeze,
    unfreeze,
    setBound,
    announce,
    changes: Stream.fromPubSub(changes)
  })
})

const permissionNames = ["read", "trade", "withdraw"] as const
