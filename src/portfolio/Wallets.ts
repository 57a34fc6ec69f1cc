import { Clock, Context, Duration, Effect, FiberMap, Layer, Option, type Scope } from "effect"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import type {
  CredentialsMissing,
  CredentialsRejected,
  CredentialUnreadable,
  DatabaseUnavailable,
  ExchangeRateLimited,
  ExchangeUnavailable
} from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Source } from "../domain/Market.ts"
import type { VenueBalance } from "../domain/order/Order.ts"
import type { Instant } from "../domain/Time.ts"
import type { Wallet, WalletAsset } from "../domain/Wallet.ts"
import { Symbols } from "../market/Symbols.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { Meta } from "../store/Meta.ts"
import { BalancesRepo, type KeptBalances } from "./BalancesRepo.ts"
import { Ledger } from "./Ledger.ts"
import type { Reading } from "./ledger/Reading.ts"
import { walletHistory } from "./ledger/walletHistory.ts"
import { venueError } from "./venueError.ts"

export type WalletError =
  | CredentialsMissing
  | CredentialsRejected
  | CredentialUnreadable
  | DatabaseUnavailable
  | ExchangeRateLimited
  | ExchangeUnavailable

/** What a user has on the venue, kept by the private stream and re-read when that is silent. */
export class Wallets extends Context.Tag("dipper/portfolio/Wallets")<
  Wallets,
  {
    /** Kept balances while the private stream is up; otherwise the venue is asked when they are old. */
    readonly get: (userId: UserId) => Effect.Effect<Wallet, WalletError>
    /** Asks the venue now. */
    readonly refresh: (userId: UserId) => Effect.Effect<Wallet, WalletError>
    /** Available (free less reserved) of one asset. */
    readonly freeOf: (userId: UserId, asset: string) => Effect.Effect<Decimal.Decimal, WalletError>
    /** The same from what is kept, without asking anybody: also inside a transaction, whose intents it sees. */
    readonly keptFreeOf: (userId: UserId, asset: string) => Effect.Effect<Decimal.Decimal, DatabaseUnavailable>
    /** As `holding`, from what is kept, without asking anybody: also inside a transaction, whose intents it sees. */
    readonly keptHolding: (userId: UserId, asset: string) => Effect.Effect<Holding, DatabaseUnavailable>
    /** Free, locked and available of one asset, without prices. */
    readonly holding: (userId: UserId, asset: string) => Effect.Effect<Holding, WalletError>
    /** Joins one pushed balance; an older one than the kept changes nothing. */
    readonly record: (userId: UserId, balance: VenueBalance, at: Instant) => Effect.Effect<void, DatabaseUnavailable>
    /** Counts, without a fiber, how often balances of the user were told or read anew here, or their stream came or went. */
    readonly changes: Effect.Effect<(userId: UserId) => number>
    /** Calls the handler whenever balances of the user were told or read anew, while the scope lives. */
    readonly onChange: (userId: UserId, handler: () => void) => Effect.Effect<void, never, Scope.Scope>
    /** Asks the venue and keeps the answer, without making a wallet of it. */
    readonly reread: (userId: UserId) => Effect.Effect<void, WalletError>
    /** The private stream is up or down: balances grow old while it is down. */
    readonly setLive: (userId: UserId, live: boolean) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    Wallets,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(BalancesRepo.layer))
}

export interface Holding {
  readonly free: Decimal.Decimal
  readonly locked: Decimal.Decimal
  readonly reserved: Decimal.Decimal
  readonly available: Decimal.Decimal
}

/** Balances are shown in it, and an asset is worth what its pair with it says. */
const valuedIn = "USDT"

/** Without the private stream, balances older than this on the wall clock are read again. */
const freshFor = Duration.toMillis("10 seconds")

const pricesAtOnce = 16

const none: Holding = { free: Decimal.zero, locked: Decimal.zero, reserved: Decimal.zero, available: Decimal.zero }

const holdingsOf = ({ balances, reserved, unseen }: KeptBalances): ReadonlyMap<string, Holding> => {
  const holdings = new Map<string, Holding>()
  for (const { asset, free, locked } of balances)
    holdings.set(asset, { free, locked, reserved: Decimal.zero, available: free })
  for (const { reserve_amount: amount, reserve_asset: asset } of reserved) {
    const before = holdings.get(asset) ?? none
    const total = Decimal.add(before.reserved, amount)
    const available = Decimal.max(Decimal.zero, Decimal.subtract(before.free, total))
    holdings.set(asset, { ...before, reserved: total, available })
  }
  for (const { reserve_amount: amount, reserve_asset: asset } of unseen) {
    const before = holdings.get(asset) ?? none
    const available = Decimal.max(Decimal.zero, Decimal.subtract(before.available, amount))
    holdings.set(asset, { ...before, available })
  }
  return holdings
}

const make = Effect.gen(function* () {
  const clock = yield* MarketClock
  const hub = yield* TickerHub
  const ledger = yield* Ledger
  const meta = yield* Meta
  const mexc = yield* MexcClient
  const repo = yield* BalancesRepo
  const symbols = yield* Symbols
  const vault = yield* CredentialVault
  const settlings = yield* FiberMap.make<UserId>()
  const live = new Set<UserId>()
  /** Wall time of the last reading by this process. */
  const readAt = new Map<UserId, number>()
  const watchers = new Map<UserId, Set<() => void>>()

  const changes = new Map<UserId, number>()
  const changed = (userId: UserId) => void changes.set(userId, (changes.get(userId) ?? 0) + 1)

  const told = (userId: UserId) =>
    Effect.sync(() => {
      changed(userId)
      for (const watcher of watchers.get(userId) ?? []) watcher()
    })

  const onChange = (userId: UserId, handler: () => void) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        // One of its own, so that the same function may watch twice.
        const watcher = () => handler()
        const all = watchers.get(userId) ?? new Set()
        watchers.set(userId, all.add(watcher))
        return watcher
      }),
      (watcher) =>
        Effect.sync(() => {
          const all = watchers.get(userId)
          all?.delete(watcher)
          if (all?.size === 0) watchers.delete(userId)
        })
    ).pipe(Effect.asVoid)

  const settle = Effect.fnUntraced(function* (credentials: Credentials, from: Instant) {
    const history = yield* walletHistory(mexc, credentials, from)
    yield* ledger.settle(credentials.userId, history)
  })

  /**
   * Compares a reading with the ledger; what differs is looked for in the venue's histories, which nobody waits for. No
   * fault of the ledger may keep a balance from being known.
   */
  const account = (credentials: Credentials, reading: Reading) =>
    Effect.gen(function* () {
      const { userId } = credentials
      const differences = yield* ledger.compare(userId, reading)
      if (!differences.some(({ ask }) => ask)) return
      const from = Math.min(...differences.map(({ since }) => since))
      const settling = settle(credentials, from).pipe(
        // The next reading asks again.
        Effect.catchAllCause((cause) => Effect.logWarning("A balance that changed could not be explained yet", cause))
      )
      yield* FiberMap.run(settlings, userId, settling, { onlyIfMissing: true })
    }).pipe(Effect.catchAllCause((cause) => Effect.logError("Balances could not be compared with the ledger", cause)))

  const reread = Effect.fn("Wallets.reread")(function* (userId: UserId) {
    const credentials = yield* vault.get(userId)
    const mark = yield* ledger.mark(userId)
    // What the venue answers is at least as new as the moment it was asked.
    const at = yield* clock.now
    const { complete, rows } = yield* Effect.mapError(mexc.balances(credentials), venueError)
    if (complete) yield* repo.replace(userId, rows, at)
    // What is missing from such a list is not known to be gone.
    else yield* Effect.forEach(rows, (balance) => repo.record(userId, balance, at), { discard: true })
    readAt.set(userId, yield* Clock.currentTimeMillis)
    yield* told(userId)
    if (complete) yield* account(credentials, { mark, balances: rows, at })
  })

  const isFresh = (userId: UserId) =>
    Effect.map(
      Clock.currentTimeMillis,
      (now) => live.has(userId) || now - (readAt.get(userId) ?? Number.NEGATIVE_INFINITY) <= freshFor
    )

  /** Old balances are better than none, and say that they are old. */
  const keptOf = Effect.fnUntraced(function* (userId: UserId) {
    const kept = yield* repo.kept(userId)
    if (Option.isSome(kept.readAt)) {
      if (yield* isFresh(userId)) return kept
      const reading = yield* Effect.either(reread(userId))
      return reading._tag === "Left" ? kept : yield* repo.kept(userId)
    }
    yield* reread(userId)
    return yield* repo.kept(userId)
  })

  const priceOf = Effect.fnUntraced(function* (asset: string) {
    if (asset === valuedIn) return Decimal.one
    const pair = (yield* symbols.all).find((info) => info.baseAsset === asset && info.quoteAsset === valuedIn)
    return pair === undefined ? null : (yield* hub.latest(pair.symbol)).last
  })

  const assetOf = Effect.fnUntraced(function* (asset: string, holding: Holding) {
    const total = Decimal.add(holding.free, holding.locked)
    const price = yield* Effect.orElseSucceed(priceOf(asset), () => null)
    const worth = price === null ? null : Decimal.round(Decimal.multiply(total, price), Decimal.keptScale, "half-even")
    const shown: WalletAsset = { asset, ...holding, total, price, value: worth }
    return shown
  })

  const walletOf = Effect.fnUntraced(function* (userId: UserId, kept: KeptBalances, asked: boolean) {
    const shown = [...holdingsOf(kept)].filter(
      ([, { free, locked, reserved }]) => !Decimal.isZero(free) || !Decimal.isZero(locked) || !Decimal.isZero(reserved)
    )
    const assets = yield* Effect.forEach(shown, ([asset, holding]) => assetOf(asset, holding), {
      concurrency: pricesAtOnce
    })
    const now = yield* clock.now
    const newest = Math.max(
      Option.getOrElse(kept.readAt, () => 0),
      ...kept.balances.map(({ at }) => at)
    )
    const isLive = live.has(userId)
    const source: Source = asked ? "rest" : isLive ? "ws" : "cache"
    const wallet: Wallet = {
      venue: meta.venue,
      assets,
      totalValue: Decimal.sum(assets.flatMap(({ value }) => (value === null ? [] : [value]))),
      quoteAsset: valuedIn,
      asOf: isLive && !asked ? now : newest,
      source,
      stale: !(yield* isFresh(userId))
    }
    return wallet
  })

  const holding = Effect.fn("Wallets.holding")(function* (userId: UserId, asset: string) {
    return holdingsOf(yield* keptOf(userId)).get(asset) ?? none
  })

  const keptHolding = (userId: UserId, asset: string) =>
    Effect.map(repo.kept(userId), (kept) => holdingsOf(kept).get(asset) ?? none)

  return Wallets.of({
    get: Effect.fn("Wallets.get")(function* (userId) {
      return yield* walletOf(userId, yield* keptOf(userId), false)
    }),
    refresh: Effect.fn("Wallets.refresh")(function* (userId) {
      yield* reread(userId)
      return yield* walletOf(userId, yield* repo.kept(userId), true)
    }),
    keptFreeOf: (userId, asset) => Effect.map(keptHolding(userId, asset), ({ available }) => available),
    keptHolding,
    freeOf: (userId, asset) => Effect.map(holding(userId, asset), ({ available }) => available),
    holding,
    record: (userId, balance, at) => Effect.zipLeft(repo.record(userId, balance, at), told(userId)),
    changes: Effect.succeed((userId) => changes.get(userId) ?? 0),
    onChange,
    reread,
    setLive: (userId, isLive) =>
      Effect.sync(() => {
        if (isLive) live.add(userId)
        else live.delete(userId)
        changed(userId)
      })
  })
})
