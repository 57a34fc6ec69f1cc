import { Clock, Context, Effect, Layer, Option } from "effect"
import { ApiKeysRepo } from "../accounts/ApiKeysRepo.ts"
import { UsersRepo } from "../accounts/UsersRepo.ts"
import { Conflict, type DatabaseUnavailable } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import { Halts } from "../orders/limits/Halts.ts"
import { Audit } from "../store/Audit.ts"
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
    /** For good: keys end, and the exchange key goes once nothing needs it. Orders, fills and books stay. */
    readonly remove: (userId: UserId) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    UserStates,
    Effect.gen(function* () {
      const audit = yield* Audit
      const database = yield* Database
      const halts = yield* Halts
      const keys = yield* ApiKeysRepo
      const users = yield* UsersRepo

      const stop = (userId: UserId, reason: string) =>
        halts.set(userId, "operator", { halted: true, scope: "all", cancelOpen: true, reason })

      const tell = (action: "userDisabled" | "userEnabled" | "userDeleted", userId: UserId) =>
        audit.append({ action, user: userId, objectId: userId })

      const disable = Effect.fn("UserStates.disable")((userId: UserId) =>
        database.write(
          users
            .disable(userId)
            .pipe(Effect.zipRight(tell("userDisabled", userId)), Effect.zipRight(stop(userId, "The user is disabled.")))
        )
      )

      const enable = Effect.fn("UserStates.enable")((userId: UserId) =>
        database.write(
          Effect.gen(function* () {
            const user = Option.getOrNull(yield* users.find(userId))
            if (user !== null && user.deletedAt !== null)
              return yield* new Conflict({ message: "This user was deleted, which is for good." })
            yield* users.enable(userId)
            yield* tell("userEnabled", userId)
            yield* halts.set(userId, "operator", { halted: false, scope: "all", cancelOpen: false, reason: null })
          })
        )
      )

      const remove = Effect.fn("UserStates.remove")((userId: UserId) =>
        database.write(
          Effect.gen(function* () {
            yield* users.markDeleted(userId)
            yield* keys.revokeAll(userId, yield* Clock.currentTimeMillis)
            yield* tell("userDeleted", userId)
            yield* stop(userId, "The user is deleted.")
          })
        )
      )

      return UserStates.of({ disable, enable, remove })
    })
  ).pipe(Layer.provide(Layer.mergeAll(ApiKeysRepo.layer, UsersRepo.layer, Audit.layer)))
}
