import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import {
  bookTickerBatchChannel,
  bookTickerChannel,
  dealsChannel,
  depthChannel,
  increaseDepthChannel,
  klineChannel,
  limitDepthChannel,
  miniTickerChannel,
  miniTickersChannel,
  parseChannel,
  zones
} from "../../../src/mexc/wire/Channels.ts"
import * as Control from "../../../src/mexc/wire/Control.ts"
import { fixture, fixturesFolder, hasFixtures } from "../kit/reference.ts"

const read = (text: string) => Control.readAcknowledgement(Either.getOrThrow(Control.decodeControlAnswer(text)))

describe("channel names", () => {
  it("are read back as they were built", () => {
    assert.deepStrictEqual(parseChannel(dealsChannel("BTCUSDT")), { kind: "deals", speed: "100ms", symbol: "BTCUSDT" })
    assert.deepStrictEqual(parseChannel(depthChannel("BTCUSDT", "10ms")), {
      kind: "depth",
      speed: "10ms",
      symbol: "BTCUSDT"
    })
    assert.deepStrictEqual(parseChannel(bookTickerChannel("A_BUSDT")), {
      kind: "bookTicker",
      speed: "100ms",
      symbol: "A_BUSDT"
    })
    assert.deepStrictEqual(parseChannel(klineChannel("BTCUSDT", "4h")), {
      kind: "kline",
      symbol: "BTCUSDT",
      interval: "4h"
    })
    assert.deepStrictEqual(parseChannel(limitDepthChannel("BTCUSDT", 5)), {
      kind: "limitDepth",
      symbol: "BTCUSDT",
      levels: 5
    })
    assert.deepStrictEqual(parseChannel("spot@public.kline.v3.api.pb@BTCUSDT@Hour8"), {
      kind: "kline",
      symbol: "BTCUSDT",
      interval: "8h"
    })
    assert.deepStrictEqual(parseChannel(bookTickerBatchChannel("MXUSDT")), {
      kind: "bookTickerBatch",
      symbol: "MXUSDT"
    })
    assert.deepStrictEqual(parseChannel(increaseDepthChannel("MXUSDT")), { kind: "increaseDepth", symbol: "MXUSDT" })
    assert.lengthOf(zones, 25)
    for (const zone of zones) {
      assert.deepStrictEqual(parseChannel(miniTickerChannel("MXUSDT", zone)), {
        kind: "miniTicker",
        symbol: "MXUSDT",
        zone
      })
      assert.deepStrictEqual(parseChannel(miniTickersChannel(zone)), { kind: "miniTickers", zone })
    }
    assert.deepStrictEqual(parseChannel("spot@private.deals.v3.api.pb"), { kind: "privateDeals" })
  })

  it("the venue blocks are not channels", () => {
    for (const name of [
      "spot@public.aggre.deals.v3.api@100ms@BTCUSDT",
      "spot@public.aggre.deals.v3.api.pb@BTCUSDT",
      "spot@public.aggre.deals.v3.api.pb@100ms@btcusdt",
      "spot@public.limit.depth.v3.api.pb@BTCUSDT@7",
      "spot@public.kline.v3.api.pb@BTCUSDT@Hour1",
      "spot@private.deals.v3.api.pb@X",
      "spot@public.miniTicker.v3.api.pb@BTCUSDT",
      "spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC-9",
      "spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC+08",
      "spot@public.miniTickers.v3.api.pb",
      "spot@public.miniTickers.v3.api.pb@",
      "spot@public.miniTickers.v3.api.pb@UTC+8@",
      "spot@public.bookTicker.batch.v3.api.pb@BTCUSDT@",
      "spot@public.increase.depth.batch.v3.api.pb",
      "spot@public.bookTicker.v3.api.pb@BTCUSDT",
      ""
    ])
      assert.isNull(parseChannel(name), name)
  })
})

describe("acknowledgements", () => {
  it("of several channels name each accepted one", () => {
    const channels = [dealsChannel("BTCUSDT"), bookTickerChannel("BTCUSDT")]
    assert.deepStrictEqual(read(Control.acceptedFrame(3, channels)), { accepted: channels, refused: [] })
  })

  it("that refuse carry code 0 all the same, and name the refused channels", () => {
    const channels = [dealsChannel("NOPEUSDT"), bookTickerChannel("NOPEUSDT")]
    assert.deepStrictEqual(read(Control.refusedFrame(3, channels)), { accepted: [], refused: channels })
  })

  it("are read by what they say, whatever stands beside it", () => {
    const channel = dealsChannel("BTCUSDT")
    for (const beside of [{ id: null }, { id: "7" }, { id: 1.5, code: null }, { code: "0" }, { code: [] }])
      assert.deepStrictEqual(read(JSON.stringify({ ...beside, msg: channel })), { accepted: [channel], refused: [] })
    for (const msg of [null, 7, true]) assert.isNull(read(JSON.stringify({ id: 1, code: 0, msg })))
    assert.isTrue(Either.isLeft(Control.decodeControlAnswer(JSON.stringify(["a", "list"]))))
  })

  it("are told apart from pongs and from texts that are not JSON", () => {
    assert.isNull(read(Control.pongFrame))
    assert.isTrue(Either.isLeft(Control.decodeControlAnswer(Control.invalidListenKeyText)))
  })

  describe.skipIf(!hasFixtures)("of the reference", () => {
    for (const name of hasFixtures ? readdirSync(join(fixturesFolder, "ws-control")) : []) {
      it(`${name} is understood`, () => {
        const sample = Object(fixture(`ws-control/${name}`))
        const answer = read(JSON.stringify(sample.response))
        if (name.startsWith("rejected"))
          assert.deepStrictEqual(answer, { accepted: [], refused: sample.request.params })
        else assert.isNull(answer)
      })
    }
  })
})
