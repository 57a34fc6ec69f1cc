import { Clock, Context, Duration, Effect, Layer, Option, PubSub, Redacted, Stream } from "effect"
import { randomBytes } from "node:crypto"
import type { CredentialInfo } from "../api/Account.ts"
import {
  CredentialsMissing,
  CredentialsRejected,
  CredentialTooPowerful,
  CredentialUnreadable,
  type DatabaseUnavailable,
  ExchangeRateLimited,
  ExchangeUnavailable
} from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import type { VenueFailure } from "../mexc/VenueFailure.ts"
import { Audit } from "../store/Audit.ts"
import { Database } from "../store/Database.ts"
import { type CredentialRow, CredentialsRepo, type Permissions, placeOf } from "./CredentialsRepo.ts"
import { makeLastUsed } from "./makeLastUsed.ts"
import { fingerprintOf } from "./secrets/fingerprintOf.ts"
import { KeyRing } from "./secrets/KeyRing.ts"
import { open, seal } from "./secrets/SealedBox.ts"

export interface KeyPair {
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
}

export interface CredentialSummary extends CredentialInfo {
  /** Tells two keys with the same first characters apart. */
  readonly fingerprint: string
}

type Refused = CredentialsRejected | CredentialTooPowerful | ExchangeUnavailable | ExchangeRateLimited

/** Users' exchange keys: sealed at rest, open only between here and the line that signs. */
export class CredentialVault extends Context.Tag("dipper/accounts/CredentialVault")<
  CredentialVault,
  {
    /** Stores a key that the venue accepts and that cannot withdraw, in place of the one before. */
    readonly set: (userId: UserId, pair: KeyPair) => Effect.Effect<CredentialSummary, Refused | DatabaseUnavailable>
    /** Stores a key without asking the venue or announcing it. The user must exist. */
    readonly put: (
      userId: UserId,
      pair: KeyPair,
      origin: CredentialRow["origin"]
    ) => Effect.Effect<void, DatabaseUnavailable>
    /** As `set`, for a user who has one. */
    readonly rotate: (
      userId: UserId,
      pair: KeyPair
    ) => Effect.Effect<CredentialSummary, CredentialsMissing | Refused | DatabaseUnavailable>
    readonly get: (
      userId: UserId
    ) => Effect.Effect<Credentials, CredentialsMissing | CredentialUnreadable | DatabaseUnavailable>
    readonly describe: (userId: UserId) => Effect.Effect<CredentialSummary, CredentialsMissing | DatabaseUnavailable>
    readonly remove: (userId: UserId) => Effect.Effect<void, CredentialsMissing | DatabaseUnavailable>
    /** Asks the venue what the stored key may do. */
    readonly test: (
      userId: UserId
    ) => Effect.Effect<CredentialSummary, CredentialsMissing | CredentialUnreadable | Refused | DatabaseUnavailable>
    /** Users whose key was set or removed by this process, so that their streams follow. */
    readonly changes: Stream.Stream<UserId>
    /** For whoever used `put`, once the key works. */
    readonly announce: (userId: UserId) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    CredentialVault,
    Effect.suspend(() => make())
  ).pipe(Layer.provide([CredentialsRepo.layer, Audit.layer]))
}

/** Keys without a bound address end after 90 days at the venue. */
const renewAfterDays = 75

const make = Effect.fnUntraced(function* () {
  const audit = yield* Audit
  const database = yield* Database
  const repo = yield* CredentialsRepo
  const keyRing = yield* KeyRing
  const mexc = yield* MexcClient
  const lastUsed = yield* makeLastUsed(repo.markUsed)
  const changes = yield* PubSub.sliding<UserId>(256)

  const findRow = (userId: UserId) =>
    Effect.flatMap(repo.find(userId), Option.match({ onNone: () => missing, onSome: Effect.succeed }))

  const storeRow = Effect.fnUntraced(function* (
    userId: UserId,
    pair: KeyPair,
    origin: CredentialRow["origin"],
    permissions: Permissions | null
  ) {
    const now = yield* Clock.currentTimeMillis
    const ring = yield* keyRing.ring
    const recordId = yield* Effect.sync(() => randomBytes(16).toString("hex"))
    const named = { user_id: userId, record_id: recordId }
    const row: CredentialRow = {
      ...named,
      origin,
      access_prefix: pair.accessKey.slice(0, 4),
      fingerprint: fingerprintOf(pair.accessKey),
      key_ring_id: ring.current,
      sealed_access_key: yield* seal(ring, placeOf(named, "accessKey"), Redacted.make(pair.accessKey)),
      sealed_secret_key: yield* seal(ring, placeOf(named, "secretKey"), pair.secretKey),
      created_at: now,
      last_used_at: null,
      permissions,
      tested_at: permissions === null ? null : now
    }
    yield* database.write(
      Effect.gen(function* () {
        const before = Option.getOrNull(yield* repo.find(userId))
        yield* repo.put(row)
        const replaced = before === null ? {} : { replaced: before.fingerprint }
        const detail = { fingerprint: row.fingerprint, origin, ...replaced }
        yield* audit.append({ action: "credentialsSet", user: userId, objectId: recordId, detail })
      })
    )
    return row
  })

  const announce = (userId: UserId) => Effect.asVoid(PubSub.publish(changes, userId))

  const probe = (credentials: Credentials) =>
    mexc.permissions(credentials).pipe(Effect.mapError(toRefusal), Effect.tap(acceptable))

  const put = Effect.fn("CredentialVault.put")((userId: UserId, pair: KeyPair, origin: CredentialRow["origin"]) =>
    Effect.asVoid(storeRow(userId, pair, origin, null))
  )

  const describe = Effect.fn("CredentialVault.describe")(function* (userId: UserId) {
    return summarise(yield* findRow(userId), yield* Clock.currentTimeMillis)
  })

  const set = Effect.fn("CredentialVault.set")(function* (userId: UserId, pair: KeyPair) {
    const permissions = yield* probe({ userId, ...pair })
    const row = yield* storeRow(userId, pair, "user", permissions)
    yield* announce(userId)
    return summarise(row, row.created_at)
  })

  const rotate = Effect.fn("CredentialVault.rotate")((userId: UserId, pair: KeyPair) =>
    Effect.zipRight(findRow(userId), set(userId, pair))
  )

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
    return { userId: row.user_id, accessKey: Redacted.value(accessKey), secretKey }
  })

  const get = Effect.fn("CredentialVault.get")(function* (userId: UserId) {
    const credentials = yield* openRow(yield* findRow(userId))
    lastUsed.touch(userId, yield* Clock.currentTimeMillis)
    return credentials
  })

  const remove = Effect.fn("CredentialVault.remove")(function* (userId: UserId) {
    yield* database.write(
      Effect.gen(function* () {
        const { fingerprint, record_id: objectId } = yield* findRow(userId)
        yield* repo.remove(userId)
        yield* audit.append({ action: "credentialsRemoved", user: userId, objectId, detail: { fingerprint } })
      })
    )
    yield* announce(userId)
  })

  const test = Effect.fn("CredentialVault.test")(function* (userId: UserId) {
    const row = yield* findRow(userId)
    const permissions = yield* probe(yield* openRow(row))
    const now = yield* Clock.currentTimeMillis
    yield* repo.markTested(userId, row.record_id, permissions, now)
    return summarise({ ...row, permissions, tested_at: now }, now)
  })

  return CredentialVault.of({
    set,
    put,
    rotate,
    get,
    describe,
    remove,
    test,
    announce,
    changes: Stream.fromPubSub(changes)
  })
})

const missing = Effect.suspend(
  () =>
    new CredentialsMissing({
      message: "No exchange key is stored; set one with `credentials set` or PUT /api/v1/account/credentials."
    })
)

const unreadable = (userId: UserId) =>
  Effect.zipRight(
    Effect.logError("A stored exchange key does not open with the key ring in use").pipe(
      Effect.annotateLogs("userId", userId)
    ),
    new CredentialUnreadable({ message: "The stored exchange key cannot be opened; set it again." })
  )

const acceptable = ({
  read,
  withdraw
}: Permissions): Effect.Effect<void, CredentialsRejected | CredentialTooPowerful> => {
  if (withdraw)
    return new CredentialTooPowerful({
      message: "This exchange key may withdraw; make one at the exchange that may only read and trade."
    })
  return read ? Effect.void : new CredentialsRejected({ message: "This exchange key may not read the spot account." })
}

const toRefusal = (failure: VenueFailure): CredentialsRejected | ExchangeUnavailable | ExchangeRateLimited => {
  switch (failure._tag) {
    case "VenueRefused":
      return new CredentialsRejected({
        message: "The exchange refused this key.",
        ...(failure.code === undefined ? {} : { venue: { code: failure.code, message: failure.message } })
      })
    case "VenueUnavailable":
      return new ExchangeUnavailable({ message: "The exchange does not answer; try again.", retryable: true })
    default:
      return new ExchangeRateLimited({
        message: "The exchange's request budget is used up; try again.",
        retryable: true,
        retryAfterSeconds: Math.max(1, Math.ceil(failure.retryAfterMs / 1000))
      })
  }
}

const summarise = (row: CredentialRow, now: Instant): CredentialSummary => {
  const ageDays = Math.max(0, Math.floor((now - row.created_at) / Duration.toMillis(Duration.days(1))))
  const { permissions } = row
  return {
    keyPrefix: row.access_prefix,
    fingerprint: row.fingerprint,
    permissions: permissions === null ? [] : permissionNames.filter((name) => permissions[name]),
    warnings: [...warningsOf(row, ageDays)],
    ageDays,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at
  }
}

const permissionNames = ["read", "trade", "withdraw"] as const

function* warningsOf({ origin, permissions }: CredentialRow, ageDays: number) {
  if (origin === "paper") return
  if (permissions === null) yield "This key was not tested with the exchange yet."
  else if (!permissions.trade) yield "This key may not trade: orders and rules will be refused."
  if (ageDays >= renewAfterDays)
    yield `This key is ${ageDays} days old; without a bound address the exchange ends it after 90.`
}
