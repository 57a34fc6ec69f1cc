import { assert, describe, it } from "@effect/vitest"
import { Either, Option } from "effect"
import {
  frameSymbol,
  toBestPrices,
  toDepthDelta,
  toLimitBook,
  toMiniTicker,
  toPublicTrade,
  toStreamBalance,
  toStreamCandle,
  toStreamFill,
  toStreamOrder
} from "../../../src/mexc/map/StreamMapping.ts"
import { decodeControlAnswer, readAcknowledgement } from "../../../src/mexc/wire/Control.ts"
import { decodeFrame, type PushFrame } from "../../../src/mexc/wire/Stream.ts"
import { symbolOf } from "../kit/memoryVenue.ts"
import { makeRandom } from "../kit/virtualClock.ts"
import { damaged, frames } from "./frames.ts"
import { mangle, mutate } from "./mutate.ts"
import { assertSound } from "./sound.ts"

const cases = 6_000
const seed = 77_003

const symbol = symbolOf("ABCUSDT")

/** Everything the product makes of a frame, whatever the frame says it is. */
const mapped = (frame: PushFrame): ReadonlyArray<unknown> => [
  frameSymbol(frame),
  ...(frame.publicAggreDeals?.deals ?? []).map(toPublicTrade),
  Option.flatMap(Option.fromNullable(frame.publicAggreBookTicker), toBestPrices),
  Option.flatMap(Option.fromNullable(frame.publicAggreDepths), (body) => toDepthDelta(body, 1)),
  Option.flatMap(Option.fromNullable(frame.publicLimitDepths), (body) => toLimitBook(symbol, body, 1)),
  Option.flatMap(Option.fromNullable(frame.publicSpotKline), toStreamCandle),
  Option.flatMap(Option.fromNullable(frame.publicMiniTicker), toMiniTicker),
  ...(frame.publicMiniTickers?.items ?? []).map(toMiniTicker),
  Option.flatMap(Option.fromNullable(frame.privateOrders), (body) => toStreamOrder(symbol, body, frame.sendTime ?? 1)),
  Option.flatMap(Option.fromNullable(frame.privateDeals), (body) => toStreamFill(symbol, body)),
  Option.flatMap(Option.fromNullable(frame.privateAccount), toStreamBalance)
]

describe("whatever the venue pushes", () => {
  it(`is a frame or none, and what is made of it is sound, ${cases} times`, () => {
    const random = makeRandom(seed)
    let read = 0
    for (let i = 0; i < cases; i++) {
      const frame = frames[i % frames.length] ?? { channel: "" }
      const bytes = damaged(random, frame)
      const decoded = decodeFrame(bytes)
      if (Either.isLeft(decoded)) continue
      read++
      for (const value of mapped(decoded.right))
        assertSound(value, `case ${i}: ${Buffer.from(bytes).toString("hex").slice(0, 600)}`)
    }
    // Half of it is noise; the other half must have come through to be worth anything.
    assert.isAbove(read, cases / 4)
  })

  it(`is a control answer or none, ${cases / 4} times`, () => {
    const random = makeRandom(seed + 1)
    const answers = [
      { id: 1, code: 0, msg: "spot@public.aggre.deals.v3.api.pb@100ms@ABCUSDT" },
      { id: 2, code: 0, msg: "Not Subscribed successfully! [spot@public.x@A].  Reason： Blocked! " },
      { id: 0, code: 0, msg: "PONG" }
    ]
    for (let i = 0; i < cases / 4; i++) {
      const text = JSON.stringify(mutate(random, answers[i % 3])) ?? ""
      const answer = decodeControlAnswer(random.next() < 0.4 ? mangle(random, text) : text)
      if (Either.isRight(answer)) readAcknowledgement(answer.right)
    }
  })
})
