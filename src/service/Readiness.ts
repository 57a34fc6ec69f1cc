import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { statfs } from "node:fs/promises"
import { Accounts } from "../accounts/Accounts.ts"
import { Auth } from "../accounts/Auth.ts"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { Dependencies, Engine, Health, ServiceStatus, VenueLimits } from "../api/Status.ts"
import { RuleSupervisor } from "../autobuy/RuleSupervisor.ts"
import { Config } from "../Config.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import { OrderBooks } from "../market/OrderBooks.ts"
import { Symbols } from "../market/Symbols.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import { ContractDrift, type Drift } from "../mexc/ContractDrift.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { MexcStream } from "../mexc/MexcStream.ts"
import { RateBudget } from "../mexc/RateBudget.ts"
import { MexcEndpoint } from "../mexc/wire/Endpoint.ts"
import { Database } from "../store/Database.ts"
import { Meta } from "../store/Meta.ts"
import { Ownership } from "../store/Ownership.ts"
import { storeProblems, unavailable } from "../store/fault/StoreProblem.ts"
import { ClerkComparison } from "./ClerkComparison.ts"

/** What this process can say of itself, and of what it depends on. */
export class Readiness extends Context.Tag("dipper/service/Readiness")<
  Readiness,
  {
    readonly status: Effect.Effect<ServiceStatus>
    /**
     * Fails only for what makes every request fail. An exchange that is away leaves the service `degraded` and
     * reachable, because that is when its owner needs it.
     */
    readonly ready: Effect.Effect<"up" | "degraded", DatabaseUnavailable>
    readonly dependencies: Effect.Effect<Dependencies, DatabaseUnavailable>
    /** The venue's budgets; those of the account are the caller's. */
    readonly limits: (userId: UserId) => Effect.Effect<VenueLimits>
    readonly engine: Effect.Effect<Engine, DatabaseUnavailable>
  }
>() {
  static readonly layer = (options: { readonly version: string }) => Layer.scoped(Readiness, make(options.version))
}

/** The venue is asked for its time (weight 1) this often, so that `/status` needs not wait for it. */
const probeEvery = Schedule.spaced("15 seconds")
const healthShownFor = "250 millis"
/** A database that cannot grow soon cannot write at all. */
const diskLowBytes = 200 * 1024 * 1024

const driftShownForMs = 3_600_000

const make = Effect.fnUntraced(function* (version: string) {
  const config = yield* Config
  const { venue } = yield* Meta
  const { host } = yield* MexcEndpoint
  const market = yield* MarketClock
  const database = yield* Database
  const accounts = yield* Accounts
  const auth = yield* Auth
  const comparison = yield* ClerkComparison
  const mexc = yield* MexcClient
  const stream = yield* MexcStream
  const hub = yield* TickerHub
  const books = yield* OrderBooks
  const symbols = yield* Symbols
  const drift = yield* ContractDrift
  const budget = yield* RateBudget
  const supervisor = yield* RuleSupervisor
  const ownership = yield* Ownership
  const rest = yield* makeProbe(mexc.serverTime)

  const healthOf = Effect.zipWith(database.isUp, auth.isUsable, (up, usable): Health =>
    up ? (usable && rest.problem() === null ? "up" : "degraded") : "down"
  )

  /** `/status` is open to everybody: asking must not load the database. */
  const recentHealth = yield* Effect.cachedWithTTL(healthOf, healthShownFor)

  const status = Effect.all({
    status: recentHealth,
    role: Effect.map(ownership.isOwner, (owner) => (owner ? ("owner" as const) : ("standby" as const))),
    marketTime: market.now,
    time: Clock.currentTimeMillis
  }).pipe(Effect.map((now) => ({ ...now, version, venue, exchangeHost: host, authMode: config.authMode })))

  const ready = Effect.flatMap(healthOf, (health) =>
    health === "down"
      ? Effect.flatMap(database.problem, (problem) => unavailable(problem ?? "unreachable"))
      : Effect.succeed(health)
  )

  const publicStreams = Effect.map(
    Effect.all([stream.health, hub.health]),
    ([{ publicConnections: connections }, { watched, stale, lastMessageAt }]) => ({
      status: portion(watched - stale, watched),
      detail: stale === 0 ? null : `${stale} of ${watched} watched symbols are stale`,
      connections,
      lastMessageAt
    })
  )

  const privateStreams = Effect.map(
    Effect.all([stream.health, accounts.listActive]),
    ([{ privateConnections: connections }, { length: users }]) => ({
      status: portion(Math.min(connections, users), users),
      detail: connections >= users ? null : `${connections} of ${users} accounts are followed`,
      connections
    })
  )

  const orderBooks = Effect.map(books.health, ({ followed, resyncing, resyncs }) => ({
    status: portion(followed - resyncing, followed),
    detail: resyncing === 0 ? null : `${resyncing} of ${followed} followed books are read anew`,
    followed,
    resyncing,
    resyncs
  }))

  const listedSymbols = Effect.map(symbols.health, ({ changes, lastChange, pairs, problem, readAt, tradable }) => ({
    status: problem === null ? ("up" as const) : readAt === null ? ("down" as const) : ("degraded" as const),
    detail: problem,
    pairs,
    tradable,
    readAt,
    changes,
    lastChange:
      lastChange === null
        ? null
        : { symbol: lastChange.symbol, tradable: lastChange.after?.tradable === true, at: lastChange.at }
  }))

  /** Shown for an hour after the last time; the counts stay. */
  const venueContract = Effect.map(Effect.all([drift.counters, Clock.currentTimeMillis]), ([counters, now]) => {
    const latest = counters.filter(({ lastAt }) => lastAt !== null && now - lastAt < driftShownForMs).map(describe)
    return {
      status: latest.length === 0 ? ("up" as const) : ("degraded" as const),
      detail: latest.length === 0 ? null : latest.join("; "),
      drift: Object.fromEntries(counters.map(({ count, kind }) => [kind, count]))
    }
  })

  const dependencies = Effect.all({
    database: Effect.zipWith(database.isUp, database.problem, (up, problem) => ({
      status: upOrDown(up),
      detail: problem === null ? null : storeProblems[problem].text,
      mode: database.mode
    })),
    signIn: Effect.map(auth.isUsable, (usable) => ({
      status: upOrDown(usable),
      detail: usable ? null : "Clerk's keys cannot be read; API keys still work"
    })),
    clerkComparison: comparison.health,
    exchangeRest: Effect.sync(() => ({
      status: upOrDown(rest.problem() === null),
      detail: rest.problem(),
      lastAnswerAt: rest.lastAnswerAt()
    })),
    publicStreams,
    privateStreams,
    orderBooks,
    symbols: listedSymbols,
    venueContract,
    clockSkewMs: mexc.clockOffset,
    disk: diskOf(config.dataDir),
    syncLagMs: Effect.succeed(null),
    lastBackupAt: Effect.succeed(null)
  })

  const limits = Effect.fn("Readiness.limits")((userId: UserId) =>
    Effect.map(budget.state(userId), ({ ip, pausedUntil, user, waiting }): VenueLimits => ({
      budgets: [
        { name: "ipWeight", ...ip.weight, windowMs: 10_000 },
        { name: "ipRequests", ...ip.requests, windowMs: 1_000 },
        ...(user === null
          ? []
          : [
              { name: "accountWeight" as const, ...user.weight, windowMs: 10_000 },
              { name: "accountOrders" as const, ...user.orders, windowMs: 1_000 }
            ])
      ],
      waiting,
      pausedUntil
    }))
  )

  return Readiness.of({ status, ready, dependencies, limits, engine: supervisor.status })
})

/** Asks now and then, and remembers how it went. Before the first answer nothing is known to be wrong. */
const makeProbe = Effect.fnUntraced(function* (ask: MexcClient["Type"]["serverTime"]) {
  let problem: string | null = null
  let answeredAt: Instant | null = null
  const probe = Effect.matchEffect(ask, {
    onFailure: (failure) => Effect.sync(() => void (problem = failure.message)),
    onSuccess: () =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        problem = null
        answeredAt = now
      })
  })
  yield* Effect.forkScoped(Effect.repeat(probe, probeEvery))
  return { problem: () => problem, lastAnswerAt: () => answeredAt }
})

const describe = ({ count, kind, last }: Drift): string => `${kind} ${count} times, last ${last ?? "unknown"}`

const upOrDown = (up: boolean): Health => (up ? "up" : "down")

/** Of nothing, everything is up. */
const portion = (up: number, all: number): Health => (up >= all ? "up" : up === 0 ? "down" : "degraded")

const diskOf = (folder: string) =>
  Effect.tryPromise(() => statfs(folder)).pipe(
    Effect.map(({ bavail, bsize }) => bavail * bsize),
    Effect.match({
      onFailure: () => ({ status: "degraded" as const, detail: "the free space cannot be read", freeBytes: null }),
      onSuccess: (freeBytes) =>
        freeBytes < diskLowBytes
          ? { status: "degraded" as const, detail: "less than 200 MiB free", freeBytes }
          : { status: "up" as const, detail: null, freeBytes }
    })
  )
