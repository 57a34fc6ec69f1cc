import { Clock, Duration, Effect, Predicate, Schedule } from "effect"
import type { Accounts } from "../../accounts/Accounts.ts"
import type { UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import { Events } from "../../store/Events.ts"

/** One refusal may be the venue's bad moment. */
const refusalsToTell = 2

/** A user whose stream is down is asked about this often, and only so many at once: the venue's limits are for all. */
const asking = Schedule.spaced("30 seconds")
const askedAtOnce = 3
const patience = Duration.seconds(10)

const isTrouble = (failure: unknown) =>
  Predicate.isTagged(failure, "CREDENTIALS_REJECTED") || Predicate.isTagged(failure, "CREDENTIAL_UNREADABLE")

/** Tells a user whose exchange key no longer works, once until it works again. */
export const makeKeyTrouble = Effect.gen(function* () {
  const clock = yield* MarketClock
  const events = yield* Events
  const wallets = yield* Wallets
  const refusals = new Map<UserId, number>()
  /** Nothing is told of them, so a success needs no look into the database. */
  const fine = new Set<UserId>()
  const askedAt = new Map<UserId, number>()

  const works = (userId: UserId) =>
    Effect.suspend(() => {
      refusals.delete(userId)
      if (fine.has(userId)) return Effect.void
      return Effect.map(events.settle(userId, "notice.credentialsFailing", userId), () => void fine.add(userId))
    })

  const fails = Effect.fnUntraced(function* (userId: UserId, why: string) {
    const count = (refusals.get(userId) ?? 0) + 1
    refusals.set(userId, count)
    if (count < refusalsToTell) return
    fine.delete(userId)
    const since = yield* clock.now
    const text = `The exchange does not take your key any more, so nothing can be bought or sold: ${why}`
    yield* events.appendOnce(userId, {
      type: "notice.credentialsFailing",
      objectId: userId,
      data: { text, since, reason: reason("CREDENTIALS_REJECTED") }
    })
  })

  /** Learns from a question to the venue whether the user's key works. */
  const watched = <A, E extends { readonly message: string }, R>(userId: UserId, question: Effect.Effect<A, E, R>) =>
    question.pipe(
      Effect.tapBoth({
        onSuccess: () => Effect.ignoreLogged(works(userId)),
        onFailure: (failure) => (isTrouble(failure) ? Effect.ignoreLogged(fails(userId, failure.message)) : Effect.void)
      })
    )

  /** Those whose stream is down: nobody else asks the venue for them. */
  const askSilent = (active: typeof Accounts.Service.listActive, live: Effect.Effect<ReadonlySet<UserId>>) =>
    Effect.gen(function* () {
      const connected = yield* live
      const now = yield* Clock.currentTimeMillis
      const silent = (yield* active)
        .filter((userId) => !connected.has(userId))
        .sort((a, b) => (askedAt.get(a) ?? 0) - (askedAt.get(b) ?? 0))
        .slice(0, askedAtOnce)
      for (const userId of silent) {
        askedAt.set(userId, now)
        yield* Effect.ignore(Effect.timeout(watched(userId, wallets.reread(userId)), patience))
      }
    }).pipe(
      Effect.catchAllCause((cause) => Effect.logWarning("Users' keys could not be looked at", cause)),
      Effect.schedule(asking)
    )

  return { watched, askSilent }
})
