import { Clock, Context, Duration, Effect, Layer, Option, Redacted } from "effect"
import type { ApiKey } from "../api/Account.ts"
import { Conflict, type DatabaseUnavailable, Forbidden, NotFound, QuotaExceeded, UserDisabled } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Principal, Scope } from "../domain/Principal.ts"
import { formatInstant } from "../domain/Time.ts"
import { Audit, type Audited } from "../store/Audit.ts"
import { Database } from "../store/Database.ts"
import { hashToken, makeKeyId, makeToken } from "./ApiKeyToken.ts"
import { type ApiKeyRow, ApiKeysRepo } from "./ApiKeysRepo.ts"
import { UsersRepo } from "./UsersRepo.ts"

export interface NewKey {
  readonly name: string | null
  readonly scopes: ReadonlyArray<Scope>
  /** Ninety days unless given, a year at most. */
  readonly expiresIn?: Duration.Duration
  /** From which alone it lets in; from anywhere unless given. */
  readonly addresses?: ReadonlyArray<string>
}

/** The token is shown once and stored nowhere. */
export interface CreatedKey extends ApiKey {
  readonly token: Redacted.Redacted
}

/** The keys of this service, `bk_…`: programs use them in every mode, people in local mode. */
export class ApiKeys extends Context.Tag("dipper/accounts/ApiKeys")<
  ApiKeys,
  {
    /** Creates the user when it is new. Only the owner at the command line may ask so. */
    readonly create: (
      userId: UserId,
      key: NewKey
    ) => Effect.Effect<CreatedKey, QuotaExceeded | UserDisabled | DatabaseUnavailable>
    /** A key for the caller with no more than the caller's own scopes. */
    readonly createFor: (
      caller: Principal,
      key: NewKey
    ) => Effect.Effect<CreatedKey, Forbidden | QuotaExceeded | UserDisabled | DatabaseUnavailable>
    /** Newest first, with those that were revoked. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<ApiKey>, DatabaseUnavailable>
    readonly get: (userId: UserId, keyId: string) => Effect.Effect<ApiKey, NotFound | DatabaseUnavailable>
    /**
     * Another secret for the same key, which keeps its id, scopes, addresses, limits and length of life. The secret before
     * lets in for the grace; one before that no more.
     */
    readonly rotate: (
      userId: UserId,
      keyId: string,
      grace: Duration.Duration
    ) => Effect.Effect<CreatedKey, NotFound | Conflict | DatabaseUnavailable>
    /** As `rotate`, of a key that may do no more than the caller. */
    readonly rotateFor: (
      caller: Principal,
      keyId: string,
      grace: Duration.Duration
    ) => Effect.Effect<CreatedKey, Forbidden | NotFound | Conflict | DatabaseUnavailable>
    /** Takes effect within two seconds, in every process. */
    readonly revoke: (userId: UserId, keyId: string) => Effect.Effect<ApiKey, NotFound | DatabaseUnavailable>
    /** Whose key it is, for the owner at the command line. */
    readonly ownerOf: (keyId: string) => Effect.Effect<UserId, NotFound | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    ApiKeys,
    Effect.suspend(() => make())
  ).pipe(Layer.provide([ApiKeysRepo.layer, UsersRepo.layer, Audit.layer]))
}

const defaultExpiry = Duration.days(90)
const longestExpiry = Duration.days(365)
const keysPerUser = 20

const make = Effect.fnUntraced(function* () {
  const audit = yield* Audit
  const database = yield* Database
  const repo = yield* ApiKeysRepo
  const users = yield* UsersRepo

  const create = Effect.fn("ApiKeys.create")(function* (
    userId: UserId,
    { addresses, expiresIn, name, scopes }: NewKey
  ) {
    const now = yield* Clock.currentTimeMillis
    const id = yield* Effect.sync(makeKeyId)
    const token = yield* Effect.sync(() => makeToken(id))
    const row: ApiKeyRow = {
      user_id: userId,
      key_id: id,
      hash: hashToken(Redacted.value(token)),
      name: name ?? "",
      scopes: [...new Set(scopes)],
      created_at: now,
      expires_at: now + Duration.toMillis(Duration.min(expiresIn ?? defaultExpiry, longestExpiry)),
      last_used_at: null,
      revoked_at: null,
      previous_hash: null,
      previous_until: null,
      rotated_at: null,
      addresses: addresses ?? []
    }
    yield* database.write(
      Effect.gen(function* () {
        if ((yield* users.ensure(userId)).deletedAt !== null) return yield* deleted
        if ((yield* repo.countLive(userId, now)) >= keysPerUser) return yield* tooMany
        yield* repo.insert(row)
        yield* audit.append(toldOf("keyCreated", row))
      })
    )
    return { ...toApiKey(row), token }
  })

  /** The addresses that the caller itself is bound to; none for a person. */
  const boundTo = ({ credentialId, userId }: Principal) =>
    Effect.map(
      repo.find(userId, credentialId),
      Option.match({ onNone: (): ReadonlyArray<string> => [], onSome: ({ addresses }) => addresses })
    )

  /** Neither in what it may do nor in where from. */
  const assertNoWider = Effect.fnUntraced(function* (
    caller: Principal,
    bound: ReadonlyArray<string>,
    key: { readonly scopes: ReadonlyArray<Scope>; readonly addresses: ReadonlyArray<string> }
  ) {
    if (!key.scopes.every((scope) => caller.scopes.has(scope))) return yield* widening
    if (bound.length === 0) return
    if (key.addresses.length === 0 || !key.addresses.every((range) => bound.includes(range))) return yield* widening
  })

  const createFor = Effect.fn("ApiKeys.createFor")(function* (caller: Principal, key: NewKey) {
    const bound = yield* boundTo(caller)
    const addresses = key.addresses ?? bound
    yield* assertNoWider(caller, bound, { scopes: key.scopes, addresses })
    return yield* create(caller.userId, { ...key, addresses })
  })

  const list = Effect.fn("ApiKeys.list")((userId: UserId) =>
    Effect.map(repo.list(userId), (rows) => rows.map(toApiKey))
  )

  const get = Effect.fn("ApiKeys.get")((userId: UserId, keyId: string) =>
    Effect.flatMap(
      repo.find(userId, keyId),
      Option.match({ onNone: () => notFound, onSome: (row) => Effect.succeed(toApiKey(row)) })
    )
  )

  const rotate = Effect.fn("ApiKeys.rotate")(function* (userId: UserId, keyId: string, grace: Duration.Duration) {
    const token = yield* Effect.sync(() => makeToken(keyId))
    return yield* database.write(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const old = Option.getOrNull(yield* repo.find(userId, keyId))
        if (old === null) return yield* notFound
        if (old.revoked_at !== null || now >= old.expires_at) return yield* over
        const row: ApiKeyRow = {
          ...old,
          hash: hashToken(Redacted.value(token)),
          previous_hash: old.hash,
          previous_until: now + Duration.toMillis(grace),
          rotated_at: now,
          expires_at: now + (old.expires_at - (old.rotated_at ?? old.created_at))
        }
        yield* repo.rotate(row)
        yield* audit.append(toldOf("keyRotated", row))
        return { ...toApiKey(row), token }
      })
    )
  })

  const rotateFor = Effect.fn("ApiKeys.rotateFor")(function* (
    caller: Principal,
    keyId: string,
    grace: Duration.Duration
  ) {
    yield* assertNoWider(caller, yield* boundTo(caller), yield* get(caller.userId, keyId))
    return yield* rotate(caller.userId, keyId, grace)
  })

  const revoke = Effect.fn("ApiKeys.revoke")(function* (userId: UserId, keyId: string) {
    return yield* database.write(
      Effect.gen(function* () {
        const row = Option.getOrNull(yield* repo.find(userId, keyId))
        if (row === null) return yield* notFound
        if (row.revoked_at !== null) return toApiKey(row)
        const revoked = { ...row, revoked_at: yield* Clock.currentTimeMillis }
        yield* repo.revoke(userId, keyId, revoked.revoked_at)
        yield* audit.append(toldOf("keyRevoked", revoked))
        return toApiKey(revoked)
      })
    )
  })

  const ownerOf = Effect.fn("ApiKeys.ownerOf")((keyId: string) =>
    Effect.flatMap(
      repo.findCredential(keyId),
      Option.match({ onNone: () => notFound, onSome: (row) => Effect.succeed(row.user_id) })
    )
  )

  return ApiKeys.of({ create, createFor, list, get, rotate, rotateFor, revoke, ownerOf })
})

const notFound = Effect.suspend(() => new NotFound({ message: "No such key." }))
const over = Effect.suspend(() => new Conflict({ message: "This key was revoked or has expired; make another one." }))
const deleted = Effect.suspend(() => new UserDisabled({ message: "This user was deleted; choose another name." }))
const tooMany = Effect.suspend(
  () => new QuotaExceeded({ message: `A user has at most ${keysPerUser} live keys; revoke one first.` })
)
const widening = Effect.suspend(() => new Forbidden({ message: "A key cannot make one that may do more than itself." }))

const toldOf = (action: "keyCreated" | "keyRotated" | "keyRevoked", row: ApiKeyRow): Audited => ({
  action,
  user: row.user_id,
  objectId: row.key_id,
  detail: {
    scopes: row.scopes.join(","),
    expiresAt: formatInstant(row.expires_at),
    ...(row.addresses.length === 0 ? {} : { addresses: row.addresses.join(",") }),
    ...(row.previous_until === null ? {} : { previousUntil: formatInstant(row.previous_until) })
  }
})

const toApiKey = (row: ApiKeyRow): ApiKey => ({
  id: row.key_id,
  name: row.name === "" ? null : row.name,
  scopes: row.scopes,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
  rotatedAt: row.rotated_at,
  previousUntil: row.previous_until,
  addresses: row.addresses
})
