import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, TestClock } from "effect"
import { Accounts } from "../../src/accounts/Accounts.ts"
import { DatabaseUnavailable } from "../../src/api/Errors.ts"
import type { CancelledOrders } from "../../src/domain/order/CancelledOrders.ts"
import { OrderId, type UserId } from "../../src/domain/Ids.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Halts, type PendingCancel } from "../../src/orders/limits/Halts.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { Halting } from "../../src/service/Halting.ts"
import { Events } from "../../src/store/Events.ts"
import { Ownership } from "../../src/store/Ownership.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { addUsers, ann, bob } from "../orders/kit/orders.ts"

type Cancelling = Effect.Effect<CancelledOrders, DatabaseUnavailable>

const done: Cancelling = Effect.succeed({ items: [], failed: [] })
const refused: Cancelling = Effect.succeed({
  items: [],
  failed: [{ orderId: OrderId.make("ord_01hzy3v7k2m4n6p8q0r2s4t6w8"), code: "ORDER_REJECTED", message: "not now" }]
})
const broken: Cancelling = Effect.fail(new DatabaseUnavailable({ message: "busy" }))

const annsHalt: PendingCancel = { who: ann, origin: "user", scope: "entries", since: 0 }
const bobsHalt: PendingCancel = { who: bob, origin: "user", scope: "entries", since: 0 }
const everybodys: PendingCancel = { who: "everybody", origin: "operator", scope: "entries", since: 0 }

/** Halts that wait for their cancels, at a venue that treats ann in a way of her own. */
const world = (anns: Cancelling, halts: ReadonlyArray<PendingCancel>) => {
  const state = { anns, pending: [...halts], asked: new Array<UserId>() }
  const times = (userId: UserId) => state.asked.filter((one) => one === userId).length
  const layer = Halting.layer.pipe(
    Layer.provide(
      Layer.mergeAll(
        Layer.mock(Accounts, { isReady: () => true, listActive: Effect.succeed([ann, bob]) }),
        Layer.mock(Ownership, { isOwner: Effect.succeed(true), fencingToken: 1 }),
        Layer.mock(Halts, {
          pendingCancels: Effect.sync(() => state.pending.map((halt) => ({ ...halt }))),
          cancelled: ({ who }) =>
            Effect.sync(() => void (state.pending = state.pending.filter((one) => one.who !== who)))
        }),
        Layer.mock(Orders, {
          cancelAll: (userId) =>
            Effect.suspend(() => {
              state.asked.push(userId)
              return userId === ann ? state.anns : done
            })
        })
      )
    )
  )
  return { layer, state, times }
}

/** Stored halts of ann, and her orders by name, of which a cancel lists those that are open and then waits for the gate. */
const slowVenue = Effect.gen(function* () {
  const gate = yield* Deferred.make<void>()
  const open = new Set<string>()
  const layer = Halting.layer.pipe(
    Layer.provide(
      Layer.mergeAll(
        Layer.mock(Accounts, { isReady: () => true, listActive: Effect.succeed([ann]) }),
        Layer.mock(Orders, {
          cancelAll: () =>
            Effect.gen(function* () {
              const listed = [...open]
              yield* Deferred.await(gate)
              for (const order of listed) open.delete(order)
              return { items: [], failed: [] }
            })
        })
      )
    ),
    Layer.provideMerge(Halts.layer),
    Layer.provide(Events.layer),
    Layer.provide(MarketClock.layer),
    Layer.provideMerge(TestDatabase.layer)
  )
  return { gate, layer, open }
})

const halt = (scope: "entries" | "all") => ({ halted: true, scope, cancelOpen: true, reason: null })
const release = { halted: false, scope: "entries", cancelOpen: true, reason: null } as const

describe("the cancels of a halt", () => {
  for (const [how, anns] of [
    ["are refused", refused],
    ["cannot be stored", broken],
    ["get no answer", Effect.never]
  ] as const)
    for (const halts of [[annsHalt, bobsHalt], [everybodys]])
      it.effect(
        `of ${halts.length === 1 ? "everybody" : "each"} go on for the others when those of one user ${how}`,
        () => {
          const { layer, times } = world(anns, halts)
          return TestClock.adjust("100 millis").pipe(
            Effect.map(() => assert.strictEqual(times(bob), 1)),
            Effect.provide(layer)
          )
        }
      )

  it.effect("are tried again, less and less often, until they succeed", () => {
    const { layer, state, times } = world(refused, [annsHalt])
    return Effect.gen(function* () {
      yield* TestClock.adjust("3 seconds")
      assert.isAtLeast(times(ann), 2)
      yield* TestClock.adjust("57 seconds")
      assert.isAtLeast(times(ann), 10)
      assert.isAtMost(times(ann), 20)
      state.anns = done
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(state.pending, [])
      const tried = times(ann)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(times(ann), tried)
    }).pipe(Effect.provide(layer))
  })

  it.effect("stop when the halt is released", () => {
    const { layer, state, times } = world(refused, [annsHalt])
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      state.pending = []
      const tried = times(ann)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(times(ann), tried)
    }).pipe(Effect.provide(layer))
  })

  for (const [how, scope, meanwhile] of [
    ["released", "entries", release],
    ["narrowed", "all", { ...halt("entries"), cancelOpen: false }]
  ] as const)
    it.effect(`reach an order that came while it was ${how} and earlier cancels were under way`, () =>
      Effect.gen(function* () {
        const { gate, layer, open } = yield* slowVenue
        yield* Effect.gen(function* () {
          yield* addUsers
          const halts = yield* Halts
          open.add("before")
          yield* halts.set(ann, "user", halt(scope))
          yield* TestClock.adjust("1 second")
          yield* halts.set(ann, "user", meanwhile)
          open.add("meanwhile")
          yield* TestClock.adjust("100 millis")
          yield* halts.set(ann, "user", halt(scope))
          yield* Deferred.succeed(gate, undefined)
          while ((yield* halts.pendingCancels).length > 0) yield* TestClock.adjust("1 second")
          assert.deepStrictEqual([...open], [])
        }).pipe(Effect.provide(layer))
      })
    )
})
