import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Json } from "../../kit/SignedClient.ts"
import { anybody, eventually, startMirror, startUpstream } from "./mirrorKit.ts"

const book = (client: ReturnType<typeof anybody>) =>
  Effect.map(client.raw("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000"), ({ body }) => body)

const both = Effect.gen(function* () {
  const upstream = yield* startUpstream
  yield* upstream.bob.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000", quantity: "0.5" })
  const mirror = yield* startMirror(upstream.url, upstream.wsUrl)
  const sameBook = Effect.gen(function* () {
    const wanted = yield* book(upstream.bob)
    return yield* eventually(
      book(mirror.alice),
      (found: Json) =>
        JSON.stringify([found.bids, found.asks]) === JSON.stringify([wanted.bids, wanted.asks]) &&
        found.bids.length > 0
    )
  })
  return { upstream, mirror, sameBook }
})

describe("a mirror of an exchange", () => {
  it.scopedLive("lists its pairs and shows its book, price by price", () =>
    Effect.gen(function* () {
      const { mirror, sameBook, upstream } = yield* both
      const symbols = (client: ReturnType<typeof anybody>) =>
        Effect.map(client.raw("GET", "/api/v3/exchangeInfo"), ({ body }) => body.symbols)
      assert.deepStrictEqual(yield* symbols(mirror.alice), yield* symbols(upstream.bob))

      yield* sameBook
      for (const price of ["50100", "49900.5", "51000"]) {
        yield* upstream.bob.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price })
        yield* sameBook
      }
    })
  )
})
