import { Clock, Context, Effect, Layer, Metric, MetricBoundaries } from "effect"
import { statfs } from "node:fs/promises"
import { EnginePulse } from "../autobuy/EnginePulse.ts"
import { RuleSupervisor } from "../autobuy/RuleSupervisor.ts"
import { Config } from "../Config.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { MexcStream } from "../mexc/MexcStream.ts"
import { RateBudget } from "../mexc/RateBudget.ts"
import { OrdersRepo } from "../orders/OrdersRepo.ts"
import { Ledger } from "../portfolio/Ledger.ts"
import { Database } from "../store/Database.ts"
import { Meta } from "../store/Meta.ts"
import { Ownership } from "../store/Ownership.ts"
import { Vitals } from "./Vitals.ts"

/** One number under a name; no label tells of a user, an order or a rule, so their number is bounded. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: "gauge" | "counter"
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

/** What this instance would say of itself now, for whoever watches it. */
export class Gauges extends Context.Tag("dipper/service/Gauges")<
  Gauges,
  {
    /** Never fails: what cannot be read now, as while the database is away, has no sample. */
    readonly read: Effect.Effect<ReadonlyArray<Family>>
  }
>() {
  static readonly layer = (options: { readonly version: string }) => Layer.scoped(Gauges, make(options.version))
}

/** Longer than a write takes that is bound to a fast disk; a scrape must not wait for a database that hangs. */
const patience = "2 seconds"
const lookEvery = 500

const eventLoopDelay = Metric.histogram(
  "dipper_event_loop_delay_seconds",
  MetricBoundaries.fromIterable([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]),
  "By how much a timer of half a second came too late: nothing else could run meanwhile."
)

const one = (value: number): ReadonlyArray<Sample> => [{ labels: {}, value }]
const by = (label: string, values: Readonly<Record<string, number>>): ReadonlyArray<Sample> =>
  Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }))
const flag = (is: boolean) => (is ? 1 : 0)

/** Those a rule can be in, so that one nobody is in shows 0. */
const noRules = { draft: 0, active: 0, paused: 0, completed: 0, quarantined: 0, archived: 0 }

const make = Effect.fnUntraced(function* (version: string) {
  const { dataDir } = yield* Config
  const { venue } = yield* Meta
  const budget = yield* RateBudget
  const database = yield* Database
  const engine = yield* EnginePulse
  const hub = yield* TickerHub
  const ledger = yield* Ledger
  const mexc = yield* MexcClient
  const orders = yield* OrdersRepo
  const ownership = yield* Ownership
  const stream = yield* MexcStream
  const supervisor = yield* RuleSupervisor
  const vitals = yield* Vitals

  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        const before = yield* Clock.currentTimeMillis
        yield* Effect.sleep(lookEvery)
        const late = (yield* Clock.currentTimeMillis) - before - lookEvery
        yield* Metric.update(eventLoopDelay, Math.max(0, late) / 1_000)
      })
    )
  )

  const gauge = <E>(name: string, help: string, samples: Effect.Effect<ReadonlyArray<Sample>, E>) =>
    family("gauge", name, help, samples)
  const family = <E>(
    type: Family["type"],
    name: string,
    help: string,
    samples: Effect.Effect<ReadonlyArray<Sample>, E>
  ) =>
    samples.pipe(
      Effect.timeout(patience),
      Effect.catchAllCause(() => Effect.succeed<ReadonlyArray<Sample>>([])),
      Effect.map((read): Family => ({ name: `dipper_${name}`, type, help, samples: read }))
    )

  const market = hub.health
  const spent = budget.state()
  const ailments = vitals.ailments

  return Gauges.of({
    read: Effect.all(
      [
        gauge("info", "1; its labels tell the version and the venue.", Effect.succeed(infoOf(version, venue))),
        gauge("trading_owner", "1 while this instance owns trading.", Effect.map(ownership.isOwner, flagged)),
        gauge("engine_alive", "1 while the engine does its work, as the heartbeat judges.", Effect.map(ailments, none)),
        gauge(
          "rules",
          "Rules of all users by state.",
          Effect.map(supervisor.status, ({ rules }) => by("state", { ...noRules, ...rules }))
        ),
        gauge(
          "rules_armed",
          "Rules that wait for a price now.",
          Effect.map(engine.stats, ({ armed }) => one(armed))
        ),
        family(
          "counter",
          "rule_ticks_total",
          "Ticks of symbols that rules watch, since this instance took its role.",
          Effect.map(engine.stats, ({ ticks }) => one(ticks))
        ),
        gauge(
          "orders_unknown",
          "Orders of which nobody knows yet whether they exist.",
          Effect.map(orders.unknownCount, one)
        ),
        gauge(
          "ledger_differences",
          "Assets of users on which ledger and venue differ.",
          Effect.map(ledger.differenceCount, one)
        ),
        gauge(
          "venue_budget_used",
          "What of the venue's limits per address is used in the present window.",
          Effect.map(spent, ({ ip }) => by("budget", { ipWeight: ip.weight.used, ipRequests: ip.requests.used }))
        ),
        gauge(
          "venue_budget_capacity",
          "The venue's limits per address and window.",
          Effect.map(spent, ({ ip }) =>
            by("budget", { ipWeight: ip.weight.capacity, ipRequests: ip.requests.capacity })
          )
        ),
        gauge(
          "venue_requests_waiting",
          "Requests that wait for the budget, by class.",
          Effect.map(spent, ({ waiting }) => by("class", waiting))
        ),
        gauge(
          "venue_paused",
          "1 while nothing may be sent to the venue.",
          Effect.map(spent, ({ pausedUntil }) => one(flag(pausedUntil !== null)))
        ),
        gauge(
          "market_data_age_seconds",
          "Time since the watched symbol was confirmed that was longest not; none while nothing is watched.",
          Effect.map(market, ({ age }) => (age === null ? [] : one(age.most / 1_000)))
        ),
        gauge(
          "symbols_watched",
          "Symbols that are watched.",
          Effect.map(market, ({ watched }) => one(watched))
        ),
        gauge(
          "symbols_stale",
          "Watched symbols that are stale.",
          Effect.map(market, ({ stale }) => one(stale))
        ),
        gauge(
          "stream_connections",
          "Open connections to the venue: of the market, and of accounts that are listened to.",
          Effect.map(stream.health, ({ privateConnections, publicConnections }) =>
            by("stream", { market: publicConnections, account: privateConnections })
          )
        ),
        gauge(
          "clock_skew_seconds",
          "The venue's clock less ours, as last measured.",
          Effect.map(mexc.clockOffset, (ms) => (ms === null ? [] : one(ms / 1_000)))
        ),
        gauge("database_up", "1 while the database answers and takes writes.", Effect.map(database.isUp, flagged)),
        gauge("disk_free_bytes", "Free space where DATA_DIR lies.", Effect.map(freeBytes(dataDir), one))
      ],
      { concurrency: "unbounded" }
    )
  })
})

const flagged = (is: boolean) => one(flag(is))
const none = (found: ReadonlyArray<unknown>) => one(flag(found.length === 0))
const infoOf = (version: string, venue: string): ReadonlyArray<Sample> => [{ labels: { version, venue }, value: 1 }]
const freeBytes = (folder: string) =>
  Effect.map(
    Effect.tryPromise(() => statfs(folder)),
    ({ bavail, bsize }) => bavail * bsize
  )
