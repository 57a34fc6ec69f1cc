import { Context, Effect, Exit, FiberSet, Layer, RcMap, Scope } from "effect"
import * as Decimal from "../domain/Decimal.ts"
import type { SymbolName } from "../domain/Market.ts"
import { holds, type PriceBound } from "../domain/rule/decision/levels.ts"
import { type PriceTick, RuleMarket } from "./RuleMarket.ts"

/** Undoes a registration; doing it twice is harmless. */
export type Cancel = () => void

/** Is given what lets go of a symbol. */
type Hold = (release: Cancel) => void

/** A symbol that rules are in. */
interface Opened {
  readonly index: SymbolIndex
  readonly join: (hold: Hold) => SymbolIndex
}

/** The armed rules of one symbol. */
export interface SymbolIndex {
  readonly symbol: SymbolName
  readonly last: () => PriceTick | null
  /**
   * Calls `wake` once, with the first tick that satisfies one of the bounds; at once when the last price does already.
   * Call it inside an async registration only: a rule that is armed before it waits can be woken while nobody listens.
   */
  readonly arm: (bounds: ReadonlyArray<PriceBound>, wake: (tick: PriceTick) => void) => Cancel
}

/** Decides which rules wake: a tick touches the rules it hits and no others. */
export class TriggerIndex extends Context.Tag("dipper/autobuy/TriggerIndex")<
  TriggerIndex,
  {
    /** The index of a symbol, fed while any scope holds it. */
    readonly of: (symbol: SymbolName) => Effect.Effect<SymbolIndex, never, Scope.Scope>
    /** The same for rules, of which there are many: held until what `hold` is given is called, once. */
    readonly enter: (symbol: SymbolName, hold: Hold) => Effect.Effect<SymbolIndex>
    /** What a rule has entered already, to look at before one joins; null where none has. */
    readonly opened: (symbol: SymbolName) => Opened | null
    readonly stats: Effect.Effect<{ readonly ticks: number; readonly armed: number }>
  }
>() {
  static readonly layer = Layer.scoped(
    TriggerIndex,
    Effect.gen(function* () {
      const market = yield* RuleMarket
      const counters = { ticks: 0, armed: 0 }
      const indexes = yield* RcMap.make({
        lookup: (symbol: SymbolName) =>
          Effect.gen(function* () {
            const index = makeSymbolIndex(symbol, counters)
            // Ticks that arrive between reading the last price and following it are seen by the follower.
            yield* market.onTick(symbol, index.tick)
            const last = yield* market.last(symbol)
            if (last !== null && index.last() === null) index.tick(last)
            return index
          })
      })
      const of = (symbol: SymbolName) => RcMap.get(indexes, symbol)

      const shared = new Map<SymbolName, Opened>()
      const fork = yield* FiberSet.makeRuntime()

      /** Two may open a symbol at once; the second one lets go of what it got. */
      const open = Effect.fnUntraced(function* (symbol: SymbolName) {
        const scope = yield* Scope.make()
        const index = yield* Scope.extend(of(symbol), scope)
        const known = shared.get(symbol)
        if (known !== undefined) return yield* Effect.as(Scope.close(scope, Exit.void), known)
        let users = 0
        const release = () => {
          if (--users > 0) return
          shared.delete(symbol)
          fork(Scope.close(scope, Exit.void))
        }
        const join = (hold: Hold) => {
          users++
          hold(release)
          return index
        }
        const opened: Opened = { index, join }
        shared.set(symbol, opened)
        return opened
      })

      const enter = (symbol: SymbolName, hold: Hold) =>
        Effect.suspend(() => {
          const opened = shared.get(symbol)
          return opened === undefined
            ? Effect.uninterruptible(Effect.map(open(symbol), ({ join }) => join(hold)))
            : Effect.succeed(opened.join(hold))
        })

      return TriggerIndex.of({
        of,
        enter,
        opened: (symbol) => shared.get(symbol) ?? null,
        stats: Effect.sync(() => ({ ...counters }))
      })
    })
  )
}

/** A rule that waits: `entries` are none once it no longer does. */
interface Waiter {
  entries: ReadonlyArray<Entry>
  readonly wake: (tick: PriceTick) => void
}

interface Entry {
  readonly bound: PriceBound
  readonly waiter: Waiter
}

const none: ReadonlyArray<Entry> = []
/** Entries that are new are put in their places one by one while those that are sorted are so many times more. */
const worthSorting = 16
const nothing: Cancel = () => undefined

const isLower = ({ comparison }: PriceBound) => comparison === "atOrBelow" || comparison === "below"
/** At one price, bounds that include it are hit before those that exclude it. */
const isStrict = ({ comparison }: PriceBound) => comparison === "below" || comparison === "above"

/** Sorted so that the end is hit first: falling prices hit the highest lower bound, rising ones the lowest upper bound. */
const makeSide = (lower: boolean) => {
  const entries: Array<Entry> = []
  /** So many are sorted; behind them lie those that came since the last tick. */
  let sorted = 0

  /** Whether `a` belongs nearer to the end than `b`. */
  const isSooner = (a: PriceBound, b: PriceBound): boolean => {
    const order = Decimal.order(a.price, b.price)
    return order === 0 ? !isStrict(a) && isStrict(b) : lower ? order > 0 : order < 0
  }

  /** The first place whose entry is hit sooner than the bound. */
  const placeOf = (bound: PriceBound): number => {
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = entries[middle]
      if (entry !== undefined && isSooner(entry.bound, bound)) high = middle
      else low = middle + 1
    }
    return low
  }

  const soonerLast = (a: Entry, b: Entry): number =>
    isSooner(a.bound, b.bound) ? 1 : isSooner(b.bound, a.bound) ? -1 : 0

  /** A start adds a hundred thousand, which are sorted faster than put in their places one by one. */
  const sort = () => {
    const added = entries.length - sorted
    if (added === 0) return
    if (added * worthSorting > sorted) entries.sort(soonerLast)
    else for (const entry of entries.splice(sorted)) entries.splice(placeOf(entry.bound), 0, entry)
    sorted = entries.length
  }

  const placeIn = (entry: Entry): number => {
    // One that was hit is there.
    if (entries[entries.length - 1] === entry) return entries.length - 1
    // Its equals lie directly before the place behind it.
    return entries.lastIndexOf(entry, placeOf(entry.bound) - 1)
  }

  return {
    insert: (entry: Entry) => void entries.push(entry),
    remove: (entry: Entry) => {
      sort()
      const place = placeIn(entry)
      if (place >= 0) entries.splice(place, 1)
      sorted = entries.length
    },
    hit: (price: Decimal.Decimal): Entry | undefined => {
      sort()
      const entry = entries[entries.length - 1]
      return entry !== undefined && holds(entry.bound, price) ? entry : undefined
    }
  }
}

const areHit = (bounds: ReadonlyArray<PriceBound>, price: Decimal.Decimal) =>
  bounds.some((bound) => holds(bound, price))

const makeSymbolIndex = (symbol: SymbolName, counters: { ticks: number; armed: number }) => {
  const falling = makeSide(true)
  const rising = makeSide(false)
  let last: PriceTick | null = null

  const disarm = (waiter: Waiter) => {
    if (waiter.entries.length === 0) return
    for (const entry of waiter.entries) (isLower(entry.bound) ? falling : rising).remove(entry)
    waiter.entries = none
    counters.armed--
  }

  const popHit = (tick: PriceTick): boolean => {
    const entry = falling.hit(tick.price) ?? rising.hit(tick.price)
    if (entry === undefined) return false
    // Disarmed before it is woken: whatever it does next, this registration is over.
    disarm(entry.waiter)
    entry.waiter.wake(tick)
    return true
  }

  const tick = (next: PriceTick) => {
    counters.ticks++
    last = next
    // A rule that re-arms while it is woken waits for the next tick: its registration checks the last price itself.
    while (popHit(next));
  }

  const arm = (bounds: ReadonlyArray<PriceBound>, wake: (tick: PriceTick) => void): Cancel => {
    if (last !== null && areHit(bounds, last.price)) {
      // It has been there for a while: the rule was not waiting for it.
      wake({ price: last.price, at: last.at })
      return nothing
    }
    if (bounds.length === 0) return nothing
    const waiter: Waiter = { entries: none, wake }
    // Mapped, not pushed: an array that grew keeps room for sixteen more, and a hundred thousand wait here.
    waiter.entries = bounds.map((bound) => ({ bound, waiter }))
    for (const entry of waiter.entries) (isLower(entry.bound) ? falling : rising).insert(entry)
    counters.armed++
    return () => disarm(waiter)
  }

  return { symbol, last: () => last, arm, tick }
}
