import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Ref, type Scope, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { type BookLevel, type OrderBook, SymbolName } from "../../src/domain/Market.ts"
import { OrderBooks } from "../../src/market/OrderBooks.ts"
import { btc, dec, makeStream, makeVenue, settle, venueDown } from "./stubs.ts"

const level = (price: string, quantity = "1"): BookLevel => [dec(price), dec(quantity)]

const bookAt = (symbol: SymbolName, version: string, asOf: number): OrderBook => ({
  symbol,
  bids: [level("100"), level("99")],
  asks: [level("101"), level("102")],
  version,
  asOf,
  source: "rest",
  stale: false
})

const brokenOnce = "broken once"

const makeKit = Effect.gen(function* () {
  const stream = yield* makeStream
  const version = yield* Ref.make<string | null>("100")
  const venue = yield* makeVenue({
    orderBook: (symbol) =>
      Effect.flatMap(Effect.all([version, Clock.currentTimeMillis]), ([told, now]) =>
        told === null
          ? Effect.fail(venueDown)
          : told === brokenOnce
            ? Effect.zipRight(Ref.set(version, "100"), Effect.dieMessage("a bug"))
            : Effect.succeed(bookAt(symbol, told, now))
      )
  })
  return { stream, venue, version, layer: Layer.provide(OrderBooks.layer, [stream.layer, venue.layer]) }
})

type Kit = Effect.Effect.Success<typeof makeKit> & { readonly books: typeof OrderBooks.Service }

const withBooks = <A, E>(test: (kit: Kit) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const kit = yield* makeKit
    return yield* Effect.flatMap(OrderBooks, (books) => test({ ...kit, books })).pipe(Effect.provide(kit.layer))
  })

/** Asked twice, subscribed, and loaded with the venue's snapshot. */
const following = ({ books, stream }: Kit) =>
  Effect.gen(function* () {
    yield* books.read(btc, 5)
    yield* books.read(btc, 5)
    yield* settle
    const receivedAt = yield* Clock.currentTimeMillis
    yield* stream.pushDepth(btc, { type: "subscribed", receivedAt })
    yield* settle
  })

const change = (from: number, to: number, bid = level("100", "7")) =>
  Effect.map(Clock.currentTimeMillis, (now) => ({
    type: "depth" as const,
    delta: { fromVersion: BigInt(from), toVersion: BigInt(to), bids: [bid], asks: [], at: now },
    receivedAt: now
  }))

const push = ({ stream }: Kit, from: number, to: number, bid?: BookLevel) =>
  Effect.flatMap(change(from, to, bid), (event) => stream.pushDepth(btc, event))

const shown = (book: OrderBook | null) =>
  book === null ? null : `${book.source} ${book.version} ${book.bids.map((one) => Decimal.format(one[1])).join(",")}`

const keepTalking = (kit: Kit, from: number, times: number) =>
  Effect.forEach(
    Array.from({ length: times }, (_, i) => from + i),
    (version) => Effect.zipRight(push(kit, version, version), TestClock.adjust("1 second"))
  )

describe("order books", () => {
  it.scoped("are brought together also after a fault of our own", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        yield* Ref.set(kit.version, brokenOnce)
        yield* following(kit)
        assert.isNull(yield* kit.books.read(btc, 5))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(shown(yield* kit.books.read(btc, 5)), "ws 100 1,1")
      })
    )
  )

  it.scoped("of a pair that is asked for twice in ten seconds are kept by the stream", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, stream, venue } = kit
        assert.isNull(yield* books.read(btc, 5))
        yield* TestClock.adjust("11 seconds")
        assert.isNull(yield* books.read(btc, 5))
        yield* settle
        assert.isFalse(yield* stream.hasDepth(btc), "two askers far apart are no reason")
        yield* following(kit)
        assert.deepStrictEqual(yield* venue.take, ["book BTCUSDT 2000"])
        assert.strictEqual(shown(yield* books.read(btc, 5)), "ws 100 1,1")
        yield* TestClock.adjust("1 second")
        yield* push(kit, 101, 103)
        const book = yield* books.read(btc, 1)
        assert.strictEqual(shown(book), "ws 103 7")
        assert.strictEqual(book?.asOf, yield* Clock.currentTimeMillis)
        assert.deepStrictEqual(yield* books.health, { followed: 1, resyncing: 0, resyncs: 0 })
        assert.deepStrictEqual(yield* venue.take, [])
      })
    )
  )

  it.scoped("say nothing while a change is missing, and are read anew", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, venue, version } = kit
        yield* following(kit)
        yield* venue.take
        yield* push(kit, 103, 104)
        assert.isNull(yield* books.read(btc, 5))
        assert.deepStrictEqual(yield* books.health, { followed: 1, resyncing: 1, resyncs: 1 })
        yield* push(kit, 105, 105, level("99", "3"))
        yield* Ref.set(version, "104")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* venue.take, ["book BTCUSDT 2000"])
        assert.strictEqual(shown(yield* books.read(btc, 5)), "ws 105 1,3")
      })
    )
  )

  it.scoped("that cannot be brought together ask ever more rarely", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, venue } = kit
        yield* following(kit)
        yield* venue.take
        // The venue's REST stays behind its stream for ever.
        for (let i = 0; i < 120; i++) {
          yield* push(kit, 200 + 2 * i, 200 + 2 * i)
          yield* books.read(btc, 5)
          yield* TestClock.adjust("1 second")
        }
        const asked = yield* venue.take
        assert.isAtLeast(asked.length, 5)
        assert.isAtMost(asked.length, 14, `${asked.length} snapshots in two minutes`)
      })
    )
  )

  it.scoped("are not believed when the stream is silent, and confirmed by the venue within ten seconds", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, venue, version } = kit
        yield* following(kit)
        yield* keepTalking(kit, 101, 3)
        yield* venue.take
        yield* Ref.set(version, "103")
        for (let second = 0; second < 10; second++) {
          assert.strictEqual(shown(yield* books.read(btc, 5)), "ws 103 7,1")
          yield* TestClock.adjust("1 second")
        }
        assert.deepStrictEqual(yield* venue.take, ["book BTCUSDT 2000"])
        // The stream is deaf: the venue has moved on.
        yield* Ref.set(version, "140")
        for (let second = 0; second < 10; second++) {
          yield* books.read(btc, 5)
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual(shown(yield* books.read(btc, 5)), "ws 140 1,1")
        yield* Ref.set(version, null)
        yield* books.read(btc, 5)
        yield* TestClock.adjust("12 seconds")
        assert.isNull(yield* books.read(btc, 5), "nothing confirms it any more")
      })
    )
  )

  it.scoped("begin anew when the venue counts its versions anew", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, version } = kit
        yield* following(kit)
        yield* push(kit, 101, 101)
        yield* Ref.set(version, "3")
        for (let second = 0; second < 10; second++) {
          yield* push(kit, 4, 4)
          yield* books.read(btc, 5)
          yield* TestClock.adjust("1 second")
        }
        assert.match(shown(yield* books.read(btc, 5)) ?? "", /^ws [34] /)
        assert.strictEqual((yield* books.health).resyncs, 1)
      })
    )
  )

  it.scoped("are read anew after an interruption", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, stream, venue, version } = kit
        yield* following(kit)
        yield* venue.take
        yield* stream.pushDepth(btc, { type: "interrupted", receivedAt: 0 })
        assert.isNull(yield* books.read(btc, 5))
        yield* Ref.set(version, "300")
        yield* stream.pushDepth(btc, { type: "subscribed", receivedAt: 1 })
        yield* settle
        assert.deepStrictEqual(yield* venue.take, ["book BTCUSDT 2000"])
        assert.strictEqual(shown(yield* books.read(btc, 5)), "ws 300 1,1")
      })
    )
  )

  it.scoped("are let go a minute after the last reader", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, stream } = kit
        yield* following(kit)
        yield* TestClock.adjust("59 seconds")
        assert.isTrue(yield* stream.hasDepth(btc))
        yield* TestClock.adjust("2 seconds")
        assert.isFalse(yield* stream.hasDepth(btc))
        assert.strictEqual((yield* books.health).followed, 0)
      })
    )
  )

  it.scoped("are kept for twenty pairs at most, those read last", () =>
    withBooks((kit) =>
      Effect.gen(function* () {
        const { books, stream } = kit
        const names = Array.from({ length: 21 }, (_, i) => SymbolName.make(`C${i}USDT`))
        const twice = (name: SymbolName) => Effect.zipRight(books.read(name, 5), books.read(name, 5))
        yield* Effect.forEach(names, twice)
        yield* settle
        assert.strictEqual((yield* books.health).followed, 20, "all are in use")
        yield* TestClock.adjust("11 seconds")
        yield* Effect.forEach(names.slice(1, 20), (name) => books.read(name, 5))
        yield* twice(SymbolName.make("C20USDT"))
        yield* settle
        assert.deepStrictEqual(
          [yield* stream.hasDepth(SymbolName.make("C0USDT")), yield* stream.hasDepth(SymbolName.make("C20USDT"))],
          [false, true]
        )
        assert.strictEqual((yield* books.health).followed, 20)
      })
    )
  )
})
