import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { klineChannel } from "../../../../../src/mexc/wire/Channels.ts"
import { makeVenueStreams } from "../../../../../src/paper/market/mirror/venue/VenueStreams.ts"
import { startUpstream } from "../mirrorKit.ts"

const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"]
const intervals = ["1m", "5m", "15m", "30m", "60m", "4h", "1d", "1W", "1M"] as const

describe("the streams of a mirror", () => {
  it.scopedLive("carry at most thirty channels on a connection, and all are served", () =>
    Effect.gen(function* () {
      const { wsUrl } = yield* startUpstream
      const streams = yield* makeVenueStreams(wsUrl)
      // 36 channels, two at a time: the venue serves no 31st of a connection.
      const channels = symbols.flatMap((symbol) => intervals.map((interval) => klineChannel(symbol, interval)))
      const pairs = Array.from({ length: 18 }, (_, i) => channels.slice(2 * i, 2 * i + 2))
      const up = yield* Effect.forEach(pairs, (two) =>
        Effect.gen(function* () {
          const accepted = yield* Deferred.make<void>()
          const onUp = Effect.asVoid(Deferred.succeed(accepted, undefined))
          yield* streams.join({ channels: two, onUp, onDown: Effect.void, onFrame: () => Effect.void })
          return accepted
        })
      )
      yield* Effect.forEach(up, Deferred.await).pipe(Effect.timeout("5 seconds"))
      assert.deepStrictEqual(streams.counts(), { connections: 2, reconnects: 0 })
    })
  )
})
