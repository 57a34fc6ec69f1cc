import { Clock, Context, Effect, Layer, Option } from "effect"
import {
  type AuthUnavailable,
  type DatabaseUnavailable,
  type ImpersonationForbidden,
  type SessionPending,
  SetupRequired,
  type TokenExpired,
  Unauthenticated,
  UserDisabled
} from "../api/Errors.ts"
import { within } from "../domain/AddressRange.ts"
import type { UserId } from "../domain/Ids.ts"
import { type Principal, Scope } from "../domain/Principal.ts"
import type { Instant } from "../domain/Time.ts"
import { bearerOf, hashToken, idOf, isKey, sameHash, unknownHash } from "./ApiKeyToken.ts"
import { ApiKeysRepo, type Credential } from "./ApiKeysRepo.ts"
import { ClerkSessions, type Session } from "./clerk/ClerkSessions.ts"
import { EndedSessions } from "./clerk/EndedSessions.ts"
import { SessionTrail } from "./clerk/SessionTrail.ts"
import { makeLastUsed } from "./makeLastUsed.ts"
import { UsersRepo } from "./UsersRepo.ts"

type Refused =
  | Unauthenticated
  | TokenExpired
  | SetupRequired
  | SessionPending
  | ImpersonationForbidden
  | UserDisabled
  | AuthUnavailable

const stored = Layer.mergeAll(ApiKeysRepo.layer, UsersRepo.layer, EndedSessions.layer, SessionTrail.layer)

/** Turns an `Authorization` header into the one who asks. Handlers see the `Principal`, never a token. */
export class Auth extends Context.Tag("dipper/accounts/Auth")<
  Auth,
  {
    readonly authenticate: (header: string | undefined) => Effect.Effect<Principal, Refused | DatabaseUnavailable>
    /** Without a fiber and without the database; `undefined` = cannot tell, ask `authenticate`. */
    readonly authenticateCached: (header: string | undefined, now: Instant) => Principal | "unauthenticated" | undefined
    /** The credential of one who was let in before still is good, and so is its user. */
    readonly isStillGood: (principal: Principal) => Effect.Effect<boolean, DatabaseUnavailable>
    /** Everybody with a good credential can be let in; false while Clerk's keys are not known. */
    readonly isUsable: Effect.Effect<boolean>
  }
>() {
  /** Keys only. */
  static readonly layerLocal = Layer.scoped(
    Auth,
    Effect.suspend(() => make(null))
  ).pipe(Layer.provide(stored))

  /** Keys, and people who are signed in with Clerk. */
  static readonly layerClerk = Layer.scoped(
    Auth,
    Effect.flatMap(ClerkSessions, (sessions) => make(sessions))
  ).pipe(Layer.provide(stored))
}

/** How long a credential that was good is good without another look: the command line revokes from another process. */
const trustedMs = 2_000
/** Only good ones are remembered, so this bounds a forgotten case, not normal work. */
const maxKnown = 10_000

interface Known {
  readonly principal: Principal
  readonly expiresAt: Instant
  readonly checkedAt: Instant
}

const make = Effect.fnUntraced(function* (sessions: typeof ClerkSessions.Service | null) {
  const repo = yield* ApiKeysRepo
  const users = yield* UsersRepo
  const ended = yield* EndedSessions
  const trail = yield* SessionTrail
  const lastUsed = yield* makeLastUsed(repo.markUsed)
  const known = new Map<string, Known>()
  let hasUsers = false

  const authenticateCached = (header: string | undefined, now: Instant) => {
    const refused = hasUsers || sessions !== null ? "unauthenticated" : undefined
    const token = bearerOf(header)
    if (token === null) return refused
    const entry = known.get(hashToken(token))
    if (entry === undefined) return mayBeGood(token) ? undefined : refused
    if (now < entry.checkedAt || now - entry.checkedAt > trustedMs || now >= entry.expiresAt) return undefined
    touch(entry.principal, now)
    return entry.principal
  }

  const mayBeGood = (token: string) => (isKey(token) ? idOf(token) !== null : sessions !== null)

  const touch = ({ credentialId, via }: Principal, now: Instant) => {
    if (via === "apiKey") lastUsed.touch(credentialId, now)
  }

  /** With Clerk people sign in by themselves: nobody has to make the first user. */
  const refuse = Effect.gen(function* () {
    hasUsers ||= yield* users.any
    return yield* hasUsers || sessions !== null ? unauthenticated() : setupRequired()
  })

  const remember = (hash: string, entry: Known) => {
    const oldest = known.size < maxKnown ? undefined : known.keys().next().value
    if (oldest !== undefined) known.delete(oldest)
    known.set(hash, entry)
    hasUsers = true
    touch(entry.principal, entry.checkedAt)
    return entry.principal
  }

  const byKey = Effect.fnUntraced(function* (token: string) {
    const id = idOf(token)
    if (id === null) return yield* refuse
    const hash = hashToken(token)
    const found = Option.getOrNull(yield* repo.findCredential(id))
    const now = yield* Clock.currentTimeMillis
    // Both are compared whether a key was found or not, so that the time tells nothing.
    const isNewest = sameHash(hash, found?.hash ?? unknownHash)
    const isBefore = sameHash(hash, found?.previous_hash ?? unknownHash)
    const until = found === null ? 0 : goodUntil(found, isNewest, isBefore)
    if (found === null || found.revoked_at !== null || now >= until) {
      known.delete(hash)
      return yield* refuse
    }
    if (found.disabled_at !== null) {
      known.delete(hash)
      return yield* disabled()
    }
    return remember(hash, { principal: toPrincipal(found), expiresAt: until, checkedAt: now })
  })

  const isDisabled = (userId: UserId) =>
    Effect.map(users.find(userId), (user) => Option.isSome(user) && user.value.disabledAt !== null)

  const bySession = Effect.fnUntraced(function* (token: string, verify: (typeof ClerkSessions.Service)["verify"]) {
    const hash = hashToken(token)
    known.delete(hash)
    const session = yield* verify(token)
    if (yield* ended.has(session.sessionId)) return yield* unauthenticated()
    if (yield* isDisabled(session.userId)) return yield* disabled()
    yield* trail.seen(session)
    const now = yield* Clock.currentTimeMillis
    return remember(hash, { principal: principalOf(session), expiresAt: session.expiresAt, checkedAt: now })
  })

  const authenticate = Effect.fn("Auth.authenticate")((header: string | undefined) => {
    const token = bearerOf(header)
    if (token === null) return refuse
    if (isKey(token)) return byKey(token)
    return sessions === null ? refuse : bySession(token, sessions.verify)
  })

  const isStillGood = Effect.fn("Auth.isStillGood")(function* ({ credentialId, userId, via }: Principal) {
    if (via === "clerk") return !((yield* isDisabled(userId)) || (yield* ended.has(credentialId)))
    const found = Option.getOrNull(yield* repo.findCredential(credentialId))
    return found !== null && found.disabled_at === null && isLive(found, yield* Clock.currentTimeMillis)
  })

  return Auth.of({
    authenticate,
    authenticateCached,
    isStillGood,
    isUsable: sessions === null ? Effect.succeed(true) : sessions.isUsable
  })
})

/** When the secret that was shown ends: with its key, or at the end of the grace; 0 when it is none of the key's. */
const goodUntil = (key: Credential, isNewest: boolean, isBefore: boolean): Instant => {
  if (isNewest) return key.expires_at
  return isBefore ? Math.min(key.previous_until ?? 0, key.expires_at) : 0
}

const isLive = (key: Credential, now: Instant) => key.revoked_at === null && now < key.expires_at

const toPrincipal = (key: Credential): Principal => ({
  userId: key.user_id,
  via: "apiKey",
  credentialId: key.key_id,
  scopes: new Set(key.scopes),
  freshMinutes: null,
  ...(key.addresses.length === 0 ? {} : { allows: within(key.addresses) })
})

/** Whoever is signed in may do everything with what is theirs. */
const principalOf = ({ freshMinutes, org, sessionId, userId }: Session): Principal => ({
  userId,
  via: "clerk",
  credentialId: sessionId,
  scopes: new Set(Scope.literals),
  freshMinutes,
  ...(org === null ? {} : { org })
})

/** The same for every reason, so that a guess learns nothing. */
const unauthenticated = () =>
  new Unauthenticated({ message: "A valid key is needed: Authorization: Bearer bk_…; make one with `keys create`." })

const disabled = () => new UserDisabled({ message: "This user is disabled." })

const setupRequired = () =>
  new SetupRequired({
    message:
      "No user exists yet. On the server run: npm run -s dipper -- keys create --user NAME --scopes read,trade,manage"
  })
