import { Effect, Queue } from "effect"
import type { SymbolName } from "../../../domain/Market.ts"
import { holds, type PriceBound } from "../../../domain/rule/decision/levels.ts"
import { TickerHub } from "../../../market/TickerHub.ts"
import { awaitMarket } from "../../program/waiting.ts"
import { Timers } from "../../Timers.ts"
import type { SymbolIndex } from "../../TriggerIndex.ts"
import type { Waiting } from "../plan/Snapshot.ts"

/** Proof that has not come is looked for again, and a signal that was lost is made up for. */
const soonAfter = "1 second"
const anywayAfter = "30 seconds"

/** Why a cycle was woken: a price alone leaves its rows as they were. */
export type Woken = "price" | "else"

/** Parks a cycle until something could change its next step. */
export const makeParking = Effect.gen(function* () {
  const timers = yield* Timers
  const hub = yield* TickerHub

  /** Bids move without trades, so every change of the best prices is looked at. */
  const awaitBid = (symbol: SymbolName, bounds: ReadonlyArray<PriceBound>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const woken = yield* Queue.sliding<void>(1)
        yield* hub.onTick(symbol, ({ bid }) =>
          bid !== null && bounds.some((bound) => holds(bound, bid))
            ? Effect.asVoid(Queue.offer(woken, undefined))
            : Effect.void
        )
        yield* Queue.take(woken)
      })
    )

  return (
    index: SymbolIndex,
    signal: Queue.Dequeue<void>,
    { bounds, exitBounds, soon, until }: Waiting,
    on: "last" | "bid" | "close"
  ): Effect.Effect<Woken> => {
    const trades = on === "last" ? [...bounds, ...exitBounds] : bounds
    const market = Effect.map(awaitMarket(index, timers, trades, until), (tick): Woken =>
      tick === null ? "else" : "price"
    )
    const told = Effect.as(Queue.take(signal), "else" as const)
    const anyway = Effect.as(Effect.sleep(soon ? soonAfter : anywayAfter), "else" as const)
    const bid = Effect.as(awaitBid(index.symbol, exitBounds), "price" as const)
    const waits: ReadonlyArray<Effect.Effect<Woken>> =
      on === "bid" && exitBounds.length > 0 ? [market, told, anyway, bid] : [market, told, anyway]
    return Effect.raceAll(waits)
  }
})
