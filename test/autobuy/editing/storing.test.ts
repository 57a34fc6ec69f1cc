import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { app, begin, create, edit } from "../kit/api.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { FakeWallet } from "../kit/FakeWallet.ts"
import { settleDown } from "../kit/time.ts"

const dip = { trigger: { type: "price.level", side: "below", price: "95761" } }
const bought = Effect.flatMap(FakeOrders, (orders) => Effect.map(orders.placed, (placed) => placed.length))

describe("a changed rule", () => {
  it.scoped("keeps what the trigger remembers unless the trigger is another", () =>
    Effect.gen(function* () {
      yield* begin
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const { id } = (yield* create(dip)).rule
      yield* market.tick(90_000)
      assert.strictEqual((yield* orders.placed).length, 1)
      yield* edit(id, 1, { ...dip, name: "renamed" })
      yield* settleDown
      assert.strictEqual((yield* orders.placed).length, 1)
      yield* edit(id, 2, { trigger: { ...dip.trigger, price: "95000" } })
      yield* settleDown
      assert.strictEqual((yield* orders.placed).length, 2)
    }).pipe(Effect.provide(app))
  )

  it.scoped("does not buy again with a balance that has had its firing", () =>
    Effect.gen(function* () {
      const wallet = yield* FakeWallet
      const deposit = {
        trigger: { type: "balance.available", asset: "USDT", atLeast: "100" },
        size: { type: "quote", amount: "50" },
        limits: { total: "1000" }
      }
      yield* begin
      yield* wallet.setFree("1000")
      const { id } = (yield* create(deposit)).rule
      yield* settleDown
      assert.strictEqual(yield* bought, 1)
      for (const [version, change] of [{ name: "renamed" }, { timezone: "Europe/Berlin" }].entries()) {
        yield* edit(id, version + 1, { ...deposit, ...change })
        yield* settleDown
        assert.strictEqual(yield* bought, 1)
      }
    }).pipe(Effect.provide(app))
  )

  it.scoped("follows the low of the fall it has seen", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const rebound = {
        trigger: {
          type: "price.rebound",
          from: { type: "fixed", price: "100000" },
          afterDropPercent: "5",
          reboundPercent: "1"
        }
      }
      yield* begin
      const { id } = (yield* create(rebound)).rule
      yield* settleDown
      for (const price of [94_000, 90_000, 90_800]) yield* market.tick(price)
      yield* edit(id, 1, { ...rebound, name: "renamed" })
      yield* settleDown
      // Measured from the low of the new version it would need 91708.
      yield* market.tick(91_000)
      assert.strictEqual(yield* bought, 1)
    }).pipe(Effect.provide(app))
  )
})
