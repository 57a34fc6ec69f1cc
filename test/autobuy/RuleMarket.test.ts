import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, TestClock } from "effect"
import { RuleMarket } from "../../src/autobuy/RuleMarket.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { btc } from "../domain/rule/fixtures.ts"
import { makePlayedMarket } from "./kit/playedMarket.ts"
import { settleDown } from "./kit/time.ts"

it.scoped(
  "A rule that buys judges by best prices that have followed the trade, one that sells by those there are",
  () =>
    Effect.gen(function* () {
      const { layer, stream } = yield* makePlayedMarket
      yield* Effect.gen(function* () {
        const market = yield* RuleMarket
        yield* market.onTick(btc, () => undefined)
        yield* settleDown
        yield* stream.best(btc, "89999", "90001")
        yield* TestClock.adjust("500 millis")
        yield* stream.trade(btc, "75000")
        const exit = yield* market.view(btc, Duration.seconds(10))
        assert.strictEqual(exit?.ask && Decimal.format(exit.ask), "90001")
        const viewing = yield* Effect.fork(
          market.view(btc, Duration.seconds(10), { withVolume: false, caughtUp: true })
        )
        yield* settleDown
        assert.isTrue(Option.isNone(yield* Fiber.poll(viewing)))
        yield* stream.best(btc, "74999", "75001")
        const view = yield* Fiber.join(viewing)
        assert.strictEqual(view?.ask && Decimal.format(view.ask), "75001")
      }).pipe(Effect.provide(layer))
    })
)
