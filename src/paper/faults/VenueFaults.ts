import { Clock, Context, Effect, FiberSet, Layer, Option, Schema } from "effect"
import { type Pair, PairChange } from "../engine/Pair.ts"
import { Exchange } from "../Exchange.ts"
import * as Refusals from "../Refusals.ts"
import { VenueRejection } from "../VenueRejection.ts"
import { catalogue } from "./Catalogue.ts"
import type { Fault, FaultOf } from "./Fault.ts"
import { Faults, type Target } from "./Faults.ts"
import { pairSettings } from "./pairSettings.ts"

const venueTypes = ["listenKeyDeath", "symbolHalt", "filterChange", "balanceChange", "foreignOrder"] as const
type VenueFault = FaultOf<(typeof venueTypes)[number]>

/** What happens at the venue itself: a halt, a changed filter, money that moves from outside. */
export class VenueFaults extends Context.Tag("dipper/paper/VenueFaults")<
  VenueFaults,
  {
    /** Plans faults of any type; those of the venue happen now unless they wait for a request. */
    readonly plan: (faults: ReadonlyArray<Fault>) => Effect.Effect<void, VenueRejection>
    /** Lets planned faults of the venue happen at a request. */
    readonly meet: (target: Target) => Effect.Effect<void>
    /** Plans nothing more and ends what lasts: halts and changed filters. */
    readonly clear: Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    VenueFaults,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const exchange = yield* Exchange
  const faults = yield* Faults
  const timers = yield* FiberSet.make<void>()
  /** What the pairs were like before the changes that are in force, oldest change first. */
  let undo: ReadonlyArray<{ readonly symbol: string; readonly before: PairChange }> = []

  const accountsOf = (accessKey: string | null) =>
    accessKey === null
      ? exchange.accounts
      : Effect.flatMap(
          exchange.accountByKey(accessKey),
          Option.match({
            onNone: () => Effect.fail(Refusals.unknownKey()),
            onSome: (account) => Effect.succeed([account])
          })
        )

  const change = Effect.fnUntraced(function* (symbol: string, wanted: PairChange, seconds: number | undefined) {
    const pair = (yield* exchange.pairs).find(({ listing }) => listing.symbol === symbol)
    if (pair === undefined) return yield* Refusals.invalidSymbol()
    const changed = { symbol, before: asBefore(pair, wanted) }
    yield* exchange.changePair(symbol, wanted)
    undo = [...undo, changed]
    if (seconds === undefined) return
    const end = Effect.suspend(() => {
      if (!undo.includes(changed)) return Effect.void
      undo = undo.filter((each) => each !== changed)
      return Effect.ignoreLogged(exchange.changePair(symbol, changed.before))
    })
    yield* FiberSet.run(timers, Effect.delay(end, seconds * 1_000))
  })

  const happen = Effect.fnUntraced(function* (fault: VenueFault, caller: string | null) {
    const accessKey = fault.account ?? caller
    switch (fault.type) {
      case "symbolHalt":
        return yield* change(fault.symbol, { status: "2" }, fault.seconds)
      case "filterChange":
        return yield* change(fault.symbol, fault.change, fault.seconds)
      case "balanceChange":
        return yield* Effect.forEach(
          yield* accountsOf(accessKey),
          ({ id }) => exchange.adjust(id, fault.asset, fault.amount),
          { discard: true }
        )
      case "foreignOrder":
        return yield* Effect.forEach(
          yield* accountsOf(accessKey),
          ({ id }) => exchange.placeOrder(id, foreignRequest(fault)),
          { discard: true }
        )
      case "listenKeyDeath":
        return yield* Effect.forEach(
          yield* accountsOf(accessKey),
          ({ id }) =>
            Effect.flatMap(exchange.listenKeys(id), (keys) =>
              Effect.forEach(keys, (key) => exchange.removeListenKey(id, key), { discard: true })
            ),
          { discard: true }
        )
    }
  })

  /** Counted when it has happened: one that the exchange refuses has had no effect. */
  const happenIfPlanned = Effect.fnUntraced(function* (type: VenueFault["type"], target: Target) {
    const fault = faults.take(type, target)
    if (Option.isNone(fault)) return
    yield* happen(fault.value, target.account ?? null)
    faults.count(type)
  })

  return {
    plan: Effect.fn("VenueFaults.plan")(function* (planned: ReadonlyArray<Fault>) {
      faults.plan(planned, yield* Clock.currentTimeMillis)
      for (const fault of planned) {
        if (!isVenueFault(fault) || waitsForRequest(fault)) continue
        for (let i = 0; i < (fault.count ?? 1); i++)
          yield* Effect.mapError(happenIfPlanned(fault.type, whomOf(fault)), named(fault.type))
      }
    }),
    meet: Effect.fnUntraced(function* (target: Target) {
      if (faults.isIdle()) return
      for (const type of venueTypes)
        yield* Effect.catchAll(happenIfPlanned(type, target), (why) =>
          Effect.logWarning(`the planned ${type} did not happen: ${why.message}`)
        )
    }),
    clear: Effect.suspend(() => {
      faults.clear()
      const ended = [...undo].reverse()
      undo = []
      return Effect.forEach(ended, ({ before, symbol }) => Effect.ignoreLogged(exchange.changePair(symbol, before)), {
        discard: true
      }).pipe(Effect.zipRight(FiberSet.clear(timers)))
    })
  }
})

/** Many may be planned at once: which of them the exchange refused. */
const named =
  (type: string) =>
  ({ code, status, text }: VenueRejection) =>
    new VenueRejection({ code, status, text: `${type}: ${text}` })

const isVenueFault = (fault: Fault): fault is VenueFault => catalogue[fault.type].reach === "venue"

const waitsForRequest = ({ method, path, probability }: Fault): boolean =>
  method !== undefined || path !== undefined || probability !== undefined

const whomOf = (fault: VenueFault): Target => ({ account: fault.account ?? null, symbol: fault.symbol ?? null })

const asPairChange = Schema.validateSync(PairChange)

/** The fields of a change as they are without it. */
const asBefore = (pair: Pair, change: PairChange): PairChange =>
  asPairChange(Object.fromEntries(Object.entries(pairSettings(pair)).filter(([name]) => name in change)))

const foreignRequest = (fault: FaultOf<"foreignOrder">) => ({
  symbol: fault.symbol,
  side: fault.side,
  type: fault.orderType,
  quantity: fault.quantity ?? null,
  quoteOrderQty: fault.quoteAmount ?? null,
  price: fault.price ?? null,
  clientOrderId: fault.clientOrderId ?? null
})
