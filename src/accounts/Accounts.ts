import { Context, Effect, Layer, Option, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import type { Account } from "../api/Account.ts"
import {
  type CredentialUnreadable,
  type DatabaseUnavailable,
  type ExchangeUnavailable,
  NotFound
} from "../api/Errors.ts"
import { unsafe } from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Principal } from "../domain/Principal.ts"
import { Database } from "../store/Database.ts"
import { Meta } from "../store/Meta.ts"
import { CredentialsRepo } from "./CredentialsRepo.ts"
import { CredentialVault } from "./CredentialVault.ts"
import { PaperAccounts } from "./PaperAccounts.ts"
import { UsersRepo } from "./UsersRepo.ts"

/** Users and what they need to trade. */
export class Accounts extends Context.Tag("dipper/accounts/Accounts")<
  Accounts,
  {
    /**
     * What a user's first request needs: the user, and in paper mode a key and an account on the paper exchange, once.
     * A crash in between is resumed with the same key.
     */
    readonly ensure: (
      principal: Principal
    ) => Effect.Effect<void, ExchangeUnavailable | CredentialUnreadable | DatabaseUnavailable>
    /** `ensure` has nothing left to do. Costs nothing, for the path without fibers. */
    readonly isReady: (userId: UserId) => boolean
    readonly get: (principal: Principal) => Effect.Effect<Account, NotFound | DatabaseUnavailable>
    /** Users that have an exchange key that works and are not disabled. */
    readonly listActive: Effect.Effect<ReadonlyArray<UserId>, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    Accounts,
    Effect.suspend(() => make())
  ).pipe(Layer.provide(UsersRepo.layer), Layer.provide(CredentialsRepo.layer))
}

const openingBalances = { USDT: unsafe("10000") }

const make = Effect.fnUntraced(function* () {
  const database = yield* Database
  const meta = yield* Meta
  const users = yield* UsersRepo
  const credentials = yield* CredentialsRepo
  const vault = yield* CredentialVault
  const paper = yield* PaperAccounts
  const ready = new Set<UserId>()
  const turns = new Map<UserId, Effect.Semaphore>()

  /** One first request of a user at a time; another user's does not wait for it. */
  const inTurn = (userId: UserId) => {
    const turn = turns.get(userId) ?? Effect.unsafeMakeSemaphore(1)
    turns.set(userId, turn)
    return turn.withPermits(1)
  }

  /** Commits the key before the exchange hears of it, so that a repetition opens the same account. */
  const ensureKey = (userId: UserId) =>
    database.write(
      Effect.gen(function* () {
        const found = yield* credentials.find(userId)
        if (Option.isSome(found)) return found.value.origin
        yield* vault.put(userId, yield* Effect.sync(makePaperPair), "paper")
        return "paper" as const
      })
    )

  const provision = Effect.fnUntraced(function* (userId: UserId) {
    const origin = yield* ensureKey(userId)
    // A key that somebody entered belongs to an account that exists already.
    if (origin === "paper") {
      const pair = yield* Effect.catchTag(vault.get(userId), "CREDENTIALS_MISSING", (error) => Effect.die(error))
      yield* paper.open(pair, openingBalances)
    }
    yield* users.markProvisioned(userId)
    yield* vault.announce(userId)
  })

  const prepare = Effect.fnUntraced(function* (userId: UserId) {
    if (ready.has(userId)) return
    const user = yield* users.ensure(userId)
    if (meta.venue === "paper" && user.provisionedAt === null) yield* provision(userId)
    ready.add(userId)
    turns.delete(userId)
  })

  const prepareInTurn = Effect.fn("Accounts.ensure")((userId: UserId) => inTurn(userId)(prepare(userId)))

  // Asked by every request: a span is for those that have something to do.
  const ensure = ({ userId }: Principal) => (ready.has(userId) ? Effect.void : prepareInTurn(userId))

  const get = Effect.fn("Accounts.get")(({ userId, scopes, credentialId }: Principal) =>
    Effect.flatMap(
      users.find(userId),
      Option.match({
        onNone: () => new NotFound({ message: "No such account." }),
        onSome: ({ createdAt }) =>
          Effect.succeed({ userId, venue: meta.venue, scopes: [...scopes], credentialId, createdAt })
      })
    )
  )

  return Accounts.of({ ensure, isReady: (userId) => ready.has(userId), get, listActive: credentials.owners })
})

/** `pp` tells a key of ours from one of the venue. */
const makePaperPair = () => ({
  accessKey: `pp${randomBytes(12).toString("hex")}`,
  secretKey: Redacted.make(randomBytes(24).toString("hex"))
})
