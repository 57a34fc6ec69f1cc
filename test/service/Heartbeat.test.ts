import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Redacted, Stream, TestClock } from "effect"
import { EnginePulse } from "../../src/autobuy/EnginePulse.ts"
import { makeLoops } from "../../src/autobuy/life/loops.ts"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import { TriggerIndex } from "../../src/autobuy/TriggerIndex.ts"
import { Timers } from "../../src/autobuy/Timers.ts"
import { type HubHealth, TickerHub } from "../../src/market/TickerHub.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Undelivered } from "../../src/notify/exchange.ts"
import { Outbound, type OutboundMessage } from "../../src/notify/Outbound.ts"
import * as Heartbeat from "../../src/service/Heartbeat.ts"
import { Vitals } from "../../src/service/Vitals.ts"
import { Database } from "../../src/store/Database.ts"
import { Ownership } from "../../src/store/Ownership.ts"

interface Engine {
  owner: boolean
  fencingToken: number
  committedAt: (now: number) => number | null
  up: boolean
  engine: boolean
  age: HubHealth["age"]
  arrives: boolean
}

/** A working engine, each part of which a test can stop; times are those of the wall. */
const makeEngine = (): Engine => ({
  owner: true,
  fencingToken: 1,
  committedAt: (now) => now,
  up: true,
  engine: true,
  age: { least: 1_000, most: 4_000 },
  arrives: true
})

const url = Redacted.make("https://ping.example/a-secret-of-the-operator")

/** Starts the heartbeat on an engine; gives what was sent so far. */
const beating = (engine: Engine) =>
  Effect.gen(function* () {
    const sent: Array<OutboundMessage> = []
    const parts = Layer.mergeAll(
      Layer.mock(Ownership, { isOwner: Effect.sync(() => engine.owner), fencingToken: engine.fencingToken }),
      Layer.mock(Database, {
        mode: "local",
        isUp: Effect.sync(() => engine.up),
        lastCommitAt: Effect.map(TestClock.currentTimeMillis, (now) => engine.committedAt(now))
      }),
      Layer.mock(EnginePulse, { isAlive: Effect.sync(() => engine.engine) }),
      Layer.mock(TickerHub, {
        health: Effect.sync(() => ({ watched: 2, stale: 0, lastMessageAt: null, age: engine.age }))
      }),
      Layer.mock(Outbound, {
        send: (message) =>
          Effect.suspend(() => {
            sent.push(message)
            return engine.arrives
              ? Effect.succeed("2xx" as const)
              : new Undelivered({ reason: "timeout", message: "The host did not answer in time." })
          })
      })
    )
    yield* Layer.build(Heartbeat.layer(url).pipe(Layer.provide(Vitals.layer), Layer.provide(parts)))
    yield* TestClock.adjust(0)
    return sent
  })

describe("The heartbeat", () => {
  it.scoped("pings the address at once and every minute", () =>
    Effect.gen(function* () {
      const sent = yield* beating(makeEngine())
      assert.strictEqual(sent.length, 1)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(sent.length, 1)
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(sent.length, 4)
      assert.deepStrictEqual(sent[0], { url, givenBy: "operator", method: "GET" })
    })
  )

  const stalls: ReadonlyArray<readonly [string, (engine: Engine) => void]> = [
    ["the lease has run out", (engine) => (engine.owner = false)],
    ["nothing was ever stored", (engine) => (engine.committedAt = () => null)],
    ["nothing is stored any more", (engine) => (engine.committedAt = (now) => now - 31_000)],
    ["rules are not woken any more", (engine) => (engine.engine = false)],
    ["no price moves any more", (engine) => (engine.age = { least: 31_000, most: 31_000 })],
    ["no price ever came", (engine) => (engine.age = { least: Infinity, most: Infinity })]
  ]
  it.scoped.each(stalls)("stays away while %s, and comes back within seconds after", ([, stall]) =>
    Effect.gen(function* () {
      const engine = makeEngine()
      const sent = yield* beating(engine)
      stall(engine)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(sent.length, 1)
      Object.assign(engine, makeEngine())
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(sent.length, 2)
    })
  )

  it.scoped("comes while one symbol of several is silent, and while nothing is watched", () =>
    Effect.gen(function* () {
      const engine = makeEngine()
      const sent = yield* beating(engine)
      engine.age = { least: 1_000, most: Infinity }
      yield* TestClock.adjust("1 minute")
      engine.age = null
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(sent.length, 3)
    })
  )

  it.scoped("of an instance that stands by asks for its database, not for its rules", () =>
    Effect.gen(function* () {
      const engine = { ...makeEngine(), fencingToken: 0, owner: false, engine: false, committedAt: () => null }
      const sent = yield* beating(engine)
      assert.strictEqual(sent.length, 1)
      engine.up = false
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(sent.length, 1)
    })
  )

  it.scoped("goes on after a ping that did not arrive", () =>
    Effect.gen(function* () {
      const engine = { ...makeEngine(), arrives: false }
      const sent = yield* beating(engine)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(sent.length, 2)
    })
  )
})

describe("The engine's pulse", () => {
  const pulse = (parts: Layer.Layer<Timers | RuleSupervisor>) =>
    Effect.flatMap(EnginePulse, ({ isAlive }) => isAlive).pipe(
      Effect.provide(EnginePulse.layer.pipe(Layer.provide(parts), Layer.provide([MarketClock.layer, waiting])))
    )
  const waiting = Layer.mock(TriggerIndex, { opened: () => null, stats: Effect.succeed({ ticks: 0, armed: 0 }) })
  const running = (is: boolean) => Layer.mock(RuleSupervisor, { isRunning: Effect.succeed(is) })

  it.effect("is there while timers fire and the supervisor works", () =>
    Effect.gen(function* () {
      const timers = Timers.layer.pipe(Layer.provide(MarketClock.layer))
      assert.isTrue(yield* pulse(Layer.merge(timers, running(true))))
      assert.isFalse(yield* pulse(Layer.merge(timers, running(false))))
    })
  )

  it.effect("is gone when timers no longer fire", () =>
    Effect.gen(function* () {
      const dead = Layer.mock(Timers, { schedule: () => () => undefined, sleepUntil: () => Effect.never })
      const asked = yield* Effect.fork(pulse(Layer.merge(dead, running(true))))
      yield* TestClock.adjust("5 seconds")
      assert.isFalse(yield* asked)
    })
  )
})

describe("A loop of the engine", () => {
  it.scoped("is alive while it waits and while it works, and not when an item never ends", () =>
    Effect.gen(function* () {
      const loops = yield* makeLoops
      const begun = yield* Deferred.make<void>()
      const items = Stream.fromEffect(Deferred.await(begun)).pipe(Stream.concat(Stream.never))
      yield* loops.run(items, () => Effect.never)
      yield* TestClock.adjust("1 hour")
      assert.isTrue(yield* loops.areAlive)
      yield* Deferred.succeed(begun, undefined)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* loops.areAlive)
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* loops.areAlive)
    })
  )

  it.scoped("is dead when it has ended", () =>
    Effect.gen(function* () {
      const loops = yield* makeLoops
      yield* loops.run(Stream.make(1), () => Effect.die("a bug"))
      yield* TestClock.adjust(0)
      assert.isFalse(yield* loops.areAlive)
    })
  )
})
