import { Context, Effect, Layer, type Queue } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { failPoint } from "../../FailPoints.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Orders } from "../../orders/Orders.ts"
import type { Stuck } from "../firing/records.ts"
import { TriggerIndex } from "../TriggerIndex.ts"
import type { CycleMemory, CycleRow } from "../record/cycle/CycleRow.ts"
import { CyclesRepo } from "../record/cycle/CyclesRepo.ts"
import { plan } from "./plan/plan.ts"
import type { Snapshot, Step } from "./plan/Snapshot.ts"
import { cancelCause } from "./run/cancelCause.ts"
import { makeEnding } from "./run/ending.ts"
import { makeParking } from "./run/parking.ts"
import { type Closing, makeReading, makeRefusals, type Rows } from "./run/reading.ts"
import { makeSending } from "./run/sending.ts"

/** A new high is written once it has moved the trailing stop by this share of its distance; a crash costs less. */
const writtenHighs = Decimal.unsafe("20")

/** One cycle's life: reads what is, does the one next step, and waits when there is none. */
export class CycleProgram extends Context.Tag("dipper/autobuy/CycleProgram")<
  CycleProgram,
  {
    /** Ends when the cycle has. `signal` tells that rows of the rule have changed. */
    readonly run: (cycle: CycleRow, signal: Queue.Dequeue<void>) => Effect.Effect<void, Stuck>
  }
>() {
  static readonly layer = Layer.effect(
    CycleProgram,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const cycles = yield* CyclesRepo
  const orders = yield* Orders
  const indexes = yield* TriggerIndex
  const clock = yield* MarketClock
  const reading = yield* makeReading
  const ending = yield* makeEnding
  const send = yield* makeSending
  const park = yield* makeParking

  /** Whether a higher high is worth a write. */
  const isWorth = ({ document }: Rows, written: CycleMemory, next: CycleMemory): boolean => {
    const delta = document.exit?.trailing?.deltaPercent
    if (written.high === null || next.high === null || delta === undefined) return true
    const step = Decimal.percentOf(written.high, Decimal.divide(delta, writtenHighs))
    return Decimal.greaterOrEqual(Decimal.subtract(next.high, written.high), step)
  }

  const run = Effect.fnUntraced(function* (begun: CycleRow, signal: Queue.Dequeue<void>) {
    const document = yield* cycles.document(begun)
    const index = yield* indexes.of(begun.symbol)
    const refusals = makeRefusals()
    const on = document.exit?.on ?? "last"
    const interval = typeof on === "string" ? null : on.close
    let closing: Closing = { price: null, nextAt: 0 }
    let high = begun.memory.high
    let rows: Rows | null = null

    const look = Effect.fnUntraced(function* (read: Rows) {
      const now = yield* clock.now
      if (interval !== null && now >= closing.nextAt) closing = yield* reading.closing(begun, interval)
      const view = yield* reading.view(begun, document)
      const last = index.last()?.price ?? null
      const snapshot: Snapshot = {
        ...read,
        cycle: { ...read.cycle, memory: { ...read.cycle.memory, high } },
        view,
        last,
        price: interval !== null ? closing.price : on === "bid" ? (view?.bid ?? null) : last,
        nextCloseAt: interval === null ? null : closing.nextAt,
        now,
        resting: yield* refusals.at
      }
      return snapshot
    })

    /** True once the cycle has ended. */
    const act = Effect.fnUntraced(function* (read: Rows, snapshot: Snapshot, step: Step) {
      switch (step.do) {
        case "remember": {
          high = step.memory.high
          if (!isWorth(read, read.cycle.memory, step.memory)) return false
          yield* cycles.remember(read.cycle, { ...read.cycle.memory, high })
          rows = null
          return false
        }
        case "exit":
          rows = null
          yield* ending.giveUp(read.cycle, step.exiting)
          yield* failPoint("cycle.decided")
          return false
        case "send":
          rows = null
          yield* send(snapshot, step.ask, refusals)
          yield* failPoint("cycle.sent")
          return false
        case "cancel": {
          rows = null
          const asked = yield* Effect.forEach(step.orders, (id) =>
            Effect.either(orders.cancelForRule(begun.user_id, id, cancelCause(snapshot, id)))
          )
          yield* failPoint("cycle.cancelled")
          // What is not over yet is looked at again in a moment, not at once.
          const over = asked.every((one) => one._tag === "Right" && one.right.terminalAt !== null)
          if (!over) yield* park(index, signal, { bounds: [], exitBounds: [], until: null, soon: true }, "last")
          return false
        }
        case "close":
          yield* failPoint("cycle.ends")
          yield* ending.close(read, step)
          return true
        case "wait": {
          const woken = yield* park(
            index,
            signal,
            step.waiting,
            interval !== null ? "close" : on === "bid" ? "bid" : "last"
          )
          if (woken === "else") rows = null
          return false
        }
      }
    })

    for (;;) {
      const fresh: boolean = rows === null
      const read: Rows | null = rows ?? (yield* reading.rows(begun, document))
      if (read === null) return
      rows = read
      const snapshot = yield* look(read)
      const step = plan(snapshot)
      // What a price alone suggests is decided on rows that are read anew.
      if (!fresh && step.do !== "wait" && step.do !== "remember") {
        rows = null
        continue
      }
      if (yield* act(read, snapshot, step)) return
      yield* Effect.yieldNow()
    }
  }, Effect.scoped)

  return CycleProgram.of({ run })
})
