import { Clock, Context, Effect, Layer, Option } from "effect"
import { type DatabaseUnavailable, SetupRequired, Unauthenticated, UserDisabled } from "../api/Errors.ts"
import type { Principal } from "../domain/Principal.ts"
import type { Instant } from "../domain/Time.ts"
import { hashToken, idOf, sameHash, tokenOf, unknownHash } from "./ApiKeyToken.ts"
import { ApiKeysRepo, type Credential } from "./ApiKeysRepo.ts"
import { makeLastUsed } from "./makeLastUsed.ts"
import { UsersRepo } from "./UsersRepo.ts"

/** Turns an `Authorization` header into the one who asks. Handlers see the `Principal`, never a token. */
export class Auth extends Context.Tag("dipper/accounts/Auth")<
  Auth,
  {
    readonly authenticate: (
      header: string | undefined
    ) => Effect.Effect<Principal, Unauthenticated | SetupRequired | UserDisabled | DatabaseUnavailable>
    /** Without a fiber and without the database; `undefined` = cannot tell, ask `authenticate`. */
    readonly authenticateCached: (header: string | undefined, now: Instant) => Principal | "unauthenticated" | undefined
    /** The credential of one who was let in before still is good, and so is its user. */
    readonly isStillGood: (principal: Principal) => Effect.Effect<boolean, DatabaseUnavailable>
  }
>() {
  /** Keys made by the command line only. */
  static readonly layerLocal = Layer.scoped(
    Auth,
    Effect.suspend(() => makeLocal())
  ).pipe(Layer.provide(ApiKeysRepo.layer), Layer.provide(UsersRepo.layer))
}

/** How long a key that was good is good without another look: the command line revokes from another process. */
const trustedMs = 2_000
/** Only good keys are remembered, so this bounds a forgotten case, not normal work. */
const maxKnown = 10_000

interface Known {
  readonly principal: Principal
  readonly expiresAt: Instant
  readonly checkedAt: Instant
}

const makeLocal = Effect.fnUntraced(function* () {
  const repo = yield* ApiKeysRepo
  const users = yield* UsersRepo
  const lastUsed = yield* makeLastUsed(repo.markUsed)
  const known = new Map<string, Known>()
  let hasUsers = false

  const authenticateCached = (header: string | undefined, now: Instant) => {
    const refused = hasUsers ? "unauthenticated" : undefined
    const token = tokenOf(header)
    if (token === null) return refused
    const entry = known.get(hashToken(token))
    if (entry === undefined) return idOf(token) === null ? refused : undefined
    if (now < entry.checkedAt || now - entry.checkedAt > trustedMs || now >= entry.expiresAt) return undefined
    lastUsed.touch(entry.principal.credentialId, now)
    return entry.principal
  }

  const refuse = Effect.gen(function* () {
    hasUsers ||= yield* users.any
    return yield* hasUsers ? unauthenticated() : setupRequired()
  })

  const remember = (hash: string, entry: Known) => {
    const oldest = known.size < maxKnown ? undefined : known.keys().next().value
    if (oldest !== undefined) known.delete(oldest)
    known.set(hash, entry)
    hasUsers = true
    lastUsed.touch(entry.principal.credentialId, entry.checkedAt)
    return entry.principal
  }

  const authenticate = Effect.fn("Auth.authenticate")(function* (header: string | undefined) {
    const token = tokenOf(header)
    const id = token === null ? null : idOf(token)
    if (token === null || id === null) return yield* refuse
    const hash = hashToken(token)
    const found = Option.getOrNull(yield* repo.findCredential(id))
    const now = yield* Clock.currentTimeMillis
    const proven = sameHash(hash, found?.hash ?? unknownHash)
    if (found === null || !proven || !isLive(found, now)) {
      known.delete(hash)
      return yield* refuse
    }
    if (found.disabled_at !== null) {
      known.delete(hash)
      return yield* new UserDisabled({ message: "This user is disabled." })
    }
    return remember(hash, { principal: toPrincipal(found), expiresAt: found.expires_at, checkedAt: now })
  })

  const isStillGood = Effect.fn("Auth.isStillGood")(function* ({ credentialId }: Principal) {
    const found = Option.getOrNull(yield* repo.findCredential(credentialId))
    return found !== null && found.disabled_at === null && isLive(found, yield* Clock.currentTimeMillis)
  })

  return Auth.of({ authenticate, authenticateCached, isStillGood })
})

const isLive = (key: Credential, now: Instant) => key.revoked_at === null && now < key.expires_at

const toPrincipal = (key: Credential): Principal => ({
  userId: key.user_id,
  via: "apiKey",
  credentialId: key.key_id,
  scopes: new Set(key.scopes),
  freshMinutes: null
})

/** The same for every reason, so that a guess learns nothing. */
const unauthenticated = () =>
  new Unauthenticated({ message: "A valid key is needed: Authorization: Bearer bk_…; make one with `keys create`." })

const setupRequired = () =>
  new SetupRequired({
    message:
      "No user exists yet. On the server run: npm run -s dipper -- keys create --user NAME --scopes read,trade,manage"
  })
