import { Context, Effect, Layer, Option } from "effect"
import { type ClerkEvent, ClerkWebhooks, type WebhookHeaders } from "../accounts/clerk/ClerkWebhooks.ts"
import { EndedSessions } from "../accounts/clerk/EndedSessions.ts"
import { SessionTrail } from "../accounts/clerk/SessionTrail.ts"
import { UsersRepo } from "../accounts/UsersRepo.ts"
import type { DatabaseUnavailable, WebhookInvalid } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import { actingAsWebhook } from "../store/audit/acting.ts"
import { Database } from "../store/Database.ts"
import { UserStates } from "./UserStates.ts"

/**
 * What follows here from what Clerk tells, which comes late, in any order, more than once or never: a repetition finds its
 * effect there already, and what is older than the last that was heard of a user is not heard.
 */
export class ClerkEvents extends Context.Tag("dipper/service/ClerkEvents")<
  ClerkEvents,
  {
    readonly receive: (
      headers: WebhookHeaders,
      body: string
    ) => Effect.Effect<void, WebhookInvalid | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    ClerkEvents,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Layer.mergeAll(EndedSessions.layer, SessionTrail.layer, UsersRepo.layer)))
}

const make = Effect.gen(function* () {
  const database = yield* Database
  const sessions = yield* EndedSessions
  const trail = yield* SessionTrail
  const states = yield* UserStates
  const users = yield* UsersRepo
  const webhooks = yield* ClerkWebhooks

  /** Of somebody who was never here only a deletion is kept, so that a token that is still good opens no account. */
  const userAt = (userId: UserId, event: ClerkEvent) =>
    event.type === "userDeleted" ? Effect.asSome(users.ensure(userId)) : users.find(userId)

  const changeUser = Effect.fnUntraced(function* (
    event: Extract<ClerkEvent, { readonly type: "userDeleted" | "userUpdated" }>
  ) {
    const { at, userId } = event
    const user = Option.getOrNull(yield* userAt(userId, event))
    if (user === null || user.deletedAt !== null) return
    if (event.type === "userDeleted") return yield* states.remove(userId)
    if (user.toldAt !== null && at <= user.toldAt) return
    yield* users.markTold(userId, at)
    yield* states.asClerkSays(user, event.mayEnter)
  })

  const endSession = Effect.fnUntraced(function* (event: Extract<ClerkEvent, { readonly type: "sessionEnded" }>) {
    const { how, sessionId, userId } = event
    yield* sessions.add(sessionId)
    if (userId !== null) yield* trail.ended({ sessionId, userId }, how)
  })

  const apply = Effect.fnUntraced(function* (event: ClerkEvent) {
    switch (event.type) {
      case "userDeleted":
      case "userUpdated":
        return yield* changeUser(event)
      case "sessionEnded":
        return yield* endSession(event)
      case "other":
        return
    }
  })

  const receive = Effect.fn("ClerkEvents.receive")(function* (headers: WebhookHeaders, body: string) {
    const event = yield* webhooks.read(headers, body)
    yield* actingAsWebhook(database.write(apply(event)))
    yield* Effect.logInfo("Clerk told something", { type: event.type, message: headers.id })
  })

  return ClerkEvents.of({ receive })
})
