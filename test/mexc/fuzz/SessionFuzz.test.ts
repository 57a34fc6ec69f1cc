import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, TestClock } from "effect"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { VenueUnavailable } from "../../../src/mexc/VenueFailure.ts"
import {
  bookTickerChannel,
  dealsChannel,
  depthChannel,
  klineChannel,
  limitDepthChannel,
  miniTickersChannel,
  privateAccount,
  privateDeals,
  privateOrders
} from "../../../src/mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../../src/mexc/wire/Stream.ts"
import { symbolOf } from "../kit/memoryVenue.ts"
import { eventually, type Peer, settle } from "../kit/streamServer.ts"
import { makeRandom } from "../kit/virtualClock.ts"
import { credentials } from "../kit/venueServer.ts"
import { keys, listen, withStream } from "../kit/withStream.ts"
import { damaged, frames } from "./frames.ts"
import { mangle, mutate, type Random } from "./mutate.ts"
import { assertSound } from "./sound.ts"

const cases = 3_000
const seed = 77_017

const abc = symbolOf("ABCUSDT")

/** The channel on which a frame of this body comes; frames of bodies nobody reads keep their own. */
const channelOf = (frame: PushFrameInput): string => {
  if (frame.publicAggreDeals !== undefined) return dealsChannel(abc)
  if (frame.publicAggreBookTicker !== undefined) return bookTickerChannel(abc)
  if (frame.publicAggreDepths !== undefined) return depthChannel(abc)
  if (frame.publicLimitDepths !== undefined) return limitDepthChannel(abc, 5)
  if (frame.publicSpotKline !== undefined) return klineChannel(abc, "1m")
  if (frame.publicMiniTickers !== undefined) return miniTickersChannel("24H")
  if (frame.privateOrders !== undefined) return privateOrders
  if (frame.privateDeals !== undefined) return privateDeals
  return frame.privateAccount === undefined ? (frame.channel ?? "") : privateAccount
}

/** A candle that opens after all that noise may have told of: an older one is a late word. */
const latest = (frame: PushFrameInput): PushFrameInput =>
  frame.publicSpotKline === undefined
    ? frame
    : { ...frame, publicSpotKline: { ...frame.publicSpotKline, windowStart: 253_402_300_000 } }

const answers = [
  { id: 1, code: 0, msg: dealsChannel(abc) },
  { id: 2, code: 0, msg: "Not Subscribed successfully! [spot@public.x@A].  Reason： Blocked! " },
  { id: 0, code: 0, msg: "PONG" }
]

const noise = (random: Random, i: number): string => {
  const text = JSON.stringify(mutate(random, answers[i % answers.length])) ?? ""
  return random.next() < 0.4 ? mangle(random, text) : text
}

const deaf = Layer.mock(TickerReader, { read: () => Effect.fail(new VenueUnavailable({ message: "not asked here" })) })

describe("whatever comes over a connection", () => {
  it.effect(`upsets neither it nor those who listen, and makes nobody place an order, ${cases} times`, () => {
    const key = keys()
    return withStream(
      (stream, server, venue) =>
        Effect.gen(function* () {
          const random = makeRandom(seed)
          const hub = yield* TickerHub.pipe(
            Effect.provide(
              yield* Layer.build(TickerHub.layer.pipe(Layer.provide([Layer.succeed(MexcStream, stream), deaf])))
            )
          )
          yield* hub.watch(abc)
          const heard = [
            yield* listen(stream.market(abc)),
            yield* listen(stream.depth(abc)),
            yield* listen(stream.limitDepth(abc, 5)),
            yield* listen(stream.klines(abc, "1m")),
            yield* listen(stream.miniTickers()),
            yield* listen(stream.user(credentials))
          ]
          yield* eventually(() => heard.every(({ events }) => events.length === 1), "all subscribed")
          const peers = [...server.peers]
          const carriers = (channel: string): ReadonlyArray<Peer> => {
            const own = peers.filter(({ channels }) => channels.has(channel))
            return own.length === 0 ? peers : own
          }
          for (let i = 0; i < cases; i++) {
            const frame = frames[i % frames.length] ?? { channel: "" }
            const sent = { ...frame, channel: channelOf(frame) }
            const bytes = damaged(random, sent)
            for (const { socket } of carriers(sent.channel)) {
              socket.send(bytes)
              if (i % 10 === 0) socket.send(noise(random, i))
            }
            if (i % 50 === 0) yield* eventually(() => peers.every(({ socket }) => socket.bufferedAmount === 0), "sent")
          }
          yield* Effect.repeatN(settle, 20)
          const before = heard.map(({ events }) => events.length)
          // Each connection still carries its channels: what is whole arrives behind all that.
          for (const frame of frames) {
            const sent = { ...latest(frame), channel: channelOf(frame) }
            for (const peer of carriers(sent.channel)) peer.push(sent)
          }
          yield* eventually(() => heard.every(({ events }, i) => events.length > (before[i] ?? 0)), "whole frames")
          yield* TestClock.adjust("1 second")
          assert.strictEqual(server.opened(), peers.length, "no connection was made anew")
          assert.deepStrictEqual([...server.peers], peers)
          for (const { events, fiber } of heard) {
            assert.isNull(fiber.unsafePoll())
            for (const event of events) assertSound(event, event.type)
          }
          assert.isNotNull(yield* hub.current(abc))
          assert.deepStrictEqual(
            venue.asked.filter(({ method, path }) => method === "POST" && path !== "/userDataStream"),
            []
          )
        }).pipe(Logger.withMinimumLogLevel(LogLevel.None)),
      (asked) =>
        asked.path === "/order" ? { status: 400, json: { code: -2013, msg: "Order does not exist." } } : key(asked)
    )
  })
})
