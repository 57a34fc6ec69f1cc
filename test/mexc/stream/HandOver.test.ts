import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema, TestClock } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import type { MarketEvent } from "../../../src/mexc/stream/Events.ts"
import { bookTickerChannel, dealsChannel, privateDeals } from "../../../src/mexc/wire/Channels.ts"
import { eventually, settle } from "../kit/streamServer.ts"
import { credentials } from "../kit/venueServer.ts"
import { keys, listen, pass, withStream } from "../kit/withStream.ts"

const named = Schema.decodeSync(SymbolName)
const abc = named("ABCUSDT")

const deal = (price: number, tradeId = "") => ({ price: String(price), quantity: "1", tradeType: 1, time: 77, tradeId })
const deals = (...items: ReadonlyArray<ReturnType<typeof deal>>) => ({
  channel: dealsChannel("ABCUSDT"),
  symbol: "ABCUSDT",
  publicAggreDeals: { deals: items }
})
const best = (bid: number, version: string) => ({
  channel: bookTickerChannel("ABCUSDT"),
  symbol: "ABCUSDT",
  sendTime: 78,
  publicAggreBookTicker: { bidPrice: String(bid), bidQuantity: "1", askPrice: "100", askQuantity: "3", version }
})

const pricesOf = (events: ReadonlyArray<MarketEvent>) =>
  events.flatMap((event) => (event.type === "trades" ? event.trades.map(({ price }) => Decimal.format(price)) : []))
const bidsOf = (events: ReadonlyArray<MarketEvent>) =>
  events.flatMap((event) => (event.type === "bookTicker" ? [Decimal.format(event.bid)] : []))
const marksOf = (events: ReadonlyArray<{ readonly type: string }>) =>
  events.flatMap(({ type }) => (type === "subscribed" || type === "interrupted" || type === "connected" ? [type] : []))

const steps = (seconds: number) => Effect.repeatN(Effect.zipRight(TestClock.adjust("1 second"), settle), seconds - 1)

describe("before the venue ends a connection", () => {
  it.effect("the next one takes over, and nobody sees a gap, a repetition or an interruption", () =>
    withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.market(abc))
          yield* eventually(() => heard.types() === "subscribed", "subscribed")
          const [old] = server.peers
          let sent = 0
          // The venue tells both connections everything, each in portions of its own.
          const tellAll = Effect.sync(() => {
            const items = [deal(++sent, `t${sent}`), deal(++sent, `t${sent}`)]
            const [first, second] = server.peers.filter((peer) => peer.channels.size === 2)
            if (second === undefined) first?.push(deals(...items))
            else {
              for (const item of items) first?.push(deals(item))
              second.push(deals(...items))
            }
          })
          yield* Effect.repeatN(Effect.all([tellAll, TestClock.adjust("500 millis"), settle]), 180)
          yield* eventually(() => server.opened() === 2 && server.peers.length === 1, "the new connection alone")
          assert.notStrictEqual(server.peers[0], old)
          yield* Effect.zipRight(tellAll, settle)
          yield* eventually(() => pricesOf(heard.events).length >= sent, "every trade")
          assert.deepStrictEqual(
            pricesOf(heard.events),
            Array.from({ length: sent }, (_, i) => String(i + 1))
          )
          assert.deepStrictEqual(marksOf(heard.events), ["subscribed"])
        }),
      keys(),
      { lifetime: "1 minute" }
    )
  )

  it.effect("trades that look alike are counted, not taken for repetitions, while two connections tell them", () =>
    withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.market(abc))
          yield* eventually(() => heard.types() === "subscribed", "subscribed")
          yield* pass(1)
          yield* steps(1)
          yield* eventually(() => server.peers.filter(({ channels }) => channels.size === 2).length === 2, "both")
          const [old, next] = server.peers
          const same = deal(5)
          old?.push(deals(same, same))
          next?.push(deals(same))
          next?.push(deals(same, same))
          yield* eventually(() => pricesOf(heard.events).length >= 3, "three trades")
          yield* settle
          assert.deepStrictEqual(pricesOf(heard.events), ["5", "5", "5"])
          next?.push(best(9, "12"))
          yield* eventually(() => bidsOf(heard.events).length === 1, "a best price")
          old?.push(best(8, "11"))
          old?.push(best(9, "12"))
          next?.push(best(10, "13"))
          yield* eventually(() => bidsOf(heard.events).includes("10"), "the newest best price")
          assert.deepStrictEqual(bidsOf(heard.events), ["9", "10"], "no way back to an older price")
        }),
      keys(),
      { lifetime: "1 minute" }
    )
  )

  it.effect("an old connection stays while no new one can be had, and is tried again", () =>
    withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.market(abc))
          yield* eventually(() => heard.types() === "subscribed", "subscribed")
          const [old] = server.peers
          server.behaviour.rejects = true
          yield* pass(1.5)
          assert.deepStrictEqual(marksOf(heard.events), ["subscribed"])
          old?.push(deals(deal(1)))
          yield* eventually(() => pricesOf(heard.events).length === 1, "a trade on the old connection")
          server.behaviour.rejects = false
          yield* pass(1.5)
          yield* eventually(() => server.peers.length === 1 && server.peers[0] !== old, "the new connection")
          assert.deepStrictEqual(marksOf(heard.events), ["subscribed"])
        }),
      keys(),
      { lifetime: "1 minute" }
    )
  )

  it.effect("one that dies while its successor is opened is told, and told when it is over", () =>
    withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.market(abc))
          yield* eventually(() => heard.types() === "subscribed", "subscribed")
          const [old] = server.peers
          server.behaviour.talks = false
          yield* TestClock.adjust("10 seconds")
          old?.socket.terminate()
          yield* eventually(() => heard.types() === "subscribed interrupted", "interrupted")
          server.behaviour.talks = true
          yield* steps(3)
          yield* eventually(() => heard.types() === "subscribed interrupted subscribed", "subscribed again")
          yield* pass(3)
          assert.strictEqual(server.peers.length, 1)
          assert.deepStrictEqual(marksOf(heard.events), ["subscribed", "interrupted", "subscribed"])
        }),
      keys(),
      { lifetime: "1 minute" }
    )
  )

  it.effect("an account's connection hands over with a key of its own, and the old key is closed", () =>
    withStream(
      (stream, server, venue) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.user(credentials))
          yield* eventually(() => heard.types() === "connected", "connected")
          const fill = (tradeId: string) => ({
            channel: privateDeals,
            symbol: "ABCUSDT",
            privateDeals: { price: "1", quantity: "1", amount: "1", tradeType: 1, tradeId, orderId: "7", time: 1 }
          })
          const tellAll = (tradeId: string) =>
            Effect.sync(() => {
              for (const peer of server.peers) if (peer.channels.size === 3) peer.push(fill(tradeId))
            })
          for (let i = 0; i < 80; i++) yield* Effect.all([tellAll(`t${i}`), TestClock.adjust("1 second"), settle])
          yield* eventually(() => server.opened() === 2 && server.peers.length === 1, "the new connection alone")
          assert.strictEqual(server.peers[0]?.url, "/ws?listenKey=key2")
          const verbs = () => venue.calls("/userDataStream").map(({ method }) => method)
          yield* eventually(() => verbs().join(" ") === "POST POST DELETE", "the old key closed")
          assert.strictEqual(venue.calls("/userDataStream")[2]?.query.get("listenKey"), "key1")
          const told = heard.events.flatMap((event) => (event.type === "fill" ? [event.fill.tradeId] : []))
          assert.deepStrictEqual(
            [...new Set(told)],
            Array.from({ length: 80 }, (_, i) => `t${i}`)
          )
          assert.deepStrictEqual(marksOf(heard.events), ["connected"])
        }),
      keys(),
      { lifetime: "1 minute" }
    )
  )
})

describe("a connection that answers pings and tells nothing", () => {
  it.effect("is made anew without an interruption, ever more rarely while nothing helps", () =>
    withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.market(abc))
          yield* eventually(() => heard.types() === "subscribed", "subscribed")
          yield* pass(1.5)
          assert.strictEqual(server.opened(), 2)
          yield* pass(1)
          assert.strictEqual(server.opened(), 2, "twice as patient")
          yield* pass(1.5)
          assert.strictEqual(server.opened(), 3)
          assert.deepStrictEqual(marksOf(heard.events), ["subscribed"])
          assert.strictEqual(server.peers.length, 1)
        }),
      keys(),
      { suspiciousAfter: "1 minute" }
    )
  )

  it.effect("is left alone when it tells something now and then", () =>
    withStream(
      (stream, server) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.market(abc))
          yield* eventually(() => heard.types() === "subscribed", "subscribed")
          for (let i = 0; i < 6; i++) {
            server.peers[0]?.push(deals(deal(i + 1)))
            yield* pass(0.5)
          }
          assert.strictEqual(server.opened(), 1)
        }),
      keys(),
      { suspiciousAfter: "1 minute" }
    )
  )
})

describe("many connections", () => {
  it.effect("are opened one after the other, so that the venue is not flooded", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const symbols = Array.from({ length: 15 * 14 }, (_, i) => named(`C${i}USDT`))
        const all = yield* Effect.forEach(symbols, (symbol) => listen(stream.market(symbol)))
        yield* eventually(() => server.opened() === 10, "ten at once")
        yield* Effect.repeatN(settle, 5)
        assert.strictEqual(server.opened(), 10)
        yield* TestClock.adjust("100 millis")
        yield* eventually(() => server.opened() === 11, "one more")
        yield* TestClock.adjust("300 millis")
        yield* eventually(() => all.every(({ types }) => types() === "subscribed"), "all subscribed")
        assert.isTrue(
          server.peers.every(({ channels, longestMessage }) => channels.size <= 30 && longestMessage < 1024)
        )
        yield* Effect.forEach(all, ({ fiber }) => Fiber.interrupt(fiber), { discard: true })
      })
    )
  )

  it.effect("hear no more than a hundred messages a second each, however fast symbols come and go", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        yield* listen(stream.market(abc))
        yield* eventually(() => server.peers[0]?.channels.size === 2, "subscribed")
        const flicker = Effect.gen(function* () {
          for (let i = 0; i < 60; i++)
            yield* Effect.scoped(Effect.zipRight(listen(stream.market(named(`C${i}USDT`))), Effect.yieldNow()))
        })
        const fiber = yield* Effect.fork(flicker)
        yield* Effect.repeatN(settle, 10)
        assert.isAtMost(server.peers[0]?.messages ?? 0, 60)
        yield* steps(5)
        yield* Fiber.join(fiber)
        yield* eventually(() => (server.peers[0]?.messages ?? 0) >= 121, "all of them in the end")
      })
    )
  )
})
