import { assert, describe, it } from "@effect/vitest"
import { Chunk, Clock, Effect, Exit, Fiber, Ref, Scope, Stream, TestClock } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { Tick } from "../../../src/market/feed/Quote.ts"
import { price, shown, withHub } from "../hubKit.ts"
import { btc, settle, tradeAt } from "../stubs.ts"

describe("The feed of a symbol", () => {
  it.scoped("calls every handler for every tick, in order, until its scope ends", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const scope = yield* Scope.make()
        const write = (who: string) => (tick: Tick) => Effect.sync(() => seen.push(`${who} ${price(tick)}`))
        yield* hub.onTick(btc, (tick) => Effect.zipRight(Effect.yieldNow(), write("slow")(tick)))
        yield* Scope.extend(hub.onTick(btc, write("fast")), scope)
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "102")
        yield* settle
        assert.deepStrictEqual(seen, ["slow 100", "fast 100", "slow 102", "fast 102"])
        yield* Scope.close(scope, Exit.void)
        yield* stream.trade(btc, "103")
        yield* settle
        assert.deepStrictEqual(seen.slice(4), ["slow 103"])
      })
    )
  )

  it.scoped("tells a trade that comes late or in a muddle at no older price", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        yield* hub.onTick(btc, (tick) => Effect.sync(() => seen.push(price(tick))))
        yield* settle
        yield* TestClock.adjust("10 minutes")
        const now = yield* Clock.currentTimeMillis
        const trades = (...told: ReadonlyArray<readonly [at: number, price: string]>) =>
          stream.push({
            type: "trades",
            symbol: btc,
            trades: told.map(([at, price]) => tradeAt(at, price)),
            receivedAt: now
          })
        yield* stream.best(btc, "99", "101")
        seen.length = 0
        yield* trades([now - 10, "102"], [now - 30, "100"], [now - 20, "101"])
        assert.deepStrictEqual(seen, ["102", "102", "102"], "the latest by its time")
        yield* trades([now - 5_000, "90"])
        assert.deepStrictEqual(seen.slice(3), ["102"], "the price has moved on since")
        yield* trades([now - 10, "103"])
        // A clock that was wrong for once must not stop the price.
        yield* trades([now + 86_400_000, "104"], [now, "105"])
        assert.deepStrictEqual(seen.slice(4), ["103", "104", "105"])
      })
    )
  )

  it.scoped("survives a handler that fails", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        yield* hub.onTick(btc, () => Effect.dieMessage("a bug in a rule"))
        yield* hub.onTick(btc, (tick) => Effect.sync(() => seen.push(price(tick))))
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "101")
        assert.deepStrictEqual(seen, ["100", "101"])
      })
    )
  )

  it.scoped("says after which tick prices were missed", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        yield* hub.onTick(btc, (tick) =>
          Effect.sync(() => seen.push(`${price(tick)}${tick.afterGap ? " after a gap" : ""}`))
        )
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "101")
        yield* stream.signal("interrupted", btc)
        yield* stream.signal("subscribed", btc)
        yield* stream.trade(btc, "95")
        yield* stream.trade(btc, "96")
        assert.deepStrictEqual(seen, ["100 after a gap", "101", "95 after a gap", "96"])
      })
    )
  )

  it.scoped("shows each tick to every display", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const display = hub.ticks(btc).pipe(Stream.map(price), Stream.take(2), Stream.runCollect)
        const displays = yield* Effect.fork(Effect.all([display, display], { concurrency: 2 }))
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "101")
        assert.deepStrictEqual((yield* Fiber.join(displays)).map(Chunk.toReadonlyArray), [
          ["100", "101"],
          ["100", "101"]
        ])
        assert.deepStrictEqual(yield* stream.subscriptions, ["BTCUSDT"])
      })
    )
  )

  it.scoped("believes a trade that overtook the reading, and the reading for the day's figures", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const reading = yield* Effect.fork(hub.latest(btc))
        yield* settle
        yield* stream.best(btc, "95000", "95001")
        yield* stream.trade(btc, "95000")
        yield* TestClock.adjust("20 millis")
        const ticker = yield* reading
        assert.strictEqual(shown(ticker), "95000 ws")
        assert.deepStrictEqual([ticker.open, ticker.bid].map(Decimal.format), ["80000", "95000"])
      })
    )
  )

  it.scoped("believes the last trade of a reading although best prices overtook it", () =>
    withHub(({ hub, stream, last }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        // The trade at 88000 fell into the gap; afterwards only the book moves.
        yield* stream.signal("interrupted", btc)
        yield* Ref.set(last, "88000")
        yield* TestClock.adjust("3 seconds")
        yield* stream.signal("subscribed", btc)
        const reading = yield* Effect.fork(hub.refresh(btc))
        yield* settle
        yield* stream.best(btc, "87999", "88001")
        yield* TestClock.adjust("20 millis")
        const ticker = yield* reading
        assert.deepStrictEqual([ticker.last, ticker.bid].map(Decimal.format), ["88000", "87999"])
      })
    )
  )
})
