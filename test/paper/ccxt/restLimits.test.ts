import { assert, layer } from "@effect/vitest"
import ccxt from "ccxt"
import { Effect, Either } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { ask, freshCcxt, refusal } from "../kit/ccxtClient.ts"
import { stillExchange } from "../kit/SignedClient.ts"

const symbol = "BTC/USDT"

layer(PaperExchange.layer({ ...stillExchange, limits: { ipWeight: 90 } }), { excludeTestServices: true })(
  "an independent client that asks too much",
  (it) => {
    it.effect("is told so, for weights and for orders, before anything happens", () =>
      Effect.gen(function* () {
        const { client } = yield* freshCcxt()
        yield* ask(() => client.loadMarkets())
        const orders = yield* Effect.forEach(
          Array.from({ length: 14 }, (_, i) => i),
          () => Effect.either(Effect.tryPromise(() => client.createLimitBuyOrder(symbol, 0.001, 45000))),
          { concurrency: "unbounded" }
        )
        const refused = orders.filter(Either.isLeft).map(({ left }) => left.error)
        assert.isAtLeast(refused.length, 1)
        for (const error of refused) assert.instanceOf(error, ccxt.RateLimitExceeded)
        assert.lengthOf(yield* ask(() => client.fetchOpenOrders(symbol)), 14 - refused.length)
        yield* ask(() => client.fetchTickers())
        assert.instanceOf(yield* refusal(() => client.fetchTickers()), ccxt.RateLimitExceeded)
      })
    )
  }
)
