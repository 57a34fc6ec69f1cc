import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Layer, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import type { WalletMovement } from "../../src/portfolio/ledger/Reading.ts"
import { Audit } from "../../src/store/Audit.ts"
import { Database } from "../../src/store/Database.ts"
import { Events } from "../../src/store/Events.ts"
import {
  addFill,
  addUsers,
  ann,
  bob,
  btc,
  d,
  type FillOf,
  ledgerLayer,
  projections,
  reading,
  ruleA,
  ruleB,
  text
} from "./kit/ledger.ts"

const lotsOf = Effect.fnUntraced(function* (user = ann) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{
    symbol: string
    book: string
    quantity: string
    total_cost: string
    realised_pnl: string
    incomplete: number
  }>`
    SELECT * FROM book_lots WHERE user_id = ${user} ORDER BY symbol, book`
  return Object.fromEntries(
    rows.map((row) => [
      `${row.symbol} ${row.book}`,
      `${row.quantity} ${row.total_cost} ${row.realised_pnl}${row.incomplete === 1 ? " incomplete" : ""}`
    ])
  )
})

const totalsOf = Effect.fnUntraced(function* (user = ann) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{
    asset: string
    total: string
  }>`SELECT asset, total FROM ledger_balances WHERE user_id = ${user}`
  return Object.fromEntries(rows.map(({ asset, total }) => [asset, total]))
})

const bookedOf = Effect.fnUntraced(function* (user = ann) {
  const ledger = yield* Ledger
  const { items } = yield* ledger.transactions(user, { limit: 500 })
  return items.map(
    ({ amount, asset, kind, reason }) => `${kind} ${asset} ${text(amount)}${reason === null ? "" : ` ${reason}`}`
  )
})

const compare = Effect.fnUntraced(function* (at: number, balances: Readonly<Record<string, string>>) {
  const ledger = yield* Ledger
  const taken = yield* reading(at, balances)
  return yield* ledger.compare(ann, taken)
})

/** A reading, and what follows from it. */
const account = Effect.fnUntraced(function* (
  at: number,
  balances: Readonly<Record<string, string>>,
  history: ReadonlyArray<WalletMovement> | null = []
) {
  const ledger = yield* Ledger
  const differences = yield* compare(at, balances)
  if (differences.some(({ ask }) => ask)) yield* ledger.settle(ann, history)
})

const moved = (
  kind: "deposit" | "withdrawal",
  asset: string,
  amount: string,
  at: number,
  fee = "0"
): WalletMovement => ({
  source: `${kind}:${asset}:${at}`,
  kind,
  asset,
  amount: d(amount),
  fee: d(fee),
  reason: null,
  at
})

const addOrder = (status: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql`INSERT INTO orders ${sql.insert({
        user_id: ann,
        order_id: "ord_1",
        version: 1,
        venue: "paper",
        book: "manual",
        client_order_id: "dp1",
        exchange_order_id: null,
        symbol: btc,
        base_asset: "BTC",
        quote_asset: "USDT",
        side: "buy",
        type: "market",
        status,
        price: null,
        quantity: null,
        quote_amount: "10",
        reserve_asset: "USDT",
        reserve_amount: "10",
        origin: "manual",
        told_quantity: "0",
        told_quote: "0",
        closed: "no",
        executed_quantity: "0",
        executed_quote: "0",
        fees: "[]",
        explained: 1,
        requested_at: 5,
        sent_at: 5,
        updated_at: 5
      })}`
  )

const seconds = (n: number) => TestClock.adjust(`${n} seconds`)

describe("the ledger", () => {
  it.effect("books a fill and its fee once, in legs that add up to zero", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row: FillOf = { id: 1, at: 9, quantity: "2", price: "100", fee: "0.5" }
      yield* addFill(row)
      yield* addFill(row)
      assert.deepEqual(yield* totalsOf(), { BTC: "2", USDT: "-200.5" })
      assert.deepEqual(yield* bookedOf(), ["fee USDT -0.5", "fill USDT -200", "fill BTC 2"])
      const sql = yield* SqlClient.SqlClient
      const legs = yield* sql<{ asset: string; amount: string }>`SELECT asset, amount FROM ledger_entries`
      for (const asset of ["BTC", "USDT"])
        assert.strictEqual(
          text(Decimal.sum(legs.filter((leg) => leg.asset === asset).map(({ amount }) => d(amount)))),
          "0"
        )
      const changed = yield* Effect.either(sql`UPDATE ledger_entries SET amount = '0'`)
      assert.strictEqual(changed._tag, "Left")
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("opens with what the venue has at the first complete reading, in the manual books", () =>
    Effect.gen(function* () {
      yield* addUsers
      const ledger = yield* Ledger
      assert.isFalse(yield* ledger.explained(ann, "USDT"))
      assert.isTrue(yield* ledger.unexplainedSince(ann, ["USDT"], 0))
      yield* addFill({ id: 1, at: 5, quantity: "1", price: "100", book: `rule:${ruleA}` })
      yield* account(10, { USDT: "900", BTC: "3" })
      assert.deepEqual(yield* totalsOf(), { BTC: "3", USDT: "900" })
      assert.deepEqual(yield* lotsOf(), {
        "BTCUSDT manual": "2 0 0 incomplete",
        [`BTCUSDT rule:${ruleA}`]: "1 100 0"
      })
      yield* ledger.givePrices([{ user_id: ann, asset: "BTC", quote: "USDT", at: 10, price: d("120") }])
      assert.strictEqual((yield* lotsOf())["BTCUSDT manual"], "2 240 0")
      assert.isTrue(yield* ledger.explained(ann, "BTC"))
      assert.isFalse(yield* ledger.unexplainedSince(ann, ["BTC", "USDT"], 10))
      assert.isTrue(yield* ledger.unexplainedSince(ann, ["BTC", "USDT"], 11))
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("explains nothing of the time before the first reading, which may have it in already", () =>
    Effect.gen(function* () {
      yield* addUsers
      const ledger = yield* Ledger
      yield* account(10, { USDT: "900" })
      yield* account(20, { USDT: "900" })
      assert.isTrue(yield* ledger.unexplainedSince(ann, ["USDT"], 9))
      assert.isFalse(yield* ledger.unexplainedSince(ann, ["USDT"], 10))
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("does not count a trade twice that was in the opening balance already", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* account(10, { USDT: "900", BTC: "1" })
      yield* addFill({ id: 1, at: 5, side: "sell", quantity: "2", price: "100" })
      assert.deepEqual(yield* totalsOf(), { BTC: "1", USDT: "900" })
      const lots = yield* lotsOf()
      assert.match(lots["BTCUSDT manual"] ?? "", /^1 /)
      yield* account(20, { USDT: "900", BTC: "1" })
      assert.deepEqual(yield* (yield* Ledger).differences(ann), [])
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("explains a difference by a deposit, or by a withdrawal with its fee", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* account(10, { USDT: "900", BTC: "3" })
      yield* account(20, { USDT: "1000", BTC: "1.9" }, [
        moved("deposit", "USDT", "100", 15),
        moved("withdrawal", "BTC", "-1", 16, "0.1"),
        moved("deposit", "ETH", "7", 17)
      ])
      assert.deepEqual((yield* bookedOf()).slice(0, 3), ["deposit USDT 100", "fee BTC -0.1", "withdrawal BTC -1"])
      assert.deepEqual(yield* totalsOf(), { BTC: "1.9", USDT: "1000" })
      yield* account(30, { USDT: "1100", BTC: "1.9" }, [moved("deposit", "USDT", "100", 15)])
      assert.strictEqual((yield* totalsOf())["USDT"], "1000", "one deposit must not explain two differences")
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("adjusts what nobody explains, but only when a later reading agrees", () =>
    Effect.gen(function* () {
      yield* addUsers
      const ledger = yield* Ledger
      yield* account(10, { USDT: "900" })
      yield* account(20, { USDT: "905" })
      assert.isFalse(yield* ledger.explained(ann, "USDT"))
      assert.isTrue(yield* ledger.unexplainedSince(ann, ["USDT"], 15))
      yield* seconds(19)
      yield* account(30, { USDT: "905" })
      assert.strictEqual((yield* totalsOf())["USDT"], "900")
      yield* seconds(2)
      yield* account(40, { USDT: "906" })
      assert.strictEqual((yield* totalsOf())["USDT"], "900", "another difference has to wait anew")
      yield* seconds(21)
      yield* account(50, { USDT: "906" })
      assert.strictEqual((yield* bookedOf())[0], "adjustment USDT 6 UNEXPLAINED")
      assert.isTrue(yield* ledger.explained(ann, "USDT"))
      assert.isTrue(yield* ledger.unexplainedSince(ann, ["USDT"], 15), "nobody knows yet what it was")
      assert.isFalse(yield* ledger.unexplainedSince(ann, ["USDT"], 45))
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("adjusts nothing while an order's fate is not known, and waits longer while one rests", () =>
    Effect.gen(function* () {
      yield* addUsers
      const sql = yield* SqlClient.SqlClient
      yield* account(4, { USDT: "900" })
      yield* addOrder("unknown")
      yield* account(20, { USDT: "890", BTC: "0.1" })
      yield* seconds(3_600)
      yield* account(30, { USDT: "890", BTC: "0.1" })
      assert.deepEqual(yield* totalsOf(), { USDT: "900" })
      yield* sql`UPDATE orders SET status = 'open'`
      yield* account(35, { USDT: "895", BTC: "0.1" })
      yield* seconds(59)
      yield* account(40, { USDT: "895", BTC: "0.1" })
      assert.strictEqual((yield* totalsOf())["USDT"], "900")
      yield* seconds(2)
      yield* account(50, { USDT: "895", BTC: "0.1" })
      assert.deepEqual(yield* totalsOf(), { USDT: "895", BTC: "0.1" })
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("takes an adjustment back when the fill that it stood for is told at last", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* account(10, { USDT: "900" })
      yield* account(20, { USDT: "800", BTC: "1" })
      yield* seconds(30)
      yield* account(30, { USDT: "800", BTC: "1" })
      yield* addFill({ id: 1, at: 15, quantity: "1", price: "100", book: `rule:${ruleA}` })
      assert.deepEqual(yield* totalsOf(), { USDT: "800", BTC: "1" })
      const lots = yield* lotsOf()
      assert.match(lots["BTCUSDT manual"] ?? "", /^0 0 0/)
      assert.strictEqual(lots[`BTCUSDT rule:${ruleA}`], "1 100 0")
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("draws nothing from a reading during which something was booked, nor from an older one", () =>
    Effect.gen(function* () {
      yield* addUsers
      const ledger = yield* Ledger
      yield* account(10, { USDT: "900" })
      const before = yield* reading(20, { USDT: "900" })
      yield* addFill({ id: 1, at: 21, quantity: "1", price: "100" })
      assert.deepEqual(yield* ledger.compare(ann, before), [])
      yield* account(30, { USDT: "800", BTC: "1" })
      const late = yield* reading(25, { USDT: "900" })
      assert.deepEqual(yield* ledger.compare(ann, late), [])
      assert.isFalse(yield* ledger.unexplainedSince(ann, ["USDT", "BTC"], 30))
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("tells a rule when a withdrawal takes lots out of its book", () =>
    Effect.gen(function* () {
      yield* addUsers
      const events = yield* Events
      yield* account(1, { USDT: "900" })
      yield* addFill({ id: 1, at: 5, quantity: "3", price: "100", book: `rule:${ruleA}` })
      yield* addFill({ id: 2, at: 6, quantity: "1", price: "100", book: `rule:${ruleB}` })
      yield* addFill({ id: 3, at: 7, quantity: "1", price: "100" })
      yield* account(20, { USDT: "400", BTC: "2" }, [moved("withdrawal", "BTC", "-3", 15)])
      assert.deepEqual(yield* lotsOf(), {
        "BTCUSDT manual": "0 0 0",
        [`BTCUSDT rule:${ruleA}`]: "1.5 150 0",
        [`BTCUSDT rule:${ruleB}`]: "0.5 50 0"
      })
      const told = (yield* events.since(ann, 0, 10)).events
      assert.deepEqual(
        told.map(({ data, objectId, type }) => [type, objectId, JSON.parse(data).quantity, JSON.parse(data).remaining]),
        [
          ["ledger.adjusted", ruleA, "1.5", "1.5"],
          ["ledger.adjusted", ruleB, "0.5", "0.5"]
        ]
      )
      const sql = yield* SqlClient.SqlClient
      const handed = yield* sql`SELECT book, amount FROM ledger_entries WHERE account = 'books' ORDER BY seq`
      assert.deepEqual(handed, [
        { book: `rule:${ruleA}`, amount: "-1.5" },
        { book: "manual", amount: "1.5" },
        { book: `rule:${ruleB}`, amount: "-0.5" },
        { book: "manual", amount: "0.5" }
      ])
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("hands a rule's lots to the manual book at their cost, also when it is made anew after a late fill", () =>
    Effect.gen(function* () {
      yield* addUsers
      const ledger = yield* Ledger
      yield* TestClock.setTime(100)
      yield* addFill({ id: 1, at: 20, quantity: "1", price: "100", book: `rule:${ruleA}` })
      yield* addFill({ id: 2, at: 30, quantity: "3", price: "60" })
      assert.strictEqual(text(yield* ledger.release(ann, btc, `rule:${ruleA}`)), "1")
      assert.strictEqual(text(yield* ledger.release(ann, btc, `rule:${ruleB}`)), "0")
      const handed = { "BTCUSDT manual": "4 280 0", [`BTCUSDT rule:${ruleA}`]: "0 0 0" }
      assert.deepEqual(yield* lotsOf(), handed)
      yield* ledger.rebuild(ann)
      assert.deepEqual(yield* lotsOf(), handed)
      yield* addFill({ id: 3, at: 25, quantity: "0.4", price: "200", side: "sell", book: `rule:${ruleA}` })
      assert.deepEqual(yield* lotsOf(), { "BTCUSDT manual": "3.6 240 0", [`BTCUSDT rule:${ruleA}`]: "0 0 40" })
      assert.deepEqual(yield* totalsOf(), { BTC: "3.6", USDT: "-200" })
    }).pipe(Effect.provide(ledgerLayer))
  )

  it.effect("folds the books anew by the cost basis that the owner wants", () =>
    Effect.gen(function* () {
      yield* addUsers
      const ledger = yield* Ledger
      yield* addFill({ id: 1, at: 1, quantity: "1", price: "10" })
      yield* addFill({ id: 2, at: 2, quantity: "1", price: "30" })
      yield* addFill({ id: 3, at: 3, quantity: "1", price: "50", side: "sell" })
      assert.deepEqual(yield* lotsOf(), { "BTCUSDT manual": "1 20 30" })
      yield* ledger.setCostBasis(ann, "fifo")
      assert.strictEqual(yield* ledger.costBasis(ann), "fifo")
      assert.deepEqual(yield* lotsOf(), { "BTCUSDT manual": "1 30 40" })
      yield* addFill({ id: 4, at: 4, quantity: "0.5", price: "50", side: "sell" })
      assert.deepEqual(yield* lotsOf(), { "BTCUSDT manual": "0.5 15 50" })
      assert.strictEqual(yield* ledger.costBasis(bob), "average")
      yield* ledger.setCostBasis(ann, "fifo")
      const { items } = yield* (yield* Audit).list(ann, { action: "settingsChanged", limit: 10 })
      assert.deepStrictEqual(
        items.map(({ detail }) => detail),
        [{ costBasis: "fifo", before: "average" }]
      )
    }).pipe(Effect.provide(Layer.provideMerge(Audit.layer, ledgerLayer)))
  )

  it.effect("lists what was booked in pages, newest first", () =>
    Effect.gen(function* () {
      yield* addUsers
      const ledger = yield* Ledger
      for (const id of [1, 2, 3]) yield* addFill({ id, at: id, quantity: "1", price: "10" })
      const first = yield* ledger.transactions(ann, { limit: 4 })
      const second = yield* ledger.transactions(ann, { limit: 4, cursor: first.nextCursor ?? "" })
      assert.isNull(second.nextCursor)
      const ids = [...first.items, ...second.items].map(({ id }) => Number(id))
      assert.strictEqual(ids.length, 6)
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => b - a)
      )
      const bought = yield* ledger.transactions(ann, { limit: 50, asset: "BTC", from: 2, to: 3 })
      assert.deepEqual(
        bought.items.map(({ source }) => source),
        ["fill:BTCUSDT:2"]
      )
      assert.deepEqual((yield* ledger.transactions(bob, { limit: 50 })).items, [])
      assert.strictEqual(
        (yield* Effect.flip(ledger.transactions(ann, { limit: 5, cursor: "x" })))._tag,
        "VALIDATION_FAILED"
      )
    }).pipe(Effect.provide(ledgerLayer))
  )
})

const mx = SymbolName.make("MXUSDT")
const ethBtc = SymbolName.make("ETHBTC")

const step = FastCheck.record({
  what: FastCheck.constantFrom("fill", "fill", "fill", "fill", "deposit", "withdrawal"),
  symbol: FastCheck.constantFrom(btc, btc, mx),
  book: FastCheck.constantFrom("manual", "manual", `rule:${ruleA}`, `rule:${ruleB}`),
  side: FastCheck.constantFrom<"buy" | "sell">("buy", "buy", "sell"),
  quantity: FastCheck.integer({ min: 1, max: 900 }).map((n) =>
    Decimal.format(Decimal.divide(d(String(n)), d("100"), 2))
  ),
  price: FastCheck.integer({ min: 1, max: 99 }).map(String),
  fee: FastCheck.constantFrom("0", "0.001", "0.002"),
  feeAsset: FastCheck.constantFrom("base", "USDT", "MX"),
  at: FastCheck.integer({ min: 1, max: 40 })
})
type Step = typeof step extends FastCheck.Arbitrary<infer A> ? A : never

/** A history in the order of time, and the same in the order in which it came to be known, some of it twice. */
const histories = FastCheck.array(step, { minLength: 1, maxLength: 14 }).chain((steps) =>
  FastCheck.record({
    steps: FastCheck.constant(steps),
    order: FastCheck.shuffledSubarray([...steps.keys(), ...steps.keys()], { minLength: steps.length })
  })
)

const assetOf = ({ symbol }: Step) => symbol.slice(0, -4)

describe("random histories", () => {
  it.effect(
    "leave the same balances and books in whatever order they become known, and however often",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const ledger = yield* Ledger
        const database = yield* Database
        let run = 0
        for (const { order, steps } of FastCheck.sample(histories, { numRuns: 25, seed: 11 })) {
          const results: Array<unknown> = []
          const everything = [...steps.keys()]
          // Those of the shuffle, then whatever it left out.
          for (const arrival of [everything, [...order, ...everything]]) {
            const user = UserId.make(`local_h${(run += 1)}`)
            yield* sql`INSERT INTO users ${sql.insert({ user_id: user, created_at: 0 })}`
            if (run % 2 === 0) yield* ledger.setCostBasis(user, steps.length % 2 === 0 ? "fifo" : "average")
            else if (steps.length % 2 === 0) yield* ledger.setCostBasis(user, "fifo")
            const movements = (at: number) => reading(at, {}, user)
            yield* ledger.compare(user, yield* movements(0))
            const expected = new Map<string, Decimal.Decimal>()
            const known = new Set<number>()
            const add = (asset: string, amount: Decimal.Decimal) =>
              expected.set(asset, Decimal.add(expected.get(asset) ?? Decimal.zero, amount))
            for (const i of arrival) {
              const one = steps[i]
              if (one === undefined) continue
              const first = !known.has(i)
              known.add(i)
              if (one.what === "fill") {
                const feeAsset = one.feeAsset === "base" ? assetOf(one) : one.feeAsset
                const { book, fee, price, quantity, side, symbol } = one
                yield* addFill({ id: i + 1, user, at: one.at, symbol, book, side, quantity, price, fee, feeAsset })
                if (!first) continue
                const sign = side === "buy" ? Decimal.one : Decimal.negate(Decimal.one)
                add(assetOf(one), Decimal.multiply(sign, d(quantity)))
                add("USDT", Decimal.negate(Decimal.multiply(sign, Decimal.multiply(d(quantity), d(price)))))
                add(feeAsset, Decimal.negate(d(fee)))
              } else if (first) {
                const amount = one.what === "deposit" ? d(one.quantity) : Decimal.negate(d(one.quantity))
                const fee = one.what === "deposit" ? Decimal.zero : d(one.fee)
                add(assetOf(one), Decimal.subtract(amount, fee))
                const balances = Object.fromEntries([...expected].map(([asset, total]) => [asset, text(total) ?? "0"]))
                const taken = yield* reading(100, balances, user)
                const kind = one.what === "deposit" ? "deposit" : "withdrawal"
                yield* ledger.compare(user, taken)
                yield* ledger.settle(user, [
                  {
                    source: `move:${i}`,
                    kind,
                    asset: assetOf(one),
                    amount,
                    fee,
                    reason: null,
                    at: one.at
                  }
                ])
              }
              const totals = yield* totalsOf(user)
              for (const [asset, total] of expected)
                assert.strictEqual(totals[asset] ?? "0", text(total), `${asset} of run ${run} at every step`)
            }
            const wanted = (yield* ledger.pricesWanted).filter(({ user_id }) => user_id === user)
            yield* ledger.givePrices(wanted.map((row) => ({ ...row, price: d(String(2 + (row.at % 5))) })))
            const stored = yield* projections(user)
            // What only an order of the ledger's own making could have changed.
            yield* ledger.rebuild(user)
            const rebuilt = yield* projections(user)
            assert.deepEqual(rebuilt.balances, stored.balances)
            assert.deepEqual(rebuilt.lots, stored.lots, `run ${run}: the stored projection is not that of its facts`)
            assert.deepEqual(rebuilt.heads, stored.heads)
            const anonymous = ({ user_id: _, ...row }: Record<string, unknown>) => row
            const withoutSeq = ({ seq: __, user_id: _, ...row }: Record<string, unknown>) => row
            results.push({ lots: stored.lots.map(anonymous), balances: stored.balances.map(withoutSeq) })
          }
          // Movements of the same moment are taken in the order they were booked, so books may differ only then.
          const moments = steps.filter(({ what }) => what !== "fill").map(({ at }) => at)
          if (new Set(moments).size === moments.length) assert.deepEqual(results[0], results[1])
        }
        yield* database.read(sql`SELECT 1`)
      }).pipe(Effect.provide(ledgerLayer)),
    120_000
  )

  it.effect("keep the books' quantities equal to the balance, whoever sells what", () =>
    Effect.gen(function* () {
      yield* addUsers
      const sql = yield* SqlClient.SqlClient
      yield* account(1, { USDT: "1000", BTC: "1", MX: "50" })
      yield* addFill({ id: 1, at: 5, quantity: "2", price: "100", book: `rule:${ruleA}`, fee: "0.1", feeAsset: "MX" })
      yield* addFill({ id: 2, at: 6, quantity: "2.5", price: "90", side: "sell" })
      yield* addFill({
        id: 3,
        at: 7,
        symbol: SymbolName.make("ETHUSDT"),
        quantity: "4",
        price: "10",
        fee: "0.01",
        feeAsset: "ETH"
      })
      yield* sql`INSERT INTO fills ${sql.insert({
        user_id: ann,
        symbol: ethBtc,
        trade_id: "4",
        order_id: null,
        exchange_order_id: "C4",
        book: `rule:${ruleB}`,
        base_asset: "ETH",
        quote_asset: "BTC",
        side: "buy",
        price: "0.1",
        quantity: "3",
        quote_quantity: "0.3",
        fee_asset: "BTC",
        fee_amount: "0.01",
        maker: 0,
        at: 8
      })}`
      yield* (yield* Ledger).postFills(ann, ethBtc)
      const totals = yield* totalsOf()
      const rows = yield* sql<{
        asset: string
        quantity: string
      }>`SELECT asset, quantity FROM book_lots WHERE user_id = ${ann}`
      for (const asset of ["BTC", "ETH", "MX"])
        assert.strictEqual(
          text(Decimal.sum(rows.filter((row) => row.asset === asset).map(({ quantity }) => d(quantity)))),
          totals[asset]
        )
      assert.deepEqual(totals, { USDT: "985", BTC: "0.19", MX: "49.9", ETH: "6.99" })
    }).pipe(Effect.provide(ledgerLayer))
  )
})
