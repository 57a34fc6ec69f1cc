import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Logger, LogLevel, Runtime, Schedule, Schema } from "effect"
import { SymbolName } from "../../../src/domain/Market.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { defaultLimits } from "../../../src/mexc/budget/Pools.ts"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { RateBudget } from "../../../src/mexc/RateBudget.ts"
import { MexcEndpoint } from "../../../src/mexc/wire/Endpoint.ts"

/** The market part of the service alone, watching as many pairs as it is told; says when the last has a price and all are subscribed. */
const [, , port = "", count = "0"] = process.argv
const symbols = Schema.decodeSync(Schema.Array(SymbolName))(
  Array.from({ length: Number(count) }, (_, i) => `COIN${i}USDT`)
)

const market = TickerHub.layer.pipe(
  Layer.provide(TickerReader.layer),
  Layer.provideMerge(MexcStream.layer),
  Layer.provide(MexcClient.layer),
  Layer.provide([RateBudget.layer(defaultLimits), ContractDrift.layer]),
  Layer.provide([
    MexcEndpoint.layer(`http://127.0.0.1:${port}`, `ws://127.0.0.1:${port}/ws`),
    MarketClock.layer,
    NodeHttpClient.layerUndici
  ])
)

const watch = Effect.gen(function* () {
  const hub = yield* TickerHub
  yield* Effect.forEach(symbols, hub.watch, { discard: true })
  yield* Effect.forEach(symbols, hub.current).pipe(
    Effect.map((ticks) => ticks.filter((tick) => tick !== null && tick.cause !== undefined).length),
    Effect.filterOrFail((known) => known === symbols.length),
    Effect.retry(Schedule.spaced("500 millis"))
  )
  // Prices come by REST before the last connection is open.
  const { subscriptions } = yield* Effect.flatMap(MexcStream, ({ health }) => health).pipe(
    Effect.filterOrFail(({ subscriptions }) => subscriptions === 2 * symbols.length),
    Effect.retry(Schedule.spaced("500 millis"))
  )
  console.log(`watching ${subscriptions}`)
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(market), Logger.withMinimumLogLevel(LogLevel.Error))

Runtime.runFork(Runtime.defaultRuntime)(watch)
