import { Context, Effect, FiberMap, Layer, Ref, Schedule, Stream } from "effect"
import { Accounts } from "../accounts/Accounts.ts"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import type { UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { OrderStatus } from "../domain/order/Order.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { MexcStream } from "../mexc/MexcStream.ts"
import type { UserEvent } from "../mexc/stream/Events.ts"
import { Wallets } from "../portfolio/Wallets.ts"
import { Inquiry } from "./Inquiry.ts"
import { makeListening } from "./feed/listening.ts"
import { makeKeyTrouble } from "./feed/keyTrouble.ts"
import { passingOver } from "./feed/passingOver.ts"
import { makeSweeping, overlapMs } from "./feed/sweeping.ts"
import { OrdersRepo } from "./OrdersRepo.ts"
import { Reconciled } from "./reconcile/Reconciled.ts"
import { VenueAccounts } from "./reconcile/VenueAccounts.ts"
import type { OrderRow } from "./record/OrderRow.ts"

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

/** Not sent yet, or asked for by name every few seconds. */
const leftToReconciler: ReadonlySet<OrderStatus> = new Set(["pending", "unknown"])

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
  const reconciled = yield* Reconciled
  const repo = yield* OrdersRepo
  const streams = yield* MexcStream
  const vault = yield* CredentialVault
  const venueAccounts = yield* VenueAccounts
  const wallets = yield* Wallets
  const feeds = yield* FiberMap.make<UserId>()
  const catchUps = yield* FiberMap.make<UserId>()
  const listening = yield* makeListening
  const keyTrouble = yield* makeKeyTrouble
  const live = yield* Ref.make<ReadonlySet<UserId>>(new Set())

  const isLive = (userId: UserId) => Effect.map(Ref.get(live), (users) => users.has(userId))

  const setLive = (userId: UserId, isLive: boolean) =>
    Effect.zipRight(
      Ref.update(live, (before) => {
        const after = new Set(before)
        if (isLive) after.add(userId)
        else after.delete(userId)
        return after
      }),
      wallets.setLive(userId, isLive)
    )

  const fillsSince = (userId: UserId, credentials: Credentials, symbol: SymbolName, from: number) =>
    Effect.flatMap(mexc.fills(credentials, { symbol, from }), ({ rows }) => inquiry.hearFills(userId, symbol, rows))

  /** An order of another account of the venue is none that this key could tell of. */
  const asked = (row: OrderRow, credentials: Credentials) =>
    Effect.flatMap(venueAccounts.belonging(row, credentials), (belonging) =>
      Effect.when(inquiry.ask(row, credentials), () => belonging !== "other")
    )

  /** Everything that may have been missed; joining it twice changes nothing. */
  const catchUp = Effect.fnUntraced(function* (userId: UserId, credentials: Credentials) {
    // After a start the user waits to trade for the reconciler, which asks about the same orders.
    yield* reconciled.whenDone(userId)
    // Without it a replaced key is only doubted longer.
    yield* Effect.ignore(venueAccounts.learn(credentials))
    yield* keyTrouble.watched(userId, wallets.reread(userId))
    const isListed = yield* inquiry.sweep(credentials)
    const unsettled = (yield* repo.unsettled).filter(
      (row) => row.user_id === userId && !leftToReconciler.has(row.status) && !isListed(row)
    )
    yield* Effect.forEach(unsettled, (row) => passingOver(row.symbol, asked(row, credentials)), { discard: true })
    const traded = yield* repo.lastFills(userId)
    yield* Effect.forEach(
      traded,
      ({ at, symbol }) => passingOver(symbol, fillsSince(userId, credentials, symbol, at - overlapMs)),
      { discard: true }
    )
    yield* setLive(userId, true)
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
        return yield* inquiry.hear(event.order, credentials)
      case "fill":
        return yield* inquiry.hearFills(userId, event.fill.symbol, [event.fill])
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
  const { sweep } = yield* makeSweeping(Ref.get(live), keyTrouble)
  yield* Effect.forkScoped(sweep)
  yield* Effect.forkScoped(keyTrouble.askSilent(accounts.listActive, Ref.get(live)))
  yield* Effect.forkScoped(Effect.repeat(followActive, lookForUsers))

  return UserFeed.of({ isLive })
})
