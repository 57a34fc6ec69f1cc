import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, Schema } from "effect"
import { readRows } from "../../../src/mexc/wire/Fields.ts"
import { OrderRow } from "../../../src/mexc/wire/rest/RestAccount.ts"
import { BookTicker, ExchangeSymbol, Ticker24h } from "../../../src/mexc/wire/rest/RestMarket.ts"

/** What a venue might say for any field. */
const value = FastCheck.oneof(
  { weight: 6, arbitrary: FastCheck.constantFrom("BTCUSDT", "1.50", "0.00010000", "12", 7, 0.05, 1_767_206_031_677) },
  { weight: 2, arbitrary: FastCheck.constantFrom(null, "", "0", "-1", "1e5", "x", true, false, undefined) },
  { weight: 1, arbitrary: FastCheck.anything({ maxDepth: 1 }) }
)

const rowsOf = (fields: Schema.Struct.Fields) =>
  FastCheck.record(Object.fromEntries(Object.keys(fields).map((key) => [key, value])), { requiredKeys: [] })

const likely: Readonly<Record<string, unknown>> = {
  symbol: "BTCUSDT",
  status: "FILLED",
  side: "BUY",
  type: "LIMIT",
  orderId: "C02__1",
  isBuyer: true,
  isMaker: false
}

const holds = <A, I>(name: string, schema: Schema.Schema<A, I> & { readonly fields: Schema.Struct.Fields }) =>
  it.prop(
    `${name}: a row is read as its Schema reads it`,
    [rowsOf(schema.fields), FastCheck.boolean()],
    ([random, isLikely]) => {
      const row = isLikely ? { ...random, ...likely } : random
      const { problem, rejected, rows } = readRows(schema)([row])
      const expected = Schema.decodeUnknownEither(schema)(row)
      assert.deepStrictEqual(rows[0] ?? null, Either.getOrNull(expected))
      assert.strictEqual(rejected, Either.isLeft(expected) ? 1 : 0)
      assert.strictEqual(problem === null, Either.isRight(expected))
    },
    { fastCheck: { numRuns: 500 } }
  )

describe("reading rows without their Schema", () => {
  holds("tickers", Ticker24h)
  holds("best prices", BookTicker)
  holds("pairs", ExchangeSymbol)
  holds("orders", OrderRow)

  it("refuses what is no row", () => {
    assert.strictEqual(readRows(Ticker24h)([null, 1, "x", []]).rejected, 4)
  })
})
