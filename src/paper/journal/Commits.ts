import { Cause, Context, Deferred, Effect, Exit, FiberId, Layer, PubSub, Queue, Stream } from "effect"
import type { Outcome } from "../engine/Engine.ts"
import type { Fact } from "../engine/Facts.ts"
import type { ExchangeEvent } from "../Events.ts"
import { nextTurn } from "../../Waiting.ts"
import { Journal } from "./Journal.ts"

interface Commit {
  readonly facts: ReadonlyArray<Fact>
  readonly events: ReadonlyArray<ExchangeEvent>
  readonly done: Deferred.Deferred<void>
}

/** Events a subscriber may be behind by before it holds the exchange back. */
const eventBuffer = 16_384

/**
 * Makes commands durable and visible in the order in which they ran: journal first, then subscribers, then the caller.
 * Commands that arrive while the disk is busy share its next synchronisation.
 */
export class Commits extends Context.Tag("dipper/paper/Commits")<
  Commits,
  {
    /** Runs a synchronous command at once and answers when its facts are on disk. Reading waits for earlier writes too. */
    readonly commit: <A>(command: () => Outcome<A>) => Effect.Effect<A>
    /** Answers when nothing is waiting for the disk any more, and whether anything was. */
    readonly settled: Effect.Effect<boolean>
    readonly events: Stream.Stream<ExchangeEvent>
  }
>() {
  static readonly layer = Layer.scoped(
    Commits,
    Effect.gen(function* () {
      const journal = yield* Journal
      const hub = yield* Effect.acquireRelease(PubSub.bounded<ExchangeEvent>(eventBuffer), PubSub.shutdown)
      const wake = yield* Queue.sliding<void>(1)
      let pending: Array<Commit> = []
      let writing = false
      let stopped: Exit.Exit<void> | null = null

      const commit = <A>(command: () => Outcome<A>): Effect.Effect<A> =>
        Effect.suspend(() => {
          if (stopped !== null) return Effect.zipRight(stopped, Effect.never)
          const { events, facts, value } = command()
          if (facts.length === 0 && events.length === 0 && pending.length === 0 && !writing) {
            return Effect.succeed(value)
          }
          const done = Deferred.unsafeMake<void>(FiberId.none)
          pending.push({ facts, events, done })
          wake.unsafeOffer(undefined)
          return Effect.as(Deferred.await(done), value)
        })

      const writeBatch = Effect.fnUntraced(function* (batch: ReadonlyArray<Commit>) {
        const facts = batch.flatMap((each) => each.facts)
        if (facts.length > 0) yield* journal.append(facts)
        yield* PubSub.publishAll(
          hub,
          batch.flatMap((each) => each.events)
        )
      })

      const settled = Effect.suspend(() => {
        if (pending.length === 0 && !writing) return Effect.succeed(false)
        return Effect.as(
          commit(() => nothing),
          true
        )
      })

      const turn = Effect.gen(function* () {
        yield* Queue.take(wake)
        // Requests that came in together are read one by one; waiting for the last of them makes one batch of all.
        yield* nextTurn
        const batch = pending
        pending = []
        writing = true
        const exit = yield* Effect.exit(writeBatch(batch))
        writing = false
        if (Exit.isFailure(exit)) stopped = exit
        for (const each of batch) yield* Deferred.done(each.done, exit)
        if (Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)) {
          yield* Effect.logFatal("the paper exchange cannot write its journal and stops", exit.cause)
          return yield* exit
        }
      })

      yield* Effect.forkScoped(Effect.forever(turn))
      return { commit, settled, events: Stream.fromPubSub(hub) }
    })
  )
}

const nothing: Outcome<void> = { value: undefined, facts: [], events: [] }
