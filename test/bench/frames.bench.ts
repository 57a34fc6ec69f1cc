import { assert, it } from "@effect/vitest"
import { Effect, Either, Option, Schema } from "effect"
import protobuf from "protobufjs/light.js"
import { SymbolName } from "../../src/domain/Market.ts"
import { toBestPrices, toDepthDelta, toPublicTrade, toStreamOrder } from "../../src/mexc/map/StreamMapping.ts"
import { decodeFrame, encodeFrame, type PushFrameInput } from "../../src/mexc/wire/Stream.ts"
import { print, spread } from "./kit.ts"

const rounds = 9
const frames = 20_000
const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")

/** The same messages as a user of the bare library would declare them: only what these frames hold. */
const bareWrapper = protobuf.Root.fromJSON({
  nested: {
    Deal: {
      fields: {
        price: { id: 1, type: "string" },
        quantity: { id: 2, type: "string" },
        tradeType: { id: 3, type: "int32" },
        time: { id: 4, type: "int64" },
        tradeId: { id: 5, type: "string" }
      }
    },
    Deals: { fields: { deals: { id: 1, type: "Deal", rule: "repeated" }, eventType: { id: 2, type: "string" } } },
    Level: { fields: { price: { id: 1, type: "string" }, quantity: { id: 2, type: "string" } } },
    Depth: {
      fields: {
        asks: { id: 1, type: "Level", rule: "repeated" },
        bids: { id: 2, type: "Level", rule: "repeated" },
        eventType: { id: 3, type: "string" },
        fromVersion: { id: 4, type: "string" },
        toVersion: { id: 5, type: "string" },
        lastOrderCreateTime: { id: 6, type: "int64" }
      }
    },
    BookTicker: {
      fields: {
        bidPrice: { id: 1, type: "string" },
        bidQuantity: { id: 2, type: "string" },
        askPrice: { id: 3, type: "string" },
        askQuantity: { id: 4, type: "string" },
        version: { id: 5, type: "string" },
        lastOrderCreateTime: { id: 6, type: "int64" }
      }
    },
    Order: {
      fields: {
        id: { id: 1, type: "string" },
        clientId: { id: 2, type: "string" },
        price: { id: 3, type: "string" },
        quantity: { id: 4, type: "string" },
        amount: { id: 5, type: "string" },
        avgPrice: { id: 6, type: "string" },
        orderType: { id: 7, type: "int32" },
        tradeType: { id: 8, type: "int32" },
        isMaker: { id: 9, type: "bool" },
        remainAmount: { id: 10, type: "string" },
        remainQuantity: { id: 11, type: "string" },
        lastDealQuantity: { id: 12, type: "string" },
        cumulativeQuantity: { id: 13, type: "string" },
        cumulativeAmount: { id: 14, type: "string" },
        status: { id: 15, type: "int32" },
        createTime: { id: 16, type: "int64" }
      }
    },
    Wrapper: {
      fields: {
        channel: { id: 1, type: "string" },
        symbol: { id: 3, type: "string" },
        symbolId: { id: 4, type: "string" },
        createTime: { id: 5, type: "int64" },
        sendTime: { id: 6, type: "int64" },
        order: { id: 304, type: "Order" },
        depth: { id: 313, type: "Depth" },
        deals: { id: 314, type: "Deals" },
        bookTicker: { id: 315, type: "BookTicker" }
      }
    }
  }
}).lookupType("Wrapper")

const price = (i: number) => `${87_900 + (i % 90)}.${10 + (i % 89)}`
const quantity = (i: number) => `0.${10_000_000 + ((i * 7_919) % 89_999_999)}`
const level = (i: number) => ({ price: price(i), quantity: quantity(i) })
const time = 1_767_205_854_814

const kinds: Record<string, (i: number) => Omit<PushFrameInput, "symbol" | "sendTime">> = {
  "best prices": (i) => ({
    channel: "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT",
    publicAggreBookTicker: {
      bidPrice: price(i),
      bidQuantity: quantity(i),
      askPrice: price(i + 1),
      askQuantity: quantity(i + 1),
      version: `${56_217_769_552 + i}`,
      lastOrderCreateTime: time + i
    }
  }),
  "two trades": (i) => ({
    channel: "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT",
    publicAggreDeals: {
      eventType: "spot@public.aggre.deals.v3.api.pb@100ms",
      deals: [i, i + 1].map((n) => ({ ...level(n), tradeType: 1 + (n % 2), time: time + n, tradeId: `5059790174${n}` }))
    }
  }),
  "six levels of a book": (i) => ({
    channel: "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT",
    publicAggreDepths: {
      eventType: "spot@public.aggre.depth.v3.api.pb@100ms",
      asks: [i, i + 1, i + 2].map(level),
      bids: [i + 3, i + 4, i + 5].map(level),
      fromVersion: `${56_217_769_552 + i}`,
      toVersion: `${56_217_769_552 + i}`
    }
  }),
  "an own order": (i) => ({
    channel: "spot@private.orders.v3.api.pb",
    privateOrders: {
      id: `C02__${385_413_065_019 + i}`,
      clientId: `dp${i}abcdef`,
      ...level(i),
      amount: "200",
      avgPrice: price(i),
      orderType: 1,
      tradeType: 1,
      isMaker: true,
      remainAmount: "100",
      remainQuantity: quantity(i),
      cumulativeQuantity: quantity(i + 1),
      cumulativeAmount: "100",
      status: 3,
      createTime: time
    }
  })
}

/** Bytes to what the rest of the service hears; how many decimals and events came of it is counted. */
const ours = (bytes: Uint8Array): number => {
  const frame = Either.getOrThrow(decodeFrame(bytes))
  const at = frame.sendTime ?? 0
  if (frame.publicAggreBookTicker !== undefined) return Option.isSome(toBestPrices(frame.publicAggreBookTicker)) ? 1 : 0
  if (frame.publicAggreDeals !== undefined)
    return frame.publicAggreDeals.deals.filter((deal) => Option.isSome(toPublicTrade(deal))).length
  if (frame.publicAggreDepths !== undefined) return Option.isSome(toDepthDelta(frame.publicAggreDepths, at)) ? 1 : 0
  if (frame.privateOrders !== undefined) return Option.isSome(toStreamOrder(symbol, frame.privateOrders, at)) ? 1 : 0
  return 0
}

const took = (run: () => void): number => {
  const began = performance.now()
  run()
  return performance.now() - began
}

for (const [name, make] of Object.entries(kinds)) {
  it.live(`frames with ${name}`, () =>
    Effect.sync(() => {
      const sent = Array.from({ length: frames }, (_, i) =>
        encodeFrame({ symbol: "BTCUSDT", sendTime: time + i, ...make(i) })
      )
      const runs: Array<{ readonly bare: number; readonly ours: number }> = []
      for (let round = 0; round <= rounds; round++) {
        let events = 0
        const bare = took(() => {
          for (const bytes of sent) bareWrapper.decode(bytes)
        })
        const own = took(() => {
          for (const bytes of sent) events += ours(bytes)
        })
        assert.isAtLeast(events, frames)
        // The first round warms up.
        if (round > 0) runs.push({ bare, ours: own })
      }
      const perSecond = (ms: number) => frames / (ms / 1_000)
      print(`frames with ${name}, ${frames} of them, ${rounds} rounds`, [
        ["bare protobufjs, frames per second", spread(runs.map((run) => perSecond(run.bare)))],
        ["bytes to domain, frames per second", spread(runs.map((run) => perSecond(run.ours)))],
        [
          "ours ÷ bare, time",
          spread(
            runs.map((run) => run.ours / run.bare),
            2
          )
        ]
      ])
    })
  )
}
