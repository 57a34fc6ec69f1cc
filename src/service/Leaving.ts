import { Clock, Duration, Effect, Layer, Schedule } from "effect"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import { type User, UsersRepo } from "../accounts/UsersRepo.ts"
import { RuleSupervisor } from "../autobuy/RuleSupervisor.ts"
import { Rules } from "../autobuy/Rules.ts"
import { reason } from "../domain/Reason.ts"
import { TradingLimits } from "../orders/limits/TradingLimits.ts"
import { Ownership } from "../store/Ownership.ts"

const looking = Schedule.spaced("1 second")
const rulesAtOnce = 100
/** Without the key nobody can cancel or find orders any more; an exchange that is away longer keeps no secret alive. */
const longestWait = Duration.toMillis("24 hours")

/**
 * What follows when a user is disabled or deleted, in whatever process that was done: rules are paused, and of one who is
 * deleted the exchange key is destroyed once no order needs it. `Halting` cancels the orders. Begun again by every start.
 */
const make = Effect.gen(function* () {
  const limits = yield* TradingLimits
  const ownership = yield* Ownership
  const rules = yield* Rules
  const supervisor = yield* RuleSupervisor
  const users = yield* UsersRepo
  const vault = yield* CredentialVault
  /** With the time of it: one who came back may leave again. */
  const done = new Map<string, number>()

  const pauseRules = Effect.fnUntraced(function* ({ userId }: User) {
    const { items } = yield* rules.list(userId, { state: "active", limit: rulesAtOnce })
    const why = { state: "paused", reason: reason("USER_DISABLED") } as const
    yield* Effect.forEach(items, ({ id }) => supervisor.finish(userId, id, why), { discard: true })
    return items.length < rulesAtOnce
  })

  const destroyKey = Effect.fnUntraced(function* ({ userId }: User, deletedAt: number) {
    const { used } = yield* limits.inForce(userId)
    const waited = (yield* Clock.currentTimeMillis) - deletedAt
    if (used.openOrders > 0 && waited < longestWait) return false
    if (used.openOrders > 0)
      yield* Effect.logError("A deleted user's orders did not come to an end in a day; look them up at the exchange", {
        userId,
        orders: used.openOrders
      })
    yield* Effect.catchTag(vault.remove(userId), "CREDENTIALS_MISSING", () => Effect.void)
    yield* Effect.logInfo("The exchange key of a deleted user is destroyed", { userId })
    return true
  })

  const follow = Effect.fnUntraced(function* (user: User) {
    const paused = yield* pauseRules(user)
    const gone = user.deletedAt === null || (yield* destroyKey(user, user.deletedAt))
    if (paused && gone) done.set(user.userId, user.deletedAt ?? user.disabledAt ?? 0)
  })

  const isOver = (user: User) => done.get(user.userId) === (user.deletedAt ?? user.disabledAt)

  const look = Effect.gen(function* () {
    const left = (yield* users.disabled).filter((user) => !isOver(user))
    yield* Effect.forEach(
      left,
      (user) =>
        Effect.catchAllCause(follow(user), (cause) =>
          Effect.logWarning("A user who leaves could not be followed; trying again", { userId: user.userId }, cause)
        ),
      { discard: true }
    )
  }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("Users who leave could not be looked for", cause)))

  if (yield* ownership.isOwner) yield* Effect.forkScoped(Effect.repeat(look, looking))
})

export const layer = Layer.scopedDiscard(make).pipe(Layer.provide(UsersRepo.layer))
