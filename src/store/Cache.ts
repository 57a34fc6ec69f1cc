import { Clock, Context, Deferred, Duration, Effect, Exit, Layer } from "effect"

/** How values of one kind are loaded, how long they live and how many are kept; the one read longest ago leaves first. */
export interface CacheKind<Key, A, E> {
  readonly kind: string
  readonly capacity: number
  readonly lifetime: Duration.DurationInput | ((value: A) => Duration.DurationInput)
  /** Two keys of one name are the same key. */
  readonly nameOf: (key: Key) => string
  readonly load: (key: Key) => Effect.Effect<A, E>
}

/** `cached`: the value was loaded for an earlier request. */
export interface Cached<A> {
  readonly value: A
  readonly cached: boolean
}

export interface Compartment<Key, A, E> {
  /** The live value, or the outcome of the one load that all who ask meanwhile share. Failures are not kept. */
  readonly get: (key: Key) => Effect.Effect<Cached<A>, E>
  readonly invalidate: (key: Key) => Effect.Effect<void>
}

export interface CacheUse {
  readonly kind: string
  readonly entries: number
  readonly hits: number
  readonly misses: number
}

/** Values worth remembering for a while, each kind with its own lifetime, on the wall clock. */
export class Cache extends Context.Tag("dipper/store/Cache")<
  Cache,
  {
    readonly open: <Key, A, E>(kind: CacheKind<Key, A, E>) => Effect.Effect<Compartment<Key, A, E>>
    readonly use: Effect.Effect<ReadonlyArray<CacheUse>>
  }
>() {
  static readonly layerMemory: Layer.Layer<Cache> = Layer.scoped(
    Cache,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const uses: Array<() => CacheUse> = []

      const open = <Key, A, E>({ kind, capacity, lifetime, nameOf, load }: CacheKind<Key, A, E>) =>
        Effect.sync((): Compartment<Key, A, E> => {
          const lifetimeOf = typeof lifetime === "function" ? lifetime : () => lifetime
          const entries = makeEntries<A>(capacity)
          const flights = new Map<string, Deferred.Deferred<A, E>>()
          let hits = 0
          let misses = 0
          uses.push(() => ({ kind, entries: entries.size(), hits, misses }))

          const land = (name: string, exit: Exit.Exit<A, E>) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              flights.delete(name)
              if (Exit.isSuccess(exit)) entries.put(name, exit.value, now + Duration.toMillis(lifetimeOf(exit.value)))
            })

          // The load belongs to the cache: a client that goes away must not take it from those who still wait.
          const start = (key: Key, name: string, flight: Deferred.Deferred<A, E>) =>
            load(key).pipe(
              Effect.onExit((exit) => Effect.zipRight(land(name, exit), Deferred.done(flight, exit))),
              // Whoever asks first may do so where interruption is off, which a forked fiber would inherit.
              Effect.interruptible,
              Effect.forkIn(scope)
            )

          const loadShared = Effect.fnUntraced(function* (key: Key, name: string) {
            const ours = yield* Deferred.make<A, E>()
            const theirs = flights.get(name)
            if (theirs !== undefined) return yield* Deferred.await(theirs)
            flights.set(name, ours)
            yield* start(key, name, ours)
            return yield* Deferred.await(ours)
          })

          const get = (key: Key) =>
            Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<Cached<A>, E> => {
              const name = nameOf(key)
              const entry = entries.read(name, now)
              if (entry !== undefined) {
                hits++
                return Effect.succeed({ value: entry.value, cached: true })
              }
              misses++
              return Effect.map(loadShared(key, name), (value) => ({ value, cached: false }))
            })

          return { get, invalidate: (key) => Effect.sync(() => entries.drop(nameOf(key))) }
        })

      return { open, use: Effect.sync(() => uses.map((use) => use())) }
    })
  )
}

interface Entry<A> {
  readonly value: A
  readonly expiresAt: number
}

/** A JavaScript Map keeps insertion order: what is read is put behind everything else, so the first is the oldest. */
const makeEntries = <A>(capacity: number) => {
  const entries = new Map<string, Entry<A>>()
  return {
    size: () => entries.size,
    drop: (name: string) => entries.delete(name),
    read: (name: string, now: number): Entry<A> | undefined => {
      const entry = entries.get(name)
      if (entry === undefined) return undefined
      entries.delete(name)
      if (entry.expiresAt <= now) return undefined
      entries.set(name, entry)
      return entry
    },
    put: (name: string, value: A, expiresAt: number): void => {
      entries.delete(name)
      entries.set(name, { value, expiresAt })
      for (const oldest of entries.keys()) {
        if (entries.size <= capacity) break
        entries.delete(oldest)
      }
    }
  }
}
