import { Clock, Context, Duration, Effect, FiberMap, Layer, Ref, Schedule, Stream } from "effect"
import { Accounts } from "../accounts/Accounts.ts"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Pair } from "../domain/order/lots.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { MexcStream } from "../mexc/MexcStream.ts"
import type { UserEvent } from "../mexc/stream/Events.ts"
import { type VenueFailure, VenueRefused } from "../mexc/VenueFailure.ts"
import { Symbols } from "../market/Symbols.ts"
import type { ExchangeError } from "../market/VenueErrors.ts"
import { Wallets } from "../portfolio/Wallets.ts"
import { Inquiry } from "./Inquiry.ts"
import { makeListening } from "./listening.ts"
import { OrdersRepo } from "./OrdersRepo.ts"

/** New users and new keys get their feed within this time. */
const lookForUsers = Schedule.spaced("1 second")

/** A feed that broke starts anew, and with it its catch-up; for as long as the user is active. */
const restarting = Schedule.exponential("500 millis").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.jittered,
  Schedule.resetAfter("2 minutes")
)

/** Until the catch-up has worked the user's balances stay stale. */
const catchingUp = Schedule.exponential("500 millis").pipe(
  Schedule.union(Schedule.spaced("10 seconds")),
  Schedule.jittered
)

/**
 * A push that is lost leaves no trace. So the balances and the fills of one pair are read again this often, of one
 * user at a time: a seventh of the venue's weight at most, however many users there are.
 */
const sweptAgainAfter = Duration.toMillis("30 seconds")
const betweenSweeps = Schedule.spaced("5 seconds")

/** Fills are read again from a little before the last one known: they can arrive out of order. */
const overlapMs = 600_000

/** Refusals that would meet every question. */
const aboutTheKey = new Set<VenueRefused["kind"]>(["auth", "permission", "time"])

/** Keeps orders, fills and balances of every active user as the venue's private stream tells them. */
export class UserFeed extends Context.Tag("dipper/orders/UserFeed")<
  UserFeed,
  {
    /** Connected, and caught up since. */
    readonly isLive: (userId: UserId) => Effect.Effect<boolean>
  }
>() {
  static readonly layer = Layer.scoped(
    UserFeed,
    Effect.suspend(() => make)
  )

  /** Of an instance that does not own trading: it asks the venue when somebody reads. */
  static readonly layerIdle = Layer.succeed(UserFeed, UserFeed.of({ isLive: () => Effect.succeed(false) }))
}

const make = Effect.gen(function* () {
  const accounts = yield* Accounts
  const inquiry = yield* Inquiry
  const mexc = yield* MexcClient
  const repo = yield* OrdersRepo
  const streams = yield* MexcStream
  const symbols = yield* Symbols
  const vault = yield* CredentialVault
  const wallets = yield* Wallets
  const feeds = yield* FiberMap.make<UserId>()
  const catchUps = yield* FiberMap.make<UserId>()
  const listening = yield* makeListening
  const swept = new Map<UserId, { readonly at: number; readonly times: number }>()
  const live = yield* Ref.make<ReadonlySet<UserId>>(new Set())

  const isLive = (userId: UserId) => Effect.map(Ref.get(live), (users) => users.has(userId))

  const setLive = (userId: UserId, isLive: boolean) =>
    Effect.zipRight(
      Ref.update(live, (before) => {
        const after = new Set(before)
        if (isLive) after.add(userId)
        else {
          after.delete(userId)
          swept.delete(userId)
        }
        return after
      }),
      wallets.setLive(userId, isLive)
    )

  /** A pair the venue no longer lists cannot be split into its assets. */
  const pairOf = (symbol: SymbolName): Effect.Effect<Pair | null, ExchangeError> =>
    Effect.catchTag(symbols.get(symbol), "SYMBOL_NOT_FOUND", () => Effect.succeed(null))

  const fillsSince = (userId: UserId, credentials: Credentials, symbol: SymbolName, from: number) =>
    Effect.gen(function* () {
      const { rows: fills } = yield* mexc.fills(credentials, { symbol, from })
      if (fills.length > 0) yield* repo.recordFills(userId, fills, yield* pairOf(symbol))
    })

  /** A pair the venue no longer answers for must not keep the user's other orders and balances from being known. */
  const passingOver = <A, E>(symbol: SymbolName, asking: Effect.Effect<A, E | VenueFailure>) =>
    Effect.catchIf(
      Effect.asVoid(asking),
      (failure): failure is VenueRefused => failure instanceof VenueRefused && !aboutTheKey.has(failure.kind),
      ({ message }) => Effect.logWarning("The venue refused to tell about a symbol", { symbol, message })
    )

  /** Everything that may have been missed; joining it twice changes nothing. */
  const catchUp = Effect.fnUntraced(function* (userId: UserId, credentials: Credentials) {
    yield* wallets.reread(userId)
    const unsettled = (yield* repo.unsettled).filter((row) => row.user_id === userId && row.sent_at !== null)
    yield* Effect.forEach(unsettled, (row) => passingOver(row.symbol, inquiry.ask(row, credentials)), { discard: true })
    const traded = yield* repo.lastFills(userId)
    yield* Effect.forEach(
      traded,
      ({ at, symbol }) => passingOver(symbol, fillsSince(userId, credentials, symbol, at - overlapMs)),
      { discard: true }
    )
    yield* setLive(userId, true)
  })

  /** Pair after pair: all of them at once would cost a user with many the weight of everybody. */
  const sweep = Effect.fnUntraced(function* (userId: UserId, times: number) {
    const credentials = yield* vault.get(userId)
    yield* wallets.reread(userId)
    const traded = yield* repo.lastFills(userId)
    const next = traded[times % traded.length]
    if (next === undefined) return
    yield* passingOver(next.symbol, fillsSince(userId, credentials, next.symbol, next.at - overlapMs))
  })

  const sweepNext = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const users = [...(yield* Ref.get(live))].map((userId) => ({
      userId,
      ...(swept.get(userId) ?? { at: now, times: 0 })
    }))
    for (const user of users) if (!swept.has(user.userId)) swept.set(user.userId, user)
    const [longest] = users.toSorted((a, b) => a.at - b.at)
    if (longest === undefined || now - longest.at < sweptAgainAfter) return
    swept.set(longest.userId, { at: now, times: longest.times + 1 })
    yield* Effect.catchAllCause(sweep(longest.userId, longest.times), (cause) =>
      Effect.logDebug("An account could not be read again", { user: longest.userId }, cause)
    )
  })

  const catchUpUntilDone = (userId: UserId, credentials: Credentials) =>
    catchUp(userId, credentials).pipe(
      Effect.tapErrorCause((cause) =>
        Effect.logWarning("Catching up with the venue failed; trying again", { user: userId }, cause)
      ),
      Effect.sandbox,
      Effect.retry(catchingUp)
    )

  const hear = Effect.fnUntraced(function* (userId: UserId, credentials: Credentials, event: UserEvent) {
    switch (event.type) {
      case "connected":
        yield* FiberMap.run(catchUps, userId, catchUpUntilDone(userId, credentials))
        return
      case "interrupted":
        yield* FiberMap.remove(catchUps, userId)
        yield* setLive(userId, false)
        return
      case "order":
        yield* repo.tell(userId, event.order)
        return
      case "fill":
        yield* repo.recordFills(userId, [event.fill], yield* pairOf(event.fill.symbol))
        return
      case "balance":
        yield* wallets.record(userId, event.balance, event.at)
    }
  })

  const feed = (userId: UserId) =>
    Effect.gen(function* () {
      const credentials = yield* vault.get(userId)
      yield* Stream.runForEach(streams.user(credentials), (event) =>
        Effect.zipRight(
          event.type === "interrupted" ? Effect.void : listening.heard(userId),
          hear(userId, credentials, event)
        )
      )
    }).pipe(
      Effect.ensuring(Effect.zipRight(FiberMap.remove(catchUps, userId), setLive(userId, false))),
      Effect.tapErrorCause((cause) =>
        Effect.logWarning("The feed of a user stopped; starting it again", { user: userId }, cause)
      ),
      Effect.sandbox,
      Effect.retry(restarting)
    )

  const ensure = (userId: UserId) =>
    Effect.asVoid(FiberMap.run(feeds, userId, Effect.interruptible(feed(userId)), { onlyIfMissing: true }))

  const followActive = Effect.gen(function* () {
    const active = new Set(yield* accounts.listActive)
    const running = Array.from(feeds, ([userId]) => userId)
    yield* Effect.forEach(active, ensure, { discard: true })
    yield* Effect.forEach(
      running.filter((userId) => !active.has(userId)),
      (userId) => FiberMap.remove(feeds, userId),
      {
        discard: true
      }
    )
  }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("The active users could not be read", cause)))

  const restart = (userId: UserId) => Effect.zipRight(FiberMap.remove(feeds, userId), followActive)

  const restartDeaf = (userId: UserId) =>
    Effect.whenEffect(
      Effect.zipRight(
        Effect.logWarning("A user's stream says nothing of an order the venue has; making it anew", { user: userId }),
        restart(userId)
      ),
      isLive(userId)
    )

  yield* Effect.forkScoped(Stream.runForEach(vault.changes, restart))
  yield* Effect.forkScoped(Stream.runForEach(listening.deaf, restartDeaf))
  yield* Effect.forkScoped(Effect.schedule(sweepNext, betweenSweeps))
  yield* Effect.forkScoped(Effect.repeat(followActive, lookForUsers))

  return UserFeed.of({ isLive })
})
