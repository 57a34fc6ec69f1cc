import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { KeyFreezes } from "../../src/accounts/KeyFreezes.ts"
import { fingerprintOf } from "../../src/accounts/secrets/fingerprintOf.ts"
import type { FreezeOrigin } from "../../src/domain/KeyFreeze.ts"
import type { PlaceOrder } from "../../src/domain/order/PlaceOrder.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { FakeVenue } from "./kit/FakeVenue.ts"
import { withVenue } from "./kit/layers.ts"
import { addUsers, ann, bob, btc, d } from "./kit/orders.ts"

const buy: PlaceOrder = { symbol: btc, side: "buy", type: "market", quoteAmount: d("50"), waitMs: 2_000 }
const sell: PlaceOrder = { symbol: btc, side: "sell", type: "market", quantity: d("1"), waitMs: 2_000 }
const resting: PlaceOrder = { symbol: btc, side: "buy", type: "limit", quantity: d("1"), price: d("90"), waitMs: 0 }
const key = (n: number) => ({ idempotencyKey: `key-${String(n).padStart(16, "0")}`, bodyHash: "a" })

/** The one that the vault of these tests gives everybody. */
const stored = { userId: ann, fingerprint: fingerprintOf("mx0test"), keyPrefix: "mx0t" }

const start = Effect.gen(function* () {
  yield* addUsers
  const freezes = yield* KeyFreezes
  const orders = yield* Orders
  const venue = yield* FakeVenue
  const freeze = (by: FreezeOrigin) => freezes.freeze(stored, by, null)
  const outcome = (order: PlaceOrder, n: number, userId = ann) =>
    Effect.match(orders.place(userId, order, key(n)), {
      onSuccess: ({ order: { status } }) => `${status}`,
      onFailure: (error) => `${error._tag} ${error.reason?.code ?? ""}`
    })
  return { freeze, freezes, orders, outcome, venue }
})

describe("a frozen exchange key", () => {
  for (const by of ["user", "operator"] as const)
    it.live(`sends no order when it was frozen by the ${by}, only cancels; another user's does`, () =>
      Effect.gen(function* () {
        const { freeze, freezes, orders, outcome, venue } = yield* start
        venue.mood = { type: "rest" }
        const { order } = yield* orders.place(ann, resting, key(1))
        yield* freeze(by)
        venue.mood = { type: "fill" }
        assert.strictEqual(yield* outcome(buy, 2), "TRADING_HALTED KEY_FROZEN")
        assert.strictEqual(yield* outcome(sell, 3), "TRADING_HALTED KEY_FROZEN")
        assert.strictEqual(venue.posts.length, 1)
        // Nothing is left of what was refused.
        assert.strictEqual((yield* orders.list(ann, { limit: 10 })).items.length, 1)
        assert.strictEqual((yield* orders.cancel(ann, order.id)).status, "cancelled")
        assert.strictEqual(yield* outcome(buy, 2, bob), "filled")
        yield* freezes.release(stored, by)
        assert.strictEqual(yield* outcome(buy, 2), "filled")
      }).pipe(Effect.provide(withVenue))
    )

  it.live("that may withdraw buys nothing, and goes on to sell", () =>
    Effect.gen(function* () {
      const { freeze, outcome } = yield* start
      yield* freeze("service")
      assert.strictEqual(yield* outcome(buy, 1), "CREDENTIAL_TOO_POWERFUL KEY_FROZEN")
      assert.strictEqual(yield* outcome(sell, 2), "filled")
      yield* freeze("user")
      assert.strictEqual(yield* outcome(sell, 3), "TRADING_HALTED KEY_FROZEN")
    }).pipe(Effect.provide(withVenue))
  )

  for (const [by, refused] of [
    ["operator", "TRADING_HALTED KEY_FROZEN"],
    ["service", "CREDENTIAL_TOO_POWERFUL KEY_FROZEN"]
  ] as const)
    it.live(`frozen by the ${by} while an order waited: it is not sent, and may be repeated afterwards`, () =>
      Effect.gen(function* () {
        const { freeze, freezes, outcome, venue } = yield* start
        const released = yield* Deferred.make<void>()
        venue.mood = { type: "waitBefore", until: Deferred.await(released) }
        const placing = yield* Effect.fork(outcome(buy, 1))
        yield* Deferred.await(venue.reached)
        yield* freeze(by)
        yield* Deferred.succeed(released, undefined)
        assert.strictEqual(yield* Fiber.join(placing), refused)
        assert.strictEqual(venue.posts.length, 0)
        venue.mood = { type: "fill" }
        yield* freezes.release(stored, by)
        assert.strictEqual(yield* outcome(buy, 1), "filled")
        assert.strictEqual(venue.posts.length, 1)
      }).pipe(Effect.provide(withVenue))
    )
})
