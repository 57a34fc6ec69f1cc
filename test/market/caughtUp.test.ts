import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, type Scope, TestClock } from "effect"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { type makeMarket, withHub } from "./hubKit.ts"
import { btc, settle, tradeAt } from "./stubs.ts"

type Kit = Effect.Effect.Success<typeof makeMarket> & { readonly hub: typeof TickerHub.Service }

/** A trade whose time is not that of its coming. */
const tradeTold = (price: string, at: number) =>
  ({ type: "trades", symbol: btc, trades: [tradeAt(at, price)], receivedAt: 1_000 }) as const

/** A market at 90000 that is watched. */
const atNinetyThousand = <A, E>(test: (kit: Kit) => Effect.Effect<A, E, Scope.Scope>) =>
  withHub((kit) =>
    Effect.gen(function* () {
      yield* kit.hub.watch(btc)
      yield* settle
      yield* kit.stream.best(btc, "89999", "90001")
      yield* kit.stream.trade(btc, "90000")
      return yield* test(kit)
    })
  )

const isWaiting = <A, E>(fiber: Fiber.RuntimeFiber<A, E>) =>
  Effect.zipRight(settle, Effect.map(Fiber.poll(fiber), Option.isNone))

describe("The book after a trade", () => {
  for (const { ask, bid, to, trade } of [
    { trade: "75000", bid: "74999", ask: "75001", to: "fallen through it" },
    { trade: "99000", bid: "98999", ask: "99001", to: "risen through it" }
  ])
    it.scoped(`is waited for when the price has ${to}`, () =>
      atNinetyThousand(({ hub, stream }) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("1 second")
          yield* stream.trade(btc, trade)
          const waiting = yield* Effect.fork(hub.caughtUp(btc))
          assert.isTrue(yield* isWaiting(waiting))
          yield* stream.trade(btc, trade)
          assert.isTrue(yield* isWaiting(waiting))
          yield* stream.best(btc, bid, ask)
          yield* Fiber.join(waiting)
          yield* hub.caughtUp(btc)
        })
      )
    )

  for (const [trade, why] of [
    ["89999", "at the bid"],
    ["90001", "at the ask"]
  ] as const)
    it.scoped(`is not waited for ${why}`, () =>
      atNinetyThousand(({ hub, stream }) => Effect.zipRight(stream.trade(btc, trade), hub.caughtUp(btc)))
    )

  it.scoped("is not waited for when it has moved since", () =>
    atNinetyThousand(({ hub, stream }) => Effect.zipRight(stream.best(btc, "75000", "75001"), hub.caughtUp(btc)))
  )

  it.scoped("is not waited for when it is younger than the trade, which came late", () =>
    atNinetyThousand(({ hub, stream }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        yield* stream.best(btc, "89990", "89992")
        yield* stream.push(tradeTold("90500", 500))
        yield* hub.caughtUp(btc)
      })
    )
  )

  it.scoped("is waited for when what came after the trade was sent before it", () =>
    atNinetyThousand(({ hub, stream }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        yield* stream.push(tradeTold("75000", 2_000))
        yield* stream.best(btc, "89999", "90001")
        assert.isTrue(yield* isWaiting(yield* Effect.fork(hub.caughtUp(btc))))
      })
    )
  )

  it.scoped("is waited for half a second at most", () =>
    atNinetyThousand(({ hub, stream }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        yield* stream.trade(btc, "75000")
        const waiting = yield* Effect.fork(hub.caughtUp(btc))
        yield* settle
        yield* TestClock.adjust("499 millis")
        assert.isTrue(yield* isWaiting(waiting))
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(waiting)
      })
    )
  )
})
