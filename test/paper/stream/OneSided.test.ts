import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { unsafe } from "../../../src/domain/Decimal.ts"
import { Market } from "../../../src/paper/engine/Market.ts"
import { pairOf } from "../../../src/paper/engine/Pair.ts"
import { makeSynthetic } from "../../../src/paper/market/Synthetic.ts"
import { connect, marketNow, toldServer } from "../kit/streamKit.ts"

const best = "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT"
const batch = "spot@public.bookTicker.batch.v3.api.pb@BTCUSDT"

describe("a book with one side", () => {
  it.scopedLive("is told with nothing for the other, as proto3 leaves an empty text out", () =>
    Effect.gen(function* () {
      const { port, tell } = yield* toldServer
      const client = yield* connect(port)
      yield* client.subscribe(best, batch)
      yield* tell({
        type: "bookTicker",
        symbol: "BTCUSDT",
        bid: [unsafe("9"), unsafe("2")],
        ask: null,
        version: 8n,
        at: marketNow
      })
      const sides = { bidPrice: "9", bidQuantity: "2", askPrice: "", askQuantity: "" }
      assert.deepStrictEqual((yield* client.frameOf(batch)).publicBookTickerBatch?.items, [sides])
      assert.deepInclude((yield* client.frameOf(best)).publicAggreBookTicker, { ...sides, version: "8" })
      // The exchange behind this server has a book of bids: said again when nothing happens.
      assert.deepInclude((yield* client.frameOf(best)).publicAggreBookTicker, { bidPrice: "9", askPrice: "" })
    })
  )

  it("is an event of the engine, and so is one that lost both", () => {
    const [listing] = makeSynthetic({ seed: 1, startsAt: marketNow }).listings
    if (listing === undefined) return assert.fail()
    const market = new Market(pairOf(listing), 1n)
    const told = () => market.takeBookEvents(marketNow).flatMap((event) => (event.type === "bookTicker" ? [event] : []))
    market.book.changeLadder("buy", [[unsafe("9"), unsafe("2")]])
    const [one] = told()
    assert.deepStrictEqual([one?.bid, one?.ask], [[unsafe("9"), unsafe("2")], null])
    market.book.changeLadder("buy", [[unsafe("9"), unsafe("0")]])
    const [neither] = told()
    assert.deepStrictEqual([neither?.bid, neither?.ask], [null, null])
  })
})
