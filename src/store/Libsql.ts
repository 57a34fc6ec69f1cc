import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import type { Client, InArgs, InStatement, ResultSet, Transaction, TransactionMode } from "@libsql/client"
import { ConnectionPool, Sqlite3Client, Sqlite3Transaction } from "@libsql/client/sqlite3"
import { Effect, Layer, ParseResult, Redacted, Schedule } from "effect"
import { LocalFiles } from "./fault/LocalFiles.ts"
import { codeOf, problemOf } from "./fault/problemOf.ts"
import { Patience } from "./Patience.ts"
import { StoreRefused } from "./StoreRefused.ts"

/** The seam to libSQL: the only file of the store that may cast. */

type Connection = ReturnType<ConnectionPool["acquireSync"]>

/**
 * A longer wait would stall the whole process, because local calls are synchronous; whoever meets a locked
 * database waits on a schedule instead.
 */
const busyTimeoutMs = 50

/** A write waits on the schedule alone: its first statement only asks for the lock. */
const beginTimeoutMs = 1

const remoteTimeoutMs = 10_000

/** What a connection must be set to, as SQLite reads it back: anything less loses acknowledged commits. */
const pragmas = [
  ["journal_mode", "WAL", "wal"],
  ["synchronous", "FULL", 2],
  ["foreign_keys", "ON", 1],
  ["busy_timeout", String(busyTimeoutMs), busyTimeoutMs]
] as const

const readBack = (connection: Connection, name: string): unknown => {
  const rows = connection.prepare(`PRAGMA ${name}`).raw(true).all() as ReadonlyArray<ReadonlyArray<unknown>>
  return rows[0]?.[0]
}

/** Opens connections that are set and read back before anybody uses them; the pool may replace a broken one. */
class CheckedPool extends ConnectionPool {
  readonly #checked = new WeakSet<Connection>()
  readonly #path: string
  #files: LocalFiles | undefined

  constructor(path: string) {
    super(path, { timeout: busyTimeoutMs } as ConstructorParameters<typeof ConnectionPool>[1], 1)
    this.#path = path
  }

  /** Whether the connection in use still has the files that others find by their names. */
  get hasItsFiles(): boolean {
    return this.#files?.areInPlace() !== false
  }

  override acquireSync(forTransaction = false): Connection {
    const connection = super.acquireSync(forTransaction)
    if (this.#checked.has(connection)) return connection
    try {
      for (const [name, value, expected] of pragmas) {
        if (readBack(connection, name) === expected) continue
        connection.exec(`PRAGMA ${name} = ${value}`)
        const found = readBack(connection, name)
        if (found !== expected) throw new PragmaRefused(name, value, found)
      }
    } catch (cause) {
      this.release(connection)
      throw cause
    }
    this.#checked.add(connection)
    // The first read is what opens the log.
    readBack(connection, "schema_version")
    this.#files = new LocalFiles(this.#path)
    return connection
  }
}

class PragmaRefused extends Error {
  constructor(name: string, wanted: string, found: unknown) {
    super(`the database does not accept PRAGMA ${name} = ${wanted} (it stays ${String(found)})`)
  }
}

/**
 * Begins with the first statement. `@effect/sql-libsql` keeps its only permit for ever when beginning fails
 * (a locked database), so beginning has to fail where a rollback follows.
 */
class LazyTransaction implements Transaction {
  readonly #open: () => Promise<Transaction>
  readonly #commitFailed: (cause: unknown) => void
  #begun: Promise<Transaction> | undefined
  /**
   * A full disk, and the like, ends a transaction by itself: undoing its savepoints, or its commit, would hide that. A server
   * does not say that it did, and would store each statement that follows by itself.
   */
  #endedBy: { readonly cause: unknown } | undefined

  constructor(open: () => Promise<Transaction>, commitFailed: (cause: unknown) => void = () => undefined) {
    this.#open = open
    this.#commitFailed = commitFailed
  }

  #begin(): Promise<Transaction> {
    return (this.#begun ??= this.#open())
  }

  async execute(statement: InStatement | string, args?: InArgs): Promise<ResultSet> {
    const transaction = await this.#begin()
    if (this.#endedBy !== undefined) throw this.#endedBy.cause
    try {
      return await transaction.execute(
        typeof statement === "string" ? { sql: statement, ...(args === undefined ? {} : { args }) } : statement
      )
    } catch (cause) {
      if (transaction.closed || !isMistake(cause)) this.#endedBy = { cause }
      throw cause
    }
  }

  async batch(statements: Array<InStatement>): Promise<Array<ResultSet>> {
    return (await this.#begin()).batch(statements)
  }

  async executeMultiple(sql: string): Promise<void> {
    return (await this.#begin()).executeMultiple(sql)
  }

  async commit(): Promise<void> {
    const transaction = await this.#begun
    if (this.#endedBy !== undefined) {
      await this.rollback()
      throw this.#endedBy.cause
    }
    await transaction?.commit().catch((cause: unknown) => {
      this.#commitFailed(cause)
      throw cause
    })
  }

  async rollback(): Promise<void> {
    const transaction = await this.#begun?.catch(() => undefined)
    // A commit that failed, or an error that made SQLite roll back itself, has closed it already.
    if (transaction === undefined || transaction.closed) return transaction?.close()
    await transaction.rollback().catch((cause: unknown) => {
      // Nothing is left to be undone where a server has ended it.
      if (this.#endedBy === undefined) throw cause
    })
  }

  close(): void {
    void this.#begun?.then(
      (transaction) => transaction.close(),
      () => undefined
    )
  }

  get closed(): boolean {
    return false
  }
}

/**
 * The native driver leaves a statement that met a lock unfinished, and no commit works on its connection until the
 * garbage collector comes by. So beginning goes through `exec`, which finishes it, and other statements cost the connection.
 */
class LocalClient extends Sqlite3Client {
  readonly #pool: CheckedPool
  #isAbandoned = false

  constructor(pool: CheckedPool) {
    super(pool, "number")
    this.#pool = pool
  }

  override async execute(statement: InStatement | string, args?: InArgs): Promise<ResultSet> {
    try {
      return await super.execute(typeof statement === "string" ? { sql: statement, args: args ?? [] } : statement)
    } catch (cause) {
      if (isBusy(cause)) await this.reconnect()
      throw cause
    }
  }

  override transaction(_mode?: TransactionMode): Promise<Transaction> {
    return Promise.resolve(
      new LazyTransaction(
        () => this.#begin(),
        (cause) => void (this.#isAbandoned ||= problemOf(cause) === "unsynced")
      )
    )
  }

  /** Closing would write what is left into the file, and sync once more: not where that cannot be trusted. */
  override close(): void {
    if (!this.#isAbandoned) super.close()
  }

  async #begin(): Promise<Transaction> {
    const connection = await this.#pool.acquire(true)
    try {
      if (!this.#pool.hasItsFiles) {
        this.#isAbandoned = true
        throw new FilesReplaced()
      }
      connection.exec(`PRAGMA busy_timeout = ${beginTimeoutMs}`)
      connection.exec("BEGIN IMMEDIATE")
      connection.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    } catch (cause) {
      // A connection that met a lock goes on being used.
      if (connection.open) connection.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
      this.#pool.release(connection)
      throw cause
    }
    return new Sqlite3Transaction(connection, "number", (used) => this.#pool.release(used))
  }
}

/** The names others find it by lead to other files, or nowhere. */
class FilesReplaced extends Error {
  readonly code = "DIPPER_FILES_REPLACED"
  constructor() {
    super("a file of the database was removed or replaced")
  }
}

/** What cannot be read as SQLite wrote it. */
class Damaged extends Error {
  readonly code = "SQLITE_CORRUPT"
}

const openLocal = (path: string): Client => {
  const damage = LocalFiles.damageOf(path)
  if (damage !== null) throw new Damaged(damage)
  const pool = new CheckedPool(path)
  try {
    const connection = pool.acquireSync()
    // Every page, and every index against its table: about a second a gigabyte, once.
    const found = readBack(connection, "integrity_check(1)")
    pool.release(connection)
    if (found !== "ok") throw new Damaged(String(found))
  } catch (cause) {
    pool.close()
    throw cause
  }
  return new LocalClient(pool)
}

const openRemote = async (url: string, authToken: Redacted.Redacted | null): Promise<Client> => {
  const { createClient } = await import("@libsql/client/http")
  const client = createClient({
    url,
    ...(authToken === null ? {} : { authToken: Redacted.value(authToken) }),
    // The client waits for ever otherwise, and with it the only writer.
    fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(remoteTimeoutMs) })
  })
  const transaction = client.transaction.bind(client)
  return Object.assign(client, {
    transaction: (mode?: TransactionMode) => Promise.resolve(new LazyTransaction(() => transaction(mode as "write")))
  })
}

export interface LibsqlOptions {
  /** `file:PATH`, `http(s)://…` or `libsql://…`. */
  readonly url: string
  readonly authToken: Redacted.Redacted | null
}

export const isLocal = (url: string): boolean => url.startsWith("file:")

/** The path of a `file:` address, which may be relative. */
export const pathOf = (url: string): string => url.replace(/^file:(\/\/(?=\/))?/, "")

/** Another process holds the lock; trying again can help. */
export const isBusy = (error: unknown): boolean => problemOf(error) === "locked"

const isMistake = (cause: unknown): boolean => {
  const code = codeOf(cause)
  if (code !== undefined)
    return /^SQLITE_(CONSTRAINT|ERROR|RANGE|MISMATCH|TOOBIG|MISUSE)/.test(code) || code === "SQL_PARSE_ERROR"
  return cause instanceof RangeError || (cause instanceof TypeError && !/fetch/.test(cause.message))
}

/** A statement that can never work: a bug of ours or a constraint that the caller forgot, not a dead database. */
export const isBug = (error: SqlError): boolean => isMistake(error.cause)

/** What a statement, or the decoding of its rows, may fail with. */
export type Fault = SqlError | ParseResult.ParseError

export const catchFaults = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  handle: (fault: Fault) => Effect.Effect<never, E2>
): Effect.Effect<A, Exclude<E, Fault> | E2, R> =>
  Effect.catchAll(effect, (error): Effect.Effect<never, Exclude<E, Fault> | E2> =>
    error instanceof SqlError || ParseResult.isParseError(error)
      ? handle(error)
      : Effect.fail(error as Exclude<E, Fault>)
  )

/** Two processes that start at once on a new file meet while it is switched to WAL. */
const openAgain = Schedule.spaced("100 millis")

const corrupt = (url: string, found: string) =>
  `DB_CORRUPT: the database ${url} is damaged (${found.split("\n").join(" ")}); nothing was changed. Bring back a copy of the file with its -wal file, taken while no service ran or with VACUUM INTO, or start on an empty DATA_DIR`

const open = Effect.fnUntraced(function* ({ url, authToken }: LibsqlOptions) {
  const opened = Effect.tryPromise({
    try: async () => (isLocal(url) ? openLocal(pathOf(url)) : openRemote(url, authToken)),
    catch: (cause) => new SqlError({ cause, message: cause instanceof Error ? cause.message : String(cause) })
  })
  return yield* opened.pipe(
    Effect.retry({ schedule: Schedule.upTo(openAgain, yield* Patience), while: isBusy }),
    Effect.mapError((error) =>
      problemOf(error) === "corrupt"
        ? new StoreRefused({ reason: "corrupt", message: corrupt(url, error.message) })
        : new StoreRefused({ reason: "cannotOpen", message: `the database ${url} cannot be opened: ${error.message}` })
    )
  )
})

/** One connection: a second writer would only meet the first one's lock. */
export const layer = (options: LibsqlOptions): Layer.Layer<SqlClient, StoreRefused> =>
  Layer.unwrapScoped(
    Effect.acquireRelease(open(options), (client) => Effect.sync(() => client.close())).pipe(
      Effect.map((liveClient) => LibsqlClient.layer({ liveClient }))
    )
  )
