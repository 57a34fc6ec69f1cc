import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { VenueUnavailable } from "../../../src/mexc/VenueFailure.ts"
import { temporaryFolder } from "../../kit/TestDatabase.ts"
import { buy, eventually, executions, held, is, life, makeRule, stateOf, venue } from "./kit.ts"

/** Once `gone`, every push of best prices tells that nobody sells, and a reading has no price to tell. */
const sourcesOf = (market: { gone: boolean }) => ({
  stream: Layer.effect(
    MexcStream,
    Effect.map(MexcStream, (stream) => ({
      ...stream,
      followMarket: (symbol, handle) =>
        stream.followMarket(symbol, (event) => {
          if (!market.gone || event.type !== "bookTicker") return handle(event)
          const { at, bid, receivedAt } = event
          return handle({ type: "oneSided", symbol, bid, ask: null, at, receivedAt })
        })
    }))
  ).pipe(Layer.provide(MexcStream.layer)),
  reader: Layer.effect(
    TickerReader,
    Effect.map(TickerReader, ({ read }) => ({
      read: (symbol) => (market.gone ? Effect.fail(new VenueUnavailable({ message: "no ask" })) : read(symbol))
    }))
  ).pipe(Layer.provide(TickerReader.layer))
})

const exits = {
  "a stop": { on: "last", stopLoss: { lossPercent: "5" } },
  "a stop on the bid": { on: "bid", stopLoss: { lossPercent: "5" } }
}

describe("a market in which nobody sells", () => {
  for (const [name, exit] of Object.entries(exits))
    it.scopedLive(`still lets ${name} sell`, () =>
      Effect.gen(function* () {
        const at = yield* venue
        yield* at.price(100_000)
        const market = { gone: false }
        yield* life(
          yield* temporaryFolder,
          at,
          Effect.gen(function* () {
            const id = yield* makeRule({ exit })
            yield* buy(id)
            yield* eventually("the position", held(id), (quantity) => quantity !== "0")
            market.gone = true
            yield* at.price(99_000)
            yield* at.price(94_000)
            yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
            assert.deepStrictEqual(yield* executions(id), ["entry 0 executed", "exit 0 executed"])
          }),
          sourcesOf(market)
        )
      })
    )
})
