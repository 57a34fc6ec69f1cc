import { Effect, Either, Layer, Option, Queue, Redacted, Stream } from "effect"
import { WebSocket } from "ws"
import { unsafe } from "../../../src/domain/Decimal.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { decodeFrame, type PushFrame } from "../../../src/mexc/wire/Stream.ts"
import { pairOf } from "../../../src/paper/engine/Pair.ts"
import type { ExchangeEvent } from "../../../src/paper/Events.ts"
import { Exchange } from "../../../src/paper/Exchange.ts"
import { Faults } from "../../../src/paper/faults/Faults.ts"
import { Listener } from "../../../src/paper/Listener.ts"
import { makeSynthetic } from "../../../src/paper/market/Synthetic.ts"
import { MarketSource } from "../../../src/paper/MarketSource.ts"
import { layer as streamServer } from "../../../src/paper/StreamServer.ts"

export const marketNow = Date.parse("2024-12-05T22:28:00.000Z")

/**
 * The stream server over an exchange that tells what the test says; its listen keys are those of `keys`, and `breaths`
 * counts how often it was asked to breathe.
 */
export const toldServerUntil = Effect.fnUntraced(function* (endsAt: number | null) {
  const told = yield* Queue.unbounded<ExchangeEvent>()
  const keys = new Map([["good-key", "acc_1"]])
  const source = { ...makeSynthetic({ seed: 1, startsAt: marketNow }), endsAt }
  let breaths = 0
  const exchange = Layer.mock(Exchange, {
    pairs: Effect.succeed(source.listings.map(pairOf)),
    events: Stream.fromQueue(told),
    accountOfListenKey: (key) => Effect.succeed(Option.fromNullable(keys.get(key))),
    accountById: (id) =>
      Effect.succeedSome({
        id,
        accessKey: `key of ${id}`,
        secretKey: Redacted.make(""),
        permissions: new Set(),
        ips: null
      }),
    breathe: () => Effect.sync(() => void breaths++),
    book: (symbol) => Effect.succeed({ symbol, bids: [[unsafe("9"), unsafe("1")]], asks: [], version: 7n, at: 1 })
  })
  const clock = Layer.succeed(MarketClock, {
    now: Effect.succeed(marketNow),
    sleepUntil: () => Effect.never,
    speed: Effect.succeed(1)
  })
  const listener = yield* Layer.build(Listener.layer({ host: "127.0.0.1", port: 0 }))
  const { port } = yield* Effect.provide(Listener, listener)
  yield* Layer.build(
    streamServer.pipe(
      Layer.provide(Layer.mergeAll(exchange, clock, Layer.succeed(MarketSource, source), Faults.layerNone)),
      Layer.provide(Layer.succeedContext(listener))
    )
  )
  const tell = (...events: ReadonlyArray<ExchangeEvent>) => Effect.asVoid(Queue.offerAll(told, events))
  return { port, tell, keys, breaths: () => breaths }
})
export const toldServer = toldServerUntil(null)

export type Heard = { readonly text: string } | { readonly frame: PushFrame } | { readonly closed: number }

/** A client's socket: what it hears waits in order. */
export const connect = (port: number, query = "", autoPong = true) =>
  Effect.gen(function* () {
    const heard = yield* Queue.unbounded<Heard>()
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => new WebSocket(`ws://127.0.0.1:${port}/ws${query}`, { autoPong })),
      (open) => Effect.sync(() => open.terminate())
    )
    socket.on("message", (data: Buffer, isBinary) => {
      Queue.unsafeOffer(heard, isBinary ? { frame: Either.getOrThrow(decodeFrame(data)) } : { text: data.toString() })
    })
    socket.on("close", (closed) => Queue.unsafeOffer(heard, { closed }))
    socket.on("error", () => undefined)
    yield* Effect.async<void, string>((resume) => {
      socket.once("open", () => resume(Effect.void))
      socket.once("error", (error) => resume(Effect.fail(error.message)))
    })
    const say = (message: unknown) =>
      Effect.sync(() => socket.send(typeof message === "string" ? message : JSON.stringify(message)))
    const next = Queue.take(heard)
    const answer = Effect.flatMap(next, (got) => ("text" in got ? Effect.succeed(got.text) : Effect.fail(got)))
    const frame = Effect.flatMap(next, (got) => ("frame" in got ? Effect.succeed(got.frame) : Effect.fail(got)))
    const closed = Effect.flatMap(next, (got) => ("closed" in got ? Effect.succeed(got.closed) : Effect.fail(got)))
    const subscribe = (...params: ReadonlyArray<string>) =>
      Effect.zipRight(say({ method: "SUBSCRIPTION", params, id: 1 }), answer)
    /** The next frame of a channel; others are passed over. */
    const frameOf = (channel: string) => Effect.repeat(frame, { until: (each) => each.channel === channel })
    return { socket, say, answer, frame, frameOf, closed, subscribe, heard }
  })
