import { Effect, Queue } from "effect"
import type { UserId } from "../../domain/Ids.ts"

interface Reader {
  readonly wake: () => void
}

/**
 * Who waits for a user's next event. A reader is woken, not fed: it reads the log at its own pace, so what it has not read
 * yet costs no memory and a slow one costs nobody else anything.
 */
export const makeWakeups = () => {
  const readers = new Map<UserId, Set<Reader>>()
  /** The newest sequence its readers were woken for. */
  const heads = new Map<UserId, number>()
  const someone = Effect.unsafeMakeLatch()

  const wake = (userId: UserId, seq: number): void => {
    const waiting = readers.get(userId)
    if (waiting === undefined || seq <= (heads.get(userId) ?? 0)) return
    heads.set(userId, seq)
    for (const reader of waiting) reader.wake()
  }

  const enter = (userId: UserId, reader: Reader): void => {
    const waiting = readers.get(userId) ?? new Set()
    readers.set(userId, waiting.add(reader))
    someone.unsafeOpen()
  }

  const leave = (userId: UserId, reader: Reader): void => {
    const waiting = readers.get(userId)
    waiting?.delete(reader)
    if (waiting?.size !== 0) return
    readers.delete(userId)
    heads.delete(userId)
    if (readers.size === 0) someone.unsafeClose()
  }

  /** An effect that waits until there may be something new; a wake-up while nobody waits is kept. */
  const register = (userId: UserId) =>
    Effect.gen(function* () {
      const signal = yield* Queue.sliding<void>(1)
      const reader: Reader = { wake: () => void Queue.unsafeOffer(signal, undefined) }
      yield* Effect.acquireRelease(
        Effect.sync(() => enter(userId, reader)),
        () => Effect.sync(() => leave(userId, reader))
      )
      return signal
    }).pipe(Effect.map((signal) => Queue.take(signal)))

  /** Returns while there are readers. */
  const someoneWaits = someone.await

  return { wake, register, someoneWaits, users: (): ReadonlyArray<UserId> => [...readers.keys()] }
}
