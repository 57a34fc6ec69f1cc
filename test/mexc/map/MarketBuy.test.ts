import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { ClientOrderId } from "../../../src/domain/Ids.ts"
import { only, symbolOf, withMemoryVenue } from "../kit/memoryVenue.ts"
import { credentials } from "../kit/venueServer.ts"

const row = {
  symbol: "ABCUSDT",
  orderId: "C02__7",
  clientOrderId: "dpBuy",
  status: "FILLED",
  type: "MARKET",
  side: "BUY",
  price: "1.05",
  origQty: "95.23",
  executedQty: "95.23",
  cummulativeQuoteQty: "95.2",
  time: 1_790_000_000_000
}

const askedAmount = (change: object) =>
  withMemoryVenue(only("GET /order", { ...row, ...change }), ({ client }) =>
    Effect.map(
      client.order(credentials, symbolOf("ABCUSDT"), Schema.decodeSync(ClientOrderId)("dpBuy")),
      Option.match({
        onNone: () => "no order",
        onSome: ({ quoteAmount }) => (quoteAmount === null ? null : Decimal.format(quoteAmount))
      })
    )
  )

describe("a market buy", () => {
  it.live("by amount was asked for that amount, which its collar and quantity come near", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* askedAmount({ origQuoteOrderQty: "100" }), "100")
      assert.strictEqual(yield* askedAmount({ price: "0", origQuoteOrderQty: "100" }), "100")
    })
  )

  it.live("by quantity was asked for no amount: the venue shows its collar times the quantity", () =>
    Effect.gen(function* () {
      assert.isNull(yield* askedAmount({ origQty: "90", origQuoteOrderQty: "94.5" }))
      assert.isNull(yield* askedAmount({ origQty: "90", origQuoteOrderQty: "94.500000" }))
      assert.isNull(yield* askedAmount({ origQuoteOrderQty: "0" }))
      assert.isNull(yield* askedAmount({}))
    })
  )
})
