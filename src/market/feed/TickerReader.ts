import { Context, Deferred, Effect, Exit, Layer } from "effect"
import type { SymbolName, Ticker } from "../../domain/Market.ts"
import { MexcClient } from "../../mexc/MexcClient.ts"
import type { VenueFailure } from "../../mexc/VenueFailure.ts"
import { VenueRefused } from "../../mexc/VenueFailure.ts"

/** Long enough that the symbols of one reconnected stream, or of one look at silent streams, travel together. */
const gathering = "20 millis"

/**
 * Reads tickers by REST, now. One pair and all pairs cost the venue the same 25 weight, so readings asked for
 * together are one request.
 */
export class TickerReader extends Context.Tag("dipper/market/TickerReader")<
  TickerReader,
  { readonly read: (symbol: SymbolName) => Effect.Effect<Ticker, VenueFailure> }
>() {
  static readonly layer: Layer.Layer<TickerReader, never, MexcClient> = Layer.scoped(
    TickerReader,
    Effect.gen(function* () {
      const mexc = yield* MexcClient
      const scope = yield* Effect.scope
      let gathered = new Map<SymbolName, Deferred.Deferred<Ticker, VenueFailure>>()

      const readOne = (symbol: SymbolName, reading: Deferred.Deferred<Ticker, VenueFailure>) =>
        Effect.flatMap(Effect.exit(mexc.ticker(symbol)), (exit) => Deferred.done(reading, exit))

      const readAll = Effect.fnUntraced(function* (readings: typeof gathered) {
        const exit = yield* Effect.exit(mexc.tickers)
        const found = Exit.isSuccess(exit) ? new Map(exit.value.map((ticker) => [ticker.symbol, ticker])) : null
        for (const [symbol, reading] of readings) {
          const ticker = found?.get(symbol)
          yield* Deferred.done(
            reading,
            ticker === undefined ? Exit.zipRight(exit, Exit.fail(notListed(symbol))) : Exit.succeed(ticker)
          )
        }
      })

      const send = Effect.gen(function* () {
        yield* Effect.sleep(gathering)
        const readings = gathered
        gathered = new Map()
        const [only] = readings
        yield* readings.size === 1 && only !== undefined ? readOne(...only) : readAll(readings)
      })

      const read = Effect.fn("TickerReader.read")(function* (symbol: SymbolName) {
        const ours = yield* Deferred.make<Ticker, VenueFailure>()
        const theirs = gathered.get(symbol)
        if (theirs !== undefined) return yield* Deferred.await(theirs)
        gathered.set(symbol, ours)
        // The request belongs to the reader: whoever asked first may go away.
        if (gathered.size === 1) yield* Effect.forkIn(Effect.interruptible(send), scope)
        return yield* Deferred.await(ours)
      })

      return { read }
    })
  )
}

const notListed = (symbol: SymbolName) =>
  new VenueRefused({ message: `no ticker of ${symbol} among all tickers`, code: -1121, kind: "input" })
