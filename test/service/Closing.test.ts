import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { RuleId } from "../../src/domain/Ids.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { Closing } from "../../src/service/Closing.ts"
import { bookOf } from "../../src/autobuy/record/bookOf.ts"
import { buy, eventually, held, life, makeRule, resting, venue } from "../autobuy/cycle/kit.ts"
import { temporaryFolder } from "../kit/TestDatabase.ts"
import { ann, btc, d } from "../orders/kit/orders.ts"

const start = Effect.gen(function* () {
  const at = yield* venue
  yield* at.price(100_000)
  return { at, folder: yield* temporaryFolder }
})

const key = (name: string) => ({ idempotencyKey: `closing-test-${name}`, bodyHash: "a" })

const close = (id: RuleId, name: string, symbol = btc) =>
  Effect.gen(function* () {
    const closing = yield* Closing
    return yield* closing.close(ann, symbol, { book: bookOf(id), maxSlippageBps: 50, waitMs: 5_000 }, key(name))
  }).pipe(Effect.provide(Closing.layer))

const bought = (id: RuleId) =>
  Effect.zipRight(
    buy(id),
    eventually("bought", held(id), (quantity) => quantity !== "0")
  )

const sells = Effect.flatMap(Orders, (orders) =>
  Effect.map(orders.list(ann, { limit: 50 }), ({ items }) => items.filter(({ side }) => side === "sell").length)
)

describe("closing a position", () => {
  it.scopedLive("sells all that the book has once, and nothing of other books", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const [id, other] = [yield* makeRule({}), yield* makeRule({})]
          const quantity = yield* bought(id)
          const kept = yield* bought(other)
          const { order, replayed } = yield* close(id, "first-of-two")
          assert.isFalse(replayed)
          assert.strictEqual(order.status, "filled")
          assert.strictEqual(order.type, "immediateOrCancel")
          assert.strictEqual(order.book, bookOf(id))
          assert.strictEqual(order.origin.type, "manual")
          assert.strictEqual(Decimal.format(order.executedQuantity), quantity)
          yield* eventually("sold", held(id), (left) => left === "0")
          assert.strictEqual(yield* held(other), kept)

          // The same request again is answered, not refused for a book that is empty now.
          const again = yield* close(id, "first-of-two")
          assert.isTrue(again.replayed)
          assert.strictEqual(again.order.id, order.id)
          const elsewhere = yield* Effect.flip(close(id, "first-of-two", SymbolName.make("ETHUSDT")))
          assert.strictEqual(elsewhere._tag, "IDEMPOTENCY_KEY_REUSED")
          const empty = yield* Effect.flip(close(id, "nothing-left"))
          assert.strictEqual(empty._tag, "INSUFFICIENT_BALANCE")
          assert.include(empty.message, "has nothing to sell")
          assert.strictEqual(yield* sells, 1)
        })
      )
    })
  )

  it.scopedLive("is refused below the exchange's minimum, and for a symbol that is none", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({})
          yield* bought(id)
          const unknown = yield* Effect.flip(close(id, "no-such-symbol", SymbolName.make("NOPEUSDT")))
          assert.strictEqual(unknown._tag, "SYMBOL_NOT_FOUND")
          yield* at.price(500)
          const hub = yield* TickerHub
          yield* eventually("the price", hub.latest(btc), ({ bid }) => Decimal.lessThan(bid, d("600")))
          const small = yield* Effect.flip(close(id, "too-small"))
          assert.strictEqual(small._tag, "BELOW_MINIMUM")
          assert.strictEqual(yield* sells, 0)
        })
      )
    })
  )

  it.scopedLive("is a conflict while a cycle of the rule sells the lots itself", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({ exit: { takeProfit: [{ gainPercent: "2" }] } })
          yield* bought(id)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          const refused = yield* Effect.flip(close(id, "while-it-is-open"))
          assert.strictEqual(refused._tag, "CONFLICT")
          assert.include(refused.message, "?lots=close")
          assert.strictEqual(yield* sells, 1)
        })
      )
    })
  )
})
