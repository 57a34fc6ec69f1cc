import ccxt from "ccxt"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { freshCcxt } from "./ccxtClient.ts"

/**
 * The streaming client as it comes from npm: told where the exchange is and whose key to use, nothing else. Its own
 * documentation asks for `loadHttpProxyAgent` before a stream without TLS.
 */
export const freshStreams = (balances?: Record<string, string>) =>
  Effect.gen(function* () {
    const { wsUrl } = yield* PaperExchange
    const { client: rest, hand, url } = yield* freshCcxt(balances)
    const { apiKey, secret } = rest
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new ccxt.pro.mexc({ apiKey, secret, enableRateLimit: false })),
      (open) => Effect.promise(() => open.close())
    )
    client.urls["api"] = { ...Object(rest.urls["api"]), ws: { spot: wsUrl, swap: wsUrl } }
    yield* Effect.promise(() => client.loadHttpProxyAgent())
    /** A public trade that nobody's order takes part in. */
    const trade = (price: string, quantity: string, takerSide = "buy") =>
      hand.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price, quantity, takerSide })
    return { client, rest, hand, trade, url }
  })

/** The client does not say when a subscription stands; this is long enough on loopback. */
export const subscribed = Effect.sleep("400 millis")

/** The same for the account's channels, which first need a listen key and a connection of their own. */
export const privatelySubscribed = (client: Effect.Effect.Success<ReturnType<typeof freshStreams>>["client"]) =>
  Effect.repeat(Effect.sleep("20 millis"), {
    until: () =>
      Object.entries(client.clients).some(
        ([url, { connection }]) => url.includes("listenKey=") && connection?.readyState === 1
      )
  }).pipe(Effect.zipRight(subscribed), Effect.timeout("15 seconds"))
