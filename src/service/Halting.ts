import { Context, Effect, FiberMap, Layer, Schedule } from "effect"
import { Accounts } from "../accounts/Accounts.ts"
import { type DatabaseUnavailable, Forbidden } from "../api/Errors.ts"
import type { HaltRequest } from "../api/Halt.ts"
import type { Halt } from "../domain/Halt.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Principal } from "../domain/Principal.ts"
import { Halts, type PendingCancel } from "../orders/limits/Halts.ts"
import { Orders } from "../orders/Orders.ts"
import { Ownership } from "../store/Ownership.ts"

/** The kill switch of a user, and what follows from any: the orders that wait are cancelled. */
export class Halting extends Context.Tag("dipper/service/Halting")<
  Halting,
  {
    /** In force when it returns; orders that wait are cancelled from then on. */
    readonly change: (principal: Principal, asked: HaltRequest) => Effect.Effect<Halt, Forbidden | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.scoped(
    Halting,
    Effect.suspend(() => make)
  )
}

/** Halts of the command line are found by looking. */
const looking = Schedule.spaced("500 millis")
/** What the venue would not cancel is asked for again, ever less often. */
const again = Schedule.exponential("500 millis").pipe(Schedule.union(Schedule.spaced("5 seconds")))
const usersAtOnce = 8

const keyOf = ({ origin, scope, since, who }: PendingCancel): string => `${origin} ${scope} ${since} ${who}`

const make = Effect.gen(function* () {
  const accounts = yield* Accounts
  const halts = yield* Halts
  const orders = yield* Orders
  const ownership = yield* Ownership

  const following = yield* FiberMap.make<string>()

  /** One user's trouble stays that user's: true when nothing is left to cancel. */
  const cancelAll = (userId: UserId, { scope }: PendingCancel) =>
    orders.cancelAll(userId, scope === "entries" ? { side: "buy" } : {}, "halt").pipe(
      Effect.tap(({ failed }) =>
        Effect.forEach(failed, (order) => Effect.logWarning("An order could not be cancelled for a halt", order))
      ),
      Effect.map(({ failed }) => failed.length === 0),
      Effect.catchAllCause((cause) =>
        Effect.as(Effect.logWarning("Orders of a user could not be cancelled for a halt", { userId }, cause), false)
      )
    )

  /** True when the halt needs no more attempts: its orders are cancelled, or it was released or replaced meanwhile. */
  const attempt = (halt: PendingCancel) =>
    Effect.gen(function* () {
      if (!(yield* halts.pendingCancels).some((other) => keyOf(other) === keyOf(halt))) return true
      const users = halt.who === "everybody" ? yield* accounts.listActive : [halt.who]
      const ended = yield* Effect.forEach(users, (userId) => cancelAll(userId, halt), { concurrency: usersAtOnce })
      if (!ended.every(Boolean)) return false
      yield* halts.cancelled(halt)
      return true
    }).pipe(
      Effect.catchAllCause((cause) => Effect.as(Effect.logWarning("A halt could not be followed; again", cause), false))
    )

  const follow = Effect.gen(function* () {
    for (const halt of yield* halts.pendingCancels)
      yield* FiberMap.run(
        following,
        keyOf(halt),
        Effect.repeat(attempt(halt), { schedule: again, until: (isOver) => isOver }),
        {
          onlyIfMissing: true
        }
      )
  }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("Halts could not be looked for; trying again", cause)))
  if (yield* ownership.isOwner) yield* Effect.forkScoped(Effect.repeat(follow, looking))

  const change = Effect.fn("Halting.change")(function* (principal: Principal, asked: HaltRequest) {
    const { userId } = principal
    const before = yield* halts.state(userId)
    const loosens = !asked.halted || (before.scope === "all" && before.by === "user" && asked.scope === "entries")
    if (loosens && !principal.scopes.has("manage"))
      return yield* new Forbidden({ message: 'Releasing or narrowing a halt needs a key with the scope "manage".' })
    yield* halts.set(userId, "user", { ...asked, reason: asked.reason ?? null })
    return yield* halts.state(userId)
  })

  return Halting.of({ change })
})
