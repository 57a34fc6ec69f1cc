import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { unsafe } from "../../src/domain/Decimal.ts"
import type { OrderId } from "../../src/domain/Ids.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, paperExchange, service } from "../kit/Service.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const Shown = Schema.Struct({
  data: Schema.Struct({
    assets: Schema.Array(Schema.Struct({ asset: Schema.String, available: Schema.NumberFromString }))
  })
})

it.scopedLive(
  "a wallet that is looked at again and again shows each order as soon as its answer is there, and each cancel",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, url } = yield* service(yield* temporaryFolder, paper, { API_RATE_PER_MINUTE: "100000" })
      const token = yield* createKey(command)
      const api = yield* client(url, token)
      const headers = { authorization: `Bearer ${Redacted.value(token)}` }
      const look = Effect.promise(async () => {
        const response = await fetch(`${url}/api/v1/account/wallet`, { headers })
        const { data } = Schema.decodeUnknownSync(Shown)(await response.json())
        const usdt = data.assets.find(({ asset }) => asset === "USDT")
        return { available: usdt?.available ?? Number.NaN, seq: Number(response.headers.get("x-event-seq")) }
      })
      /** The second look is one of a moment ago, unless something changed. */
      const lookTwice = Effect.zipRight(look, look)

      let before = yield* lookTwice
      const ids: Array<OrderId> = []
      for (let n = 0; n < 10; n++) {
        const { id } = yield* api.trading.placeOrder({
          headers: { "idempotency-key": `journey-own-wallet-${String(n)}` },
          payload: { symbol, side: "buy", type: "limit", price: unsafe("50000"), quantity: unsafe("0.001"), waitMs: 0 }
        })
        ids.push(id)
        const now = yield* lookTwice
        assert.closeTo(before.available - now.available, 50, 0.2)
        assert.isAbove(now.seq, before.seq)
        before = now
      }
      yield* Effect.forEach(ids, (id) => api.trading.cancelOrder({ path: { id } }))
      assert.closeTo((yield* lookTwice).available, 10_000, 0.001)
    }),
  60_000
)
