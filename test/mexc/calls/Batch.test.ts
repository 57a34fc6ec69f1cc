import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Ref, Schema } from "effect"
import { ClientOrderId } from "../../../src/domain/Ids.ts"
import type { OrderRequest } from "../../../src/mexc/OrderRequest.ts"
import { order } from "../fuzz/samples.ts"
import { symbolOf } from "../kit/memoryVenue.ts"
import { type Answer, credentials, withVenue } from "../kit/venueServer.ts"

const orders = [order("dpOne"), order("dpTwo"), order("dpThree")]
const accepted = (id: string, name?: string) => ({
  symbol: "ABCUSDT",
  orderId: id,
  orderListId: -1,
  ...(name === undefined ? {} : { newClientOrderId: name })
})

/** Per order: its outcome, and the venue's id or code. */
const placing = (answer: Answer, batch: ReadonlyArray<OrderRequest> = orders) =>
  withVenue(
    () => answer,
    (client, venue) =>
      Effect.gen(function* () {
        const noted = yield* Ref.make(0)
        const sent = yield* Effect.either(
          client.placeOrders(
            credentials,
            batch,
            Ref.update(noted, (n) => n + 1)
          )
        )
        return {
          posts: venue.calls("/batchOrders"),
          noted: yield* Ref.get(noted),
          failure: Either.isLeft(sent) ? sent.left : null,
          results: Either.isRight(sent)
            ? sent.right.map((one) => [
                one.clientOrderId,
                one.type,
                one.type === "accepted"
                  ? one.exchangeOrderId
                  : one.type === "refused" && one.failure._tag === "VenueRefused"
                    ? one.failure.code
                    : null
              ])
            : []
        }
      })
  )

const unknown = [
  ["dpOne", "unknown", null],
  ["dpTwo", "unknown", null],
  ["dpThree", "unknown", null]
]

describe("a batch of orders", () => {
  it.live("is one request, noted before it leaves, with each order in the venue's words", () =>
    Effect.gen(function* () {
      const { noted, posts, results } = yield* placing({
        json: [accepted("C1"), { code: 30002, msg: "small" }, accepted("C3")]
      })
      assert.lengthOf(posts, 1)
      assert.strictEqual(noted, 1)
      const sent: unknown = JSON.parse(posts[0]?.query.get("batchOrders") ?? "[]")
      assert.deepStrictEqual(Array.isArray(sent) ? sent[0] : null, {
        symbol: "ABCUSDT",
        side: "BUY",
        type: "LIMIT",
        quantity: "2",
        price: "1.5",
        newClientOrderId: "dpOne"
      })
      assert.deepStrictEqual(results, [
        ["dpOne", "accepted", "C1"],
        ["dpTwo", "refused", 30002],
        ["dpThree", "accepted", "C3"]
      ])
    })
  )

  it.live("goes by the names in the answer rather than by its order", () =>
    Effect.gen(function* () {
      const { results } = yield* placing({
        json: [accepted("C3", "dpThree"), accepted("C1", "dpOne"), { newClientOrderId: "dpTwo", code: 10101, msg: "" }]
      })
      assert.deepStrictEqual(results, [
        ["dpOne", "accepted", "C1"],
        ["dpTwo", "refused", 10101],
        ["dpThree", "accepted", "C3"]
      ])
    })
  )

  const unproven: ReadonlyArray<readonly [string, Answer, ReadonlyArray<unknown>]> = [
    ["a reset", { raw: (response) => response.destroy() }, unknown],
    ["a gateway that failed", { status: 504, text: "<html>" }, unknown],
    ["a code that says to check", { status: 400, json: { code: 603, msg: "repeated" } }, unknown],
    ["an answer that is no list", { json: { code: 200, msg: "success" } }, unknown],
    ["an empty list", { json: [] }, unknown],
    ["fewer items than orders, without names", { json: [accepted("C1"), accepted("C2")] }, unknown],
    [
      "one item with a name, of three",
      { json: [accepted("C2", "dpTwo")] },
      [
        ["dpOne", "unknown", null],
        ["dpTwo", "accepted", "C2"],
        ["dpThree", "unknown", null]
      ]
    ],
    [
      "an item twice, one of nobody's, and one without an id",
      { json: [accepted("C1", "dpOne"), accepted("C9", "dpOne"), accepted("C2", "dpNobody"), {}] },
      unknown
    ],
    [
      "items whose codes prove nothing",
      {
        json: [
          { newClientOrderId: "dpOne", code: 500, msg: "" },
          { newClientOrderId: "dpTwo", code: 777_777, msg: "" },
          { newClientOrderId: "dpThree", code: 603, msg: "" }
        ]
      },
      unknown
    ]
  ]
  for (const [name, answer, expected] of unproven) {
    it.live(`answered with ${name} leaves unknown what is not proven, and is not sent again`, () =>
      Effect.gen(function* () {
        const { posts, results } = yield* placing(answer)
        assert.deepStrictEqual(results, expected)
        assert.lengthOf(posts, 1)
      })
    )
  }

  it.live("refused as a whole leaves no order", () =>
    Effect.gen(function* () {
      for (const code of [700002, 700007, 10007]) {
        const { failure, posts } = yield* placing({ status: 400, json: { code, msg: "no" } })
        assert.strictEqual(failure?._tag, "VenueRefused")
        assert.lengthOf(posts, 1)
      }
    })
  )

  it.live("that cannot be one is not sent", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 21 }, (_, i) => order(`dpMany${i}`))
      const other = { ...order("dpOther"), symbol: symbolOf("XYZUSDT") }
      for (const batch of [[], many, [order("dpOne"), other], [order("dpOne"), order("dpOne")]]) {
        const { failure, noted, posts } = yield* placing({ json: [] }, batch)
        assert.strictEqual(failure?._tag, "VenueRefused")
        assert.deepStrictEqual([noted, posts.length], [0, 0])
      }
      assert.isTrue(Schema.is(ClientOrderId)("dpMany20"))
    })
  )
})
