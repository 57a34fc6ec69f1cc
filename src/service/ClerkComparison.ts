import { Clock, Context, Duration, Effect, Layer, Option, Random, Schedule } from "effect"
import { ApiKeysRepo } from "../accounts/ApiKeysRepo.ts"
import { ClerkAway, type ClerkFailure, ClerkRefuses, type ClerkUser, ClerkUsers } from "../accounts/clerk/ClerkUsers.ts"
import { type User, UsersRepo } from "../accounts/UsersRepo.ts"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { Dependencies } from "../api/Status.ts"
import { RulesRepo } from "../autobuy/RulesRepo.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import { Database } from "../store/Database.ts"
import { Ownership } from "../store/Ownership.ts"
import { UserStates } from "./UserStates.ts"

/**
 * Asks Clerk once a day about the people who can still do something here, in case a webhook never came. What follows is
 * what follows from the webhook. Whoever Clerk does not tell about stays as they are.
 */
export class ClerkComparison extends Context.Tag("dipper/service/ClerkComparison")<
  ClerkComparison,
  { readonly health: Effect.Effect<Dependencies["clerkComparison"]> }
>() {
  static readonly layer = Layer.scoped(
    ClerkComparison,
    Effect.suspend(() => make)
  ).pipe(Layer.provide([ApiKeysRepo.layer, RulesRepo.layer, UsersRepo.layer]))
}

/** A start has better things to do first. */
const firstAfter = Duration.minutes(5)
const daily = Schedule.spaced("24 hours")
/** Clerk's API is for the pages as well: one call a second at most. */
const betweenCalls = Duration.seconds(1)
/** Who is told to wait longer leaves it for the next day. */
const longestWait = Duration.minutes(10)
const waitsInARow = 3
/** Clerk is away, rather than odd about somebody. */
const silencesInARow = 5
/** That more people were deleted in a day, and the webhook of each was lost, is less likely than that Clerk is wrong. */
const believable = { users: 3, share: 0.1 }

const isConcerned = ({ deletedAt, disabledAt, disabledBy }: User): boolean =>
  deletedAt === null && (disabledAt === null || disabledBy === "clerk")

/** Nobody told us anything of the user meanwhile. */
const isAsBefore = (now: User, before: User): boolean =>
  now.deletedAt === before.deletedAt &&
  now.disabledAt === before.disabledAt &&
  now.disabledBy === before.disabledBy &&
  now.toldAt === before.toldAt

/** What is wrong with a round besides that Clerk said nothing; `ClerkRefuses` is another such thing. */
const tooManyGone = (gone: number, known: number) =>
  new ClerkRefuses({
    message: `Clerk does not know ${gone} of ${known} users, and none was removed; remove who is gone indeed with \`users delete\``
  })

type Failure = ClerkFailure | DatabaseUnavailable

const make = Effect.gen(function* () {
  const clerk = yield* ClerkUsers
  const database = yield* Database
  const keys = yield* ApiKeysRepo
  const ownership = yield* Ownership
  const rules = yield* RulesRepo
  const states = yield* UserStates
  const users = yield* UsersRepo
  let problem: string | null = null
  let comparedAt: Instant | null = null

  /** Who has rules that buy or keys that let in; and whom Clerk has put out, because that may have ended. */
  const concerned = Effect.gen(function* () {
    const acting = new Set([...(yield* rules.owners), ...(yield* keys.owners(yield* Clock.currentTimeMillis))])
    return (yield* users.list)
      .filter((user) => user.userId.startsWith("user_") && isConcerned(user))
      .filter(({ disabledAt, userId }) => disabledAt !== null || acting.has(userId))
      .map(({ userId }) => userId)
  })

  /** A webhook that came while Clerk was asked is newer than the answer, which then counts for nothing. */
  const heed = Effect.fnUntraced(function* (before: User, { mayEnter, updatedAt }: ClerkUser) {
    const { userId } = before
    const user = Option.getOrNull(yield* users.find(userId))
    if (user === null || !isAsBefore(user, before) || mayEnter === (user.disabledAt === null)) return
    yield* states.asClerkSays(user, mayEnter)
    const heardUntil = Math.min(updatedAt, yield* Clock.currentTimeMillis)
    if (user.toldAt === null || heardUntil > user.toldAt) yield* users.markTold(userId, heardUntil)
    yield* Effect.logWarning("A webhook of Clerk was lost", { userId, mayEnter })
  })

  const compare = Effect.fnUntraced(function* (userId: UserId) {
    const before = Option.filter(yield* users.find(userId), isConcerned)
    if (Option.isNone(before)) return "here"
    const found = yield* patiently(clerk.find(userId))
    if (Option.isNone(found)) return "gone"
    yield* database.write(heed(before.value, found.value))
    return "here"
  })

  const removeAll = (gone: ReadonlyArray<UserId>) =>
    Effect.forEach(
      gone,
      (userId) =>
        Effect.zipRight(
          states.remove(userId),
          Effect.logWarning("A user was deleted at Clerk, and the webhook was lost", { userId })
        ),
      { discard: true }
    )

  const round = Effect.gen(function* () {
    yield* patiently(clerk.assertOurs)
    // In another order each day: who comes last in a round that is broken off is not always the same.
    const all = [...(yield* Random.shuffle(yield* concerned))]
    const gone: Array<UserId> = []
    let unanswered = 0
    let inARow = 0
    for (const userId of all) {
      yield* Effect.sleep(betweenCalls)
      const answer = yield* Effect.catchTag(compare(userId), "ClerkAway", Effect.succeed)
      const isSilent = answer instanceof ClerkAway
      inARow = isSilent ? inARow + 1 : 0
      if (isSilent) unanswered += 1
      if (isSilent && inARow === silencesInARow) return yield* answer
      if (answer === "gone") gone.push(userId)
    }
    const known = all.length - unanswered
    if (gone.length > believable.users && gone.length > known * believable.share)
      return yield* tooManyGone(gone.length, known)
    yield* removeAll(gone)
    return { unanswered, users: all.length }
  })

  const finish = Effect.fnUntraced(function* (compared: { readonly unanswered: number; readonly users: number }) {
    comparedAt = yield* Clock.currentTimeMillis
    problem = compared.unanswered === 0 ? null : `nothing was told of ${compared.unanswered} of ${compared.users} users`
    yield* compared.unanswered === 0
      ? Effect.logInfo("Users were compared with Clerk", compared)
      : Effect.logWarning("Clerk did not tell of some users; they are asked for again in a day", compared)
  })

  /** What the owner has to set right is said once, loudly; the status says it until it is. */
  const breakOff = (failure: Failure) =>
    Effect.suspend(() => {
      const isNew = problem !== failure.message
      problem = failure.message
      if (failure._tag !== "ClerkRefuses")
        return Effect.logWarning("Users could not be compared with Clerk; again in a day", { problem })
      return isNew ? Effect.logError("Users cannot be compared with Clerk", { problem }) : Effect.void
    })

  const everyDay = Effect.matchEffect(round, { onFailure: breakOff, onSuccess: finish }).pipe(
    Effect.catchAllCause((cause) => Effect.logError("The comparison with Clerk failed; again in a day", cause)),
    Effect.repeat(daily),
    Effect.delay(firstAfter)
  )

  const isOurs = clerk.off === null && (yield* ownership.isOwner)
  if (isOurs) yield* Effect.forkScoped(everyDay)
  else if (clerk.off !== null) yield* Effect.logDebug("Users are not compared with Clerk", { reason: clerk.off })

  return ClerkComparison.of({
    health: Effect.sync(() => ({
      status: problem === null ? ("up" as const) : ("degraded" as const),
      detail: clerk.off === null ? (isOurs ? problem : "the owner of trading compares") : `off: ${clerk.off}`,
      comparedAt
    }))
  })
})

/** Waits as long as Clerk says and asks again, some times. */
const patiently = <A>(ask: Effect.Effect<A, ClerkFailure>, times = waitsInARow): Effect.Effect<A, ClerkFailure> =>
  Effect.catchTag(ask, "ClerkBusy", (busy) =>
    times === 0 || Duration.greaterThan(busy.retryAfter, longestWait)
      ? busy
      : Effect.delay(patiently(ask, times - 1), Duration.max(busy.retryAfter, betweenCalls))
  )
