import { Effect, Layer } from "effect"
import { RuleMarket } from "../../../src/autobuy/RuleMarket.ts"
import { Candles } from "../../../src/market/Candles.ts"
import { RollingHigh } from "../../../src/market/RollingHigh.ts"
import { Symbols } from "../../../src/market/Symbols.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { symbolInfo } from "../../domain/rule/fixtures.ts"
import { makeMarket } from "../../market/hubKit.ts"

const others = Layer.mergeAll(
  Layer.mock(Symbols, { get: () => Effect.succeed(symbolInfo) }),
  Layer.mock(RollingHigh, {}),
  Layer.mock(Candles, {})
)

/** The market of rules as it is, over a stream that the test plays: trades and best prices, each when it comes. */
export const makePlayedMarket = Effect.map(makeMarket, ({ layer, stream }) => ({
  stream,
  layer: RuleMarket.layer.pipe(Layer.provideMerge(Layer.mergeAll(layer, others)), Layer.provide(MarketClock.layer))
}))
