import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Layer, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ExchangeUnavailable } from "../../src/api/Errors.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { averageCost, foldLots } from "../../src/domain/order/lots.ts"
import type { Ticker } from "../../src/domain/Market.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { Books } from "../../src/portfolio/Books.ts"
import { Database } from "../../src/store/Database.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { addFill, addUsers, ann, bob, btc, d, eth, ledgerLayer, ruleA, text } from "./kit/ledger.ts"

const rule = ruleA

const ticker = (last: string): Ticker => ({
  symbol: btc,
  last: d(last),
  bid: d(last),
  bidQuantity: null,
  ask: d(last),
  askQuantity: null,
  open: d(last),
  high: d(last),
  low: d(last),
  volume: d("1"),
  quoteVolume: null,
  changePercent: 0,
  asOf: 7,
  source: "ws",
  stale: false
})

const hub = Layer.mock(TickerHub, {
  latest: (symbol) =>
    symbol === btc ? Effect.succeed(ticker("120")) : Effect.fail(new ExchangeUnavailable({ message: "down" })),
  watched: Effect.succeed([]),
  health: Effect.succeed({ watched: 0, stale: 0, lastMessageAt: null, age: null })
})

const layer = Books.layer.pipe(Layer.provide(hub), Layer.provideMerge(ledgerLayer))

describe("books", () => {
  it.effect("keep a rule's lots apart from the manual ones and add both up to a position at the last price", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* addFill({ id: 1, at: 1, quantity: "2", price: "100", fee: "1" })
      yield* addFill({ id: 2, at: 2, quantity: "1", price: "80", book: `rule:${rule}`, fee: "0.5" })
      yield* addFill({ id: 3, at: 3, quantity: "1", price: "110", side: "sell", fee: "0.5" })
      const books = yield* Books
      const position = yield* books.position(ann, btc)
      assert.strictEqual(text(position.quantity), "2")
      assert.strictEqual(text(position.totalCost), "181")
      assert.strictEqual(text(position.averageCost), "90.5")
      assert.strictEqual(text(position.value), "240")
      assert.strictEqual(text(position.unrealisedPnl), "59")
      assert.strictEqual(text(position.realisedPnl), "9")
      assert.strictEqual(text(position.fees), "2")
      assert.isFalse(position.stale)
      assert.deepEqual(
        position.books.map(({ averageCost, book, quantity }) => [book, text(quantity), text(averageCost)]),
        [
          ["manual", "1", "100.5"],
          [`rule:${rule}`, "1", "80.5"]
        ]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("tell the last buy and the average cost of one rule, and of the whole symbol", () =>
    Effect.gen(function* () {
      yield* addUsers
      const books = yield* Books
      assert.isNull(yield* books.lastBuy(ann, btc, { scope: "symbol" }))
      assert.isNull(yield* books.averageCost(ann, btc, { scope: "rule", ruleId: rule }))
      yield* addFill({ id: 1, at: 1, quantity: "1", price: "80", book: `rule:${rule}` })
      yield* addFill({ id: 2, at: 2, quantity: "1", price: "100" })
      assert.strictEqual(text(yield* books.lastBuy(ann, btc, { scope: "rule", ruleId: rule })), "80")
      assert.strictEqual(text(yield* books.lastBuy(ann, btc, { scope: "symbol" })), "100")
      assert.strictEqual(text(yield* books.averageCost(ann, btc, { scope: "symbol" })), "90")
      yield* addFill({ id: 3, at: 3, quantity: "1", price: "60", book: `rule:${rule}` })
      assert.strictEqual(text(yield* books.lastBuy(ann, btc, { scope: "rule", ruleId: rule })), "60")
      assert.strictEqual(text(yield* books.averageCost(ann, btc, { scope: "rule", ruleId: rule })), "70")
    }).pipe(Effect.provide(layer))
  )

  it.effect("follow a fill that moves from nobody's to its order's book", () =>
    Effect.gen(function* () {
      yield* addUsers
      const sql = yield* SqlClient.SqlClient
      const books = yield* Books
      yield* addFill({ id: 1, at: 1, quantity: "1", price: "80" })
      assert.strictEqual(text((yield* books.lots(ann, btc, "manual")).quantity), "1")
      yield* sql`PRAGMA foreign_keys = OFF`
      const ledger = yield* Ledger
      const database = yield* Database
      yield* database.write(
        Effect.zipRight(sql`UPDATE fills SET order_id = 'ord', book = ${`rule:${rule}`}`, ledger.postFills(ann, btc))
      )
      assert.strictEqual(text((yield* books.lots(ann, btc, "manual")).quantity), "0")
      assert.strictEqual(text(yield* books.heldByRules(ann, "BTC")), "1")
    }).pipe(Effect.provide(layer))
  )

  it.effect("belong to one user, and show a position whose price is not known as stale", () =>
    Effect.gen(function* () {
      yield* addUsers
      const books = yield* Books
      yield* addFill({ id: 1, at: 1, quantity: "1", price: "80", symbol: eth })
      assert.deepEqual(yield* books.positions(bob), [])
      assert.strictEqual((yield* Effect.flip(books.position(bob, eth)))._tag, "NOT_FOUND")
      const [position] = yield* books.positions(ann)
      assert.isNull(position?.value)
      assert.isTrue(position?.stale)
    }).pipe(Effect.provide(layer))
  )

  it.effect("agree with a plain fold of the fills when there is one book, whatever order they were stored in", () =>
    Effect.gen(function* () {
      yield* addUsers
      const books = yield* Books
      const any = FastCheck.array(
        FastCheck.record({
          buy: FastCheck.boolean(),
          quantity: FastCheck.integer({ min: 1, max: 9 }),
          price: FastCheck.integer({ min: 1, max: 99 }),
          fee: FastCheck.integer({ min: 0, max: 2 })
        }),
        { minLength: 1, maxLength: 20 }
      )
      let id = 0
      for (const [run, trades] of FastCheck.sample(any, { numRuns: 15, seed: 7 }).entries()) {
        const user = UserId.make(`local_u${run}`)
        const sql = yield* SqlClient.SqlClient
        yield* sql`INSERT INTO users ${sql.insert({ user_id: user, created_at: 0 })}`
        const rows = trades.map((trade, at) => ({
          id: (id += 1),
          at,
          user,
          // One book a run: what a book sells beyond its lots would else come out of the other.
          book: run % 2 === 0 ? "manual" : `rule:${rule}`,
          side: trade.buy ? ("buy" as const) : ("sell" as const),
          quantity: String(trade.quantity),
          price: String(trade.price),
          fee: String(trade.fee)
        }))
        for (const row of rows.toReversed()) yield* addFill(row)
        for (const book of ["manual", `rule:${rule}`] as const) {
          const expected = foldLots(
            rows
              .filter((row) => row.book === book)
              .map((row) => ({
                side: row.side,
                price: d(row.price),
                quantity: d(row.quantity),
                quoteQuantity: Decimal.multiply(d(row.quantity), d(row.price)),
                fee: { asset: "USDT", amount: d(row.fee) }
              })),
            { baseAsset: "BTC", quoteAsset: "USDT" }
          )
          const lots = yield* books.lots(user, btc, book)
          for (const figure of ["quantity", "totalCost", "realisedPnl", "fees"] as const)
            assert.strictEqual(text(lots[figure]), text(expected[figure]))
        }
      }
    }).pipe(Effect.provide(layer))
  )
})

const reference = join(process.env["DIPPER_REFERENCE"] ?? "../shared", "reference/portfolio-vectors")
const sides = Schema.Literal("buy", "sell")
const decodeSequence = Schema.decodeUnknownSync(
  Schema.Struct({
    inputs: Schema.Array(Schema.Struct({ side: sides, qty: Schema.String, price: Schema.String })),
    expected: Schema.Struct({
      afterEach: Schema.Array(Schema.Struct({ realized: Schema.String, totalCost: Schema.String, qty: Schema.String }))
    })
  })
)
const decodeFees = Schema.decodeUnknownSync(
  Schema.Struct({
    inputs: Schema.Array(Schema.Struct({ side: sides, qty: Schema.String, quote: Schema.String, fee: Schema.String })),
    expected: Schema.Struct({
      realizedPerSell: Schema.Array(Schema.String),
      avgCostAfterEach: Schema.Array(Schema.String)
    })
  })
)
const read = (name: string): unknown => JSON.parse(readFileSync(join(reference, `${name}.json`), "utf8"))

describe.skipIf(!existsSync(reference))("published cost-basis vectors", () => {
  it("gives the realised profit, cost and quantity of each step", () => {
    const vector = decodeSequence(read("cost-average-sequence-a"))
    vector.expected.afterEach.forEach((expected, i) => {
      const fold = (n: number) =>
        foldLots(
          vector.inputs.slice(0, n).map(({ price, qty, side }) => ({
            side,
            price: d(price),
            quantity: d(qty),
            quoteQuantity: Decimal.multiply(d(qty), d(price)),
            fee: { asset: "USDT", amount: Decimal.zero }
          })),
          { baseAsset: "BTC", quoteAsset: "USDT" }
        )
      const lots = fold(i + 1)
      const before = fold(i)
      assert.strictEqual(text(Decimal.subtract(lots.realisedPnl, before.realisedPnl)), expected.realized)
      assert.strictEqual(text(lots.totalCost), expected.totalCost)
      assert.strictEqual(text(lots.quantity), expected.qty)
    })
  })

  it("carries fees in cost and proceeds", () => {
    const vector = decodeFees(read("cost-average-fees-in-basis"))
    const realised: Array<string | null> = []
    vector.inputs.forEach((_, i) => {
      const fold = (n: number) =>
        foldLots(
          vector.inputs.slice(0, n).map(({ fee, qty, quote, side }) => ({
            side,
            price: Decimal.divide(d(quote), d(qty)),
            quantity: d(qty),
            quoteQuantity: d(quote),
            fee: { asset: "USDT", amount: d(fee) }
          })),
          { baseAsset: "BTC", quoteAsset: "USDT" }
        )
      const lots = fold(i + 1)
      assert.strictEqual(text(averageCost(lots)), vector.expected.avgCostAfterEach[i])
      if (vector.inputs[i]?.side === "sell")
        realised.push(text(Decimal.subtract(lots.realisedPnl, fold(i).realisedPnl)))
    })
    assert.deepEqual(realised, [...vector.expected.realizedPerSell])
  })
})
