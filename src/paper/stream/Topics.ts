import { Clock, Effect, type Scope } from "effect"
import { MarketClock } from "../../MarketClock.ts"
import { encodeFrame, type PushFrameInput } from "../../mexc/wire/Stream.ts"
import type { Exchange } from "../Exchange.ts"
import { MarketSource } from "../MarketSource.ts"
import type { Connection } from "./Connection.ts"
import type { Delivery } from "./Delivery.ts"
import { makeInterest } from "./Interest.ts"
import { makeTopic, type MarketEvent, type PublicChannel, type Topic } from "./Topic.ts"

/** The public channels in use; each push is encoded once, however many read it. */
export interface Topics {
  readonly join: (name: string, channel: PublicChannel, connection: Connection, now: number) => void
  readonly leave: (name: string, connection: Connection) => void
  readonly publish: (event: MarketEvent) => void
}

const periods = [5, 10, 100, 1_000, 3_000] as const
/** How often topics that were silent are looked for. */
const quietLookMs = 250
/** How often, and how many at once, quiet books that somebody follows are told again. */
const breathMs = 100
const breathsAtOnce = 20

export const makeTopics: (
  delivery: Delivery
) => Effect.Effect<Topics, never, Exchange | MarketClock | MarketSource | Scope.Scope> = Effect.fnUntraced(
  function* (delivery) {
    const clock = yield* MarketClock
    const { endsAt } = yield* MarketSource
    const byName = new Map<string, Topic>()
    const bySymbol = new Map<string | null, Set<Topic>>()
    const toldAt = new WeakMap<Topic, number>()
    const due = new Map<number, Due>()
    const { begin, exchange } = yield* makeInterest(() => [...bySymbol.keys()].filter((symbol) => symbol !== null))

    const tell = (topic: Topic, frames: ReadonlyArray<PushFrameInput>, now: number) => {
      if (frames.length > 0) toldAt.set(topic, now)
      for (const frame of frames) {
        const push = { bytes: encodeFrame(frame), channel: topic.name, symbol: topic.symbol, order: topic.name }
        for (const subscriber of topic.subscribers) delivery.push(subscriber, push, now)
      }
    }

    const push = Effect.fnUntraced(function* (topic: Topic) {
      const frames = yield* topic.drain(yield* clock.now)
      tell(topic, frames, yield* Clock.currentTimeMillis)
    })

    for (const period of periods) {
      const waiting: Due = { topics: new Set(), latch: yield* Effect.makeLatch(false) }
      due.set(period, waiting)
      const pushDue = Effect.gen(function* () {
        yield* waiting.latch.await
        yield* Effect.sleep(period)
        waiting.latch.unsafeClose()
        const topics = [...waiting.topics]
        waiting.topics.clear()
        yield* Effect.forEach(topics, push, { discard: true })
      })
      yield* Effect.forkScoped(Effect.forever(pushDue))
    }

    const isWaiting = (topic: Topic): boolean => due.get(topic.periodMs)?.topics.has(topic) ?? false

    /** A market whose time is stepped, or has ended, does nothing by itself. */
    const whileAlive = (effect: Effect.Effect<void>) =>
      Effect.flatMap(Effect.zip(clock.speed, clock.now), ([speed, now]) =>
        speed === 0 || (endsAt !== null && now >= endsAt) ? Effect.void : effect
      )

    const tellQuiet = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const topic of byName.values()) {
        const { quiet } = topic
        if (quiet === null || isWaiting(topic) || now - (toldAt.get(topic) ?? now) < quiet.afterMs) continue
        tell(topic, yield* quiet.frames(yield* clock.now), now)
      }
    })

    const breathe = Effect.suspend(() => {
      const quiet = [...byName.values()].filter((topic) => topic.breathes && !isWaiting(topic))
      if (quiet.length === 0) return Effect.void
      quiet.sort((a, b) => (toldAt.get(a) ?? 0) - (toldAt.get(b) ?? 0))
      const symbols = new Set(quiet.flatMap(({ symbol }) => (symbol === null ? [] : [symbol])))
      return exchange.breathe([...symbols].slice(0, breathsAtOnce))
    })

    /** Open while somebody is subscribed to anything. */
    const inUse = yield* Effect.makeLatch(false)
    const repeatedly = (effect: Effect.Effect<void>, everyMs: number) =>
      Effect.forkScoped(Effect.forever(inUse.whenOpen(Effect.delay(whileAlive(effect), everyMs))))
    yield* repeatedly(tellQuiet, quietLookMs)
    yield* repeatedly(breathe, breathMs)

    const join = (name: string, channel: PublicChannel, connection: Connection, now: number) => {
      const topic = byName.get(name) ?? makeTopic(name, channel, exchange)
      if (!byName.has(name)) {
        byName.set(name, topic)
        bySymbol.set(topic.symbol, (bySymbol.get(topic.symbol) ?? new Set()).add(topic))
        toldAt.set(topic, now)
        inUse.unsafeOpen()
      }
      topic.subscribers.add(connection)
      if (topic.symbol !== null) begin(topic.symbol)
    }

    const leave = (name: string, connection: Connection) => {
      const topic = byName.get(name)
      if (topic === undefined) return
      topic.subscribers.delete(connection)
      if (topic.subscribers.size > 0) return
      byName.delete(name)
      if (byName.size === 0) inUse.unsafeClose()
      due.get(topic.periodMs)?.topics.delete(topic)
      const others = bySymbol.get(topic.symbol)
      others?.delete(topic)
      if (others?.size === 0) bySymbol.delete(topic.symbol)
    }

    const offer = (topic: Topic, event: MarketEvent) => {
      const waiting = due.get(topic.periodMs)
      if (waiting === undefined || !topic.take(event)) return
      waiting.topics.add(topic)
      waiting.latch.unsafeOpen()
    }

    const publish = (event: MarketEvent) => {
      for (const topic of bySymbol.get(event.symbol) ?? []) offer(topic, event)
      for (const topic of bySymbol.get(null) ?? []) offer(topic, event)
    }

    return { join, leave, publish }
  }
)

/** Topics with something to tell; the latch is open while there is one. */
interface Due {
  readonly topics: Set<Topic>
  readonly latch: Effect.Latch
}
