import { Context, Effect, Layer, Schedule } from "effect"
import { Accounts } from "../accounts/Accounts.ts"
import { type DatabaseUnavailable, Forbidden } from "../api/Errors.ts"
import type { HaltRequest } from "../api/Halt.ts"
import type { Halt } from "../domain/Halt.ts"
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

/** Halts of the command line are found by looking. An order the venue would not cancel is tried again at the next look. */
const looking = Schedule.spaced("500 millis")

const make = Effect.gen(function* () {
  const accounts = yield* Accounts
  const halts = yield* Halts
  const orders = yield* Orders
  const ownership = yield* Ownership

  const cancel = Effect.fnUntraced(function* (pending: PendingCancel) {
    const users = pending.who === "everybody" ? yield* accounts.listActive : [pending.who]
    let failed = 0
    for (const userId of users) {
      const query = pending.scope === "entries" ? ({ side: "buy" } as const) : {}
      const ended = yield* orders.cancelAll(userId, query)
      failed += ended.failed.length
      for (const { code, message, orderId } of ended.failed)
        yield* Effect.logWarning("An order could not be cancelled for a halt; trying again", { orderId, code, message })
    }
    if (failed === 0) yield* halts.cancelled(pending)
    else yield* Effect.sleep("3 seconds")
  })

  const follow = Effect.gen(function* () {
    for (const pending of yield* halts.pendingCancels) yield* cancel(pending)
  }).pipe(
    Effect.catchAllCause((cause) => Effect.logWarning("Orders could not be cancelled for a halt; trying again", cause))
  )
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
