import { Clock, Effect, type Scope } from "effect"
import { MarketClock } from "../../MarketClock.ts"
import { encodeFrame } from "../../mexc/wire/Stream.ts"
import type { ExchangeEvent } from "../Events.ts"
import { Exchange } from "../Exchange.ts"
import type { Connection } from "./Connection.ts"
import { makeTopic, type PublicChannel, type Topic } from "./Topic.ts"

/** The public channels in use; each push is encoded once, however many read it. */
export interface Topics {
  readonly join: (name: string, channel: PublicChannel, connection: Connection) => void
  readonly leave: (name: string, connection: Connection) => void
  readonly publish: (event: Extract<ExchangeEvent, { readonly symbol: string }>) => void
}

const periods = [10, 100, 1_000] as const

export const makeTopics: Effect.Effect<Topics, never, Exchange | MarketClock | Scope.Scope> = Effect.gen(function* () {
  const exchange = yield* Exchange
  const clock = yield* MarketClock
  const byName = new Map<string, Topic>()
  const bySymbol = new Map<string, ReadonlyArray<Topic>>()
  const due = new Map<number, Due>()

  const push = Effect.fnUntraced(function* (topic: Topic) {
    const frame = yield* topic.drain(yield* clock.now)
    if (frame === null) return
    const bytes = encodeFrame(frame)
    const now = yield* Clock.currentTimeMillis
    for (const subscriber of topic.subscribers) subscriber.send(bytes, now)
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

  const join = (name: string, channel: PublicChannel, connection: Connection) => {
    const topic = byName.get(name) ?? makeTopic(name, channel, exchange)
    if (!byName.has(name)) bySymbol.set(topic.symbol, [...(bySymbol.get(topic.symbol) ?? []), topic])
    byName.set(name, topic)
    topic.subscribers.add(connection)
  }

  const leave = (name: string, connection: Connection) => {
    const topic = byName.get(name)
    if (topic === undefined) return
    topic.subscribers.delete(connection)
    if (topic.subscribers.size > 0) return
    byName.delete(name)
    bySymbol.set(
      topic.symbol,
      (bySymbol.get(topic.symbol) ?? []).filter((other) => other !== topic)
    )
  }

  const publish = (event: Extract<ExchangeEvent, { readonly symbol: string }>) => {
    for (const topic of bySymbol.get(event.symbol) ?? []) {
      const waiting = due.get(topic.periodMs)
      if (waiting === undefined || !topic.take(event)) continue
      waiting.topics.add(topic)
      waiting.latch.unsafeOpen()
    }
  }

  return { join, leave, publish }
})

/** Topics with something to tell; the latch is open while there is one. */
interface Due {
  readonly topics: Set<Topic>
  readonly latch: Effect.Latch
}
