import { Clock, Context, Effect, Layer, Option } from "effect"
import { ApiKeysRepo } from "../accounts/ApiKeysRepo.ts"
import { type User, UsersRepo } from "../accounts/UsersRepo.ts"
import { Conflict, type DatabaseUnavailable } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import { Halts } from "../orders/limits/Halts.ts"
import { Database } from "../store/Database.ts"

/**
 * Whether somebody is a user still. Works beside a running server: from the commit on nobody is let in as that user and
 * nothing is sent for them; what follows from it is the work of `Leaving`.
 */
export class UserStates extends Context.Tag("dipper/service/UserStates")<
  UserStates,
  {
    readonly disable: (userId: UserId) => Effect.Effect<void, DatabaseUnavailable>
    /**
     * Lets the user in again and ends all halts of theirs; rules that were paused stay so until they are resumed. Refused
     * for one who was deleted.
     */
    readonly enable: (userId: UserId) => Effect.Effect<void, Conflict | DatabaseUnavailable>
    /**
     * What Clerk says of somebody: who is banned or locked there is put out here, and let in again when Clerk takes it back.
     * What the operator or the user did meanwhile, or before, stays: only what Clerk began ends so.
     */
    readonly asClerkSays: (user: User, mayEnter: boolean) => Effect.Effect<void, DatabaseUnavailable>
    /** For good: keys end, and the exchange key goes once nothing needs it. Orders, fills and books stay. */
    readonly remove: (userId: UserId) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    UserStates,
    Effect.gen(function* () {
      const database = yield* Database
      const halts = yield* Halts
      const keys = yield* ApiKeysRepo
      const users = yield* UsersRepo

      const stop = (userId: UserId, reason: string) => halts.set(userId, "operator", { ...whole, reason })

      const disable = Effect.fn("UserStates.disable")((userId: UserId) =>
        database.write(Effect.zipRight(users.disable(userId, "operator"), stop(userId, "The user is disabled.")))
      )

      /** A halt of the operator's becomes as wide as this one, and keeps its reason, by which it is known afterwards. */
      const putOut = Effect.fnUntraced(function* (userId: UserId) {
        const before = yield* halts.ofOperator(userId)
        yield* users.disable(userId, "clerk")
        yield* halts.set(userId, "operator", { ...whole, reason: before.halted ? before.reason : clerkSaysNo })
      })

      const asClerkSays = Effect.fn("UserStates.asClerkSays")((user: User, mayEnter: boolean) => {
        const { disabledAt, disabledBy, userId } = user
        if (!mayEnter && disabledAt === null) return database.write(putOut(userId))
        if (mayEnter && disabledBy === "clerk")
          return database.write(Effect.zipRight(users.enable(userId), halts.lift(userId, clerkSaysNo)))
        return Effect.void
      })

      const enable = Effect.fn("UserStates.enable")((userId: UserId) =>
        database.write(
          Effect.gen(function* () {
            const user = Option.getOrNull(yield* users.find(userId))
            if (user !== null && user.deletedAt !== null)
              return yield* new Conflict({ message: "This user was deleted, which is for good." })
            yield* users.enable(userId)
            yield* halts.set(userId, "operator", { halted: false, scope: "all", cancelOpen: false, reason: null })
          })
        )
      )

      const remove = Effect.fn("UserStates.remove")((userId: UserId) =>
        database.write(
          Effect.gen(function* () {
            yield* users.markDeleted(userId)
            yield* keys.revokeAll(userId, yield* Clock.currentTimeMillis)
            yield* stop(userId, "The user is deleted.")
          })
        )
      )

      return UserStates.of({ disable, enable, asClerkSays, remove })
    })
  ).pipe(Layer.provide(Layer.mergeAll(ApiKeysRepo.layer, UsersRepo.layer)))
}

const whole = { halted: true, scope: "all", cancelOpen: true } as const
const clerkSaysNo = "The user is banned or locked at Clerk."
