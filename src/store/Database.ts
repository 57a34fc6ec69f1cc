import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import { Clock, Context, Deferred, Duration, Effect, FiberRef, Layer, Metric, MetricBoundaries, Schedule } from "effect"
import { accessSync, constants, existsSync, mkdirSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { Instant } from "../domain/Time.ts"
import { nextTurn } from "../Waiting.ts"
import * as Libsql from "./Libsql.ts"
import { problemOf } from "./fault/problemOf.ts"
import { endsProcess, isFinal, type StoreProblem, storeProblems, unavailable } from "./fault/StoreProblem.ts"
import { Patience } from "./Patience.ts"
import { StoreRefused } from "./StoreRefused.ts"

/** What callers see: statements that fail are the database's affair, not theirs. */
type Seen<E> = Exclude<E, Libsql.Fault> | DatabaseUnavailable

/**
 * The one door to the data. A database that does not answer is `DatabaseUnavailable`; a statement that cannot work
 * and a row that does not decode are bugs and end as defects.
 */
export class Database extends Context.Tag("dipper/store/Database")<
  Database,
  {
    /**
     * Runs an effect as one transaction, one at a time, again while another process holds the lock; so it must have no
     * effect but its statements, and no network call. A `write` inside a `write` is a savepoint of the outer one.
     */
    readonly write: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, Seen<E>, R>
    /** Runs statements that only read. Inside a `write` they see what it wrote. */
    readonly read: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, Seen<E>, R>
    /** Statements that belong to the write under way, without a savepoint of their own; alone they are a write. */
    readonly join: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, Seen<E>, R>
    /**
     * Runs once the write under way has committed; never when it, or the savepoint this was said in, is undone. Outside
     * of a write it runs at once. It must be short and must not throw: the next write waits for it.
     */
    readonly afterCommit: (run: () => void) => Effect.Effect<void>
    /** The database answers, and what it has last been known to suffer from is over. */
    readonly isUp: Effect.Effect<boolean>
    /** Why it is not up, as far as a statement has told. */
    readonly problem: Effect.Effect<StoreProblem | null>
    /** Wall time of the last commit of this process; null before the first. */
    readonly lastCommitAt: Effect.Effect<Instant | null>
    /** Fails when this process must end, because it can no longer know what is stored. */
    readonly lost: Effect.Effect<never, StoreRefused>
    /** A file beside us, or a server elsewhere. */
    readonly mode: "local" | "remote"
  }
>() {
  static readonly layer = (options: Libsql.LibsqlOptions) =>
    Layer.effect(Database, make(options)).pipe(
      Layer.provideMerge(Libsql.layer(options)),
      Layer.provide(Layer.effectDiscard(prepareFolder(options.url)))
    )
}

/** A process that writes without a pause leaves gaps of less than a millisecond, and who looks rarely misses them all. */
const looking = Schedule.spaced("15 millis").pipe(Schedule.jittered)

/** The owner of trading renews its lease in less than half of it, and so meets a problem again that lasts. */
const forgottenAfter = Duration.seconds(10)

/** Local statements run synchronously, so without a macrotask now and then a loop of writes would starve all timers. */
const writesPerTurn = 8

const writeSeconds = Metric.histogram(
  "dipper_database_write_seconds",
  MetricBoundaries.fromIterable([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3]),
  "Time of a transaction from asking for its turn to its commit."
)
const busyTotal = Metric.counter("dipper_database_busy_total", {
  description: "Tries of a transaction that met another process's lock.",
  incremental: true
})

/** What runs after the commit of the write under way; null outside of one. */
const waiting = FiberRef.unsafeMake<Array<() => void> | null>(null)

const make = Effect.fnUntraced(function* (options: Libsql.LibsqlOptions) {
  const sql = yield* SqlClient.SqlClient
  const whileBusy = Schedule.upTo(looking, yield* Patience)
  const writer = yield* Effect.makeSemaphore(1)
  const ended = yield* Deferred.make<never, StoreRefused>()
  let writes = 0
  let problem: StoreProblem | null = null
  let metAt: Instant = 0
  let committedAt: Instant | null = null

  const meet = (met: StoreProblem): void => {
    if (problem !== null && isFinal(problem)) return
    problem = met
    if (!endsProcess(met)) return
    const message = `the database ${options.url}: ${storeProblems[met].text} Start it again once the cause is found`
    Deferred.unsafeDone(ended, Effect.fail(new StoreRefused({ reason: "brokenWhileUsed", message })))
  }

  /** What a failed statement says of the database; bugs of ours say nothing. */
  const meetIn = (fault: unknown) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      if (!(fault instanceof SqlError) || Libsql.isBug(fault)) return
      metAt = now
      meet(problemOf(fault))
    })

  const settle = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Seen<E>, R> =>
    Libsql.catchFaults(effect, (fault) =>
      fault instanceof SqlError && !Libsql.isBug(fault) ? refuse(fault) : Effect.die(fault)
    )

  /**
   * Inside of a transaction a statement that fails ends the whole try: a lock is met by its first statement, whichever that
   * is, and is waited for by beginning again.
   */
  const part = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Seen<E>, R> =>
    Libsql.catchFaults(effect, Effect.die)

  const refuse = (fault: SqlError) =>
    Effect.gen(function* () {
      const met = problemOf(fault)
      if (isFinal(met)) meet(met)
      yield* Effect.logError(storeProblems[met].text).pipe(Effect.annotateLogs("cause", String(fault.cause)))
      return yield* unavailable(met)
    })

  /** One try: what an undone one had to tell is forgotten with it. An interruption cannot come between commit and telling. */
  const attempt = <A, E, R>(effect: Effect.Effect<A, E, R>, committed: (told: Array<() => void>) => void) =>
    Effect.uninterruptibleMask((restore) => {
      const told: Array<() => void> = []
      return Effect.tap(sql.withTransaction(restore(Effect.locally(effect, waiting, told))), () =>
        Effect.sync(() => committed(told))
      )
    })

  yield* Metric.incrementBy(busyTotal, 0)

  const measured = (asked: Instant) =>
    Effect.map(Clock.currentTimeMillis, (now) => writeSeconds.unsafeUpdate((now - asked) / 1_000, []))

  const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Clock.currentTimeMillis, (asked) =>
      Effect.suspend((): Effect.Effect<A, E | SqlError | DatabaseUnavailable, R> =>
        problem !== null && isFinal(problem) ? Effect.fail(unavailable(problem)) : tried(effect)
      ).pipe(
        writer.withPermits(1),
        Effect.zipLeft(measured(asked)),
        Effect.zipLeft(Effect.suspend(() => (++writes % writesPerTurn === 0 ? nextTurn : Effect.void)))
      )
    )

  const changes = Effect.map(sql<{ readonly count: number }>`SELECT total_changes() AS count`, ([row]) => row?.count)

  /**
   * What changes nothing commits without a disk: that a problem is over is shown by a change that was stored, or by a while
   * without a failure, for an instance that stands by stores next to nothing.
   */
  const proving = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      if (problem === null) return yield* effect
      const before = yield* changes
      const value = yield* effect
      const now = yield* Clock.currentTimeMillis
      if ((yield* changes) !== before || now - metAt > Duration.toMillis(forgottenAfter)) {
        yield* afterCommit(() => {
          if (problem !== null && !isFinal(problem)) problem = null
        })
      }
      return value
    })

  const committed = Effect.map(Clock.currentTimeMillis, (now) => void (committedAt = now))

  const tried = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    attempt(proving(effect), runAll).pipe(
      // A failed commit, and what failed in a part of it, reach us as defects.
      Effect.catchAllDefect((defect) => (defect instanceof SqlError ? Effect.fail(defect) : Effect.die(defect))),
      Effect.tapError((fault) => (Libsql.isBusy(fault) ? Metric.increment(busyTotal) : Effect.void)),
      Effect.retry({ schedule: whileBusy, while: Libsql.isBusy }),
      Effect.tapBoth({ onSuccess: () => committed, onFailure: meetIn })
    )

  const write = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Seen<E>, R> =>
    Effect.flatMap(FiberRef.get(waiting), (outer) =>
      outer === null ? settle(transaction(effect)) : part(attempt(effect, (told) => void outer.push(...told)))
    )

  const join = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Seen<E>, R> =>
    Effect.flatMap(FiberRef.get(waiting), (outer) => (outer === null ? write(effect) : part(effect)))

  const afterCommit = (run: () => void) =>
    Effect.map(FiberRef.get(waiting), (outer) => (outer === null ? run() : void outer.push(run)))

  const read = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Seen<E>, R> =>
    Effect.flatMap(FiberRef.get(waiting), (outer) =>
      outer === null ? settle(Effect.retry(effect, { schedule: whileBusy, while: Libsql.isBusy })) : part(effect)
    )

  const isUp = read(sql`SELECT 1`).pipe(
    Effect.timeout("2 seconds"),
    Effect.match({ onSuccess: () => problem === null, onFailure: () => false })
  )

  return Database.of({
    write,
    read,
    join,
    afterCommit,
    isUp,
    problem: Effect.sync(() => problem),
    lastCommitAt: Effect.sync(() => committedAt),
    lost: Deferred.await(ended),
    mode: Libsql.isLocal(options.url) ? "local" : "remote"
  })
})

const runAll = (told: ReadonlyArray<() => void>): void => {
  for (const run of told) run()
}

/** Step by step, because Node's recursive form never ends where a file system refuses new folders as `/proc` does. */
const makeFolder = (folder: string): void => {
  if (existsSync(folder)) return
  makeFolder(dirname(resolve(folder)))
  mkdirSync(folder, { mode: 0o700 })
}

/** The folder of a local database, made on first start for its owner only. */
const prepareFolder = (url: string): Effect.Effect<void, StoreRefused> => {
  if (!Libsql.isLocal(url)) return Effect.void
  const folder = dirname(Libsql.pathOf(url))
  return Effect.try({
    try: () => {
      makeFolder(folder)
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    },
    catch: (cause) =>
      new StoreRefused({
        reason: "notWritable",
        message: `DATA_DIR: the folder ${folder} cannot be written (${cause instanceof Error ? cause.message : "unknown"}); make it writable or name another. Example: DATA_DIR=./data`
      })
  })
}
