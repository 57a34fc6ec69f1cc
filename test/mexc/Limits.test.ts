import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { UserId } from "../../src/domain/Ids.ts"
import type { Credentials } from "../../src/mexc/Credentials.ts"
import { order } from "./fuzz/samples.ts"
import { symbolOf } from "./kit/memoryVenue.ts"
import { type Answer, credentials, withVenue } from "./kit/venueServer.ts"

const abc = symbolOf("ABCUSDT")
const as = (name: string): Credentials => ({
  ...credentials,
  userId: Schema.decodeSync(UserId)(`local_${name}`),
  accessKey: `mx0vgl${name}`
})
const ann = as("ann")
const bob = as("bob")

/** The most of these moments in any second. */
const busiest = (moments: ReadonlyArray<number>) =>
  Math.max(...moments.map((start) => moments.filter((at) => at >= start && at < start + 1_000).length))

describe("the venue's limits", () => {
  it.live("twenty requests a second of all users and twelve order operations of each are never exceeded", () => {
    const arrivals: Array<{ readonly at: number; readonly key: string; readonly isOrder: boolean }> = []
    const limits = (asked: { readonly method: string; readonly headers: object }): Answer => {
      arrivals.push({
        at: performance.now(),
        key: String(Object(asked.headers)["x-mexc-apikey"]),
        isOrder: asked.method !== "GET"
      })
      return { json: { symbol: "ABCUSDT", orderId: "C1", serverTime: Date.now() } }
    }
    return withVenue(limits, (client) =>
      Effect.gen(function* () {
        yield* client.serverTime
        yield* Effect.all(
          [ann, bob].flatMap((user, n) => [
            ...Array.from({ length: 16 }, (_, i) =>
              client.placeOrder(user, order(`dpLimit${n}x${i}`), Effect.void).pipe(Effect.asVoid)
            ),
            client.cancelOpenOrders(user, abc).pipe(Effect.asVoid),
            client.cancelAllOrders(user)
          ]),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(arrivals.length, 36)
        assert.isAtMost(busiest(arrivals.map(({ at }) => at)), 20)
        for (const user of [ann, bob]) {
          const own = arrivals.filter(({ isOrder, key }) => isOrder && key === user.accessKey)
          assert.lengthOf(own, 18)
          assert.isAtMost(busiest(own.map(({ at }) => at)), 12)
        }
      })
    )
  })

  it.live("reported to one user stop the others too, for as long as the venue says", () =>
    Effect.forEach([429, 418, 403], (status) =>
      withVenue(
        () => ({ status, text: "", headers: { "retry-after": "40" } }),
        (client, venue) =>
          Effect.gen(function* () {
            const first = yield* Effect.flip(client.balances(ann))
            assert.strictEqual(first._tag === "VenueRateLimited" && first.retryAfterMs, 40_000)
            const sent = venue.asked.length
            const others = [
              client.balances(bob).pipe(Effect.flip),
              client.orderBook(abc, 5).pipe(Effect.flip),
              client.cancelAllOrders(bob).pipe(Effect.flip),
              client.placeOrder(bob, order("dpStopped"), Effect.void).pipe(Effect.flip),
              client.placeOrders(bob, [order("dpStopped")], Effect.void).pipe(Effect.flip)
            ]
            for (const other of others) assert.strictEqual((yield* other)._tag, "BudgetUnavailable")
            assert.strictEqual(venue.asked.length, sent)
          })
      )
    )
  )
})
