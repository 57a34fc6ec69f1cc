import ccxt from "ccxt"
import { Effect } from "effect"
import { PaperExchange, type PaperExchangeOptions } from "../../../src/paper/PaperExchange.ts"
import { Permission } from "../../../src/paper/Requests.ts"
import { makeClient, stillExchange, type Json } from "./SignedClient.ts"

/** Wide weights: all tests share one address. */
export const roomyExchange: PaperExchangeOptions = {
  ...stillExchange,
  limits: { ipWeight: 1_000_000, uidWeight: 1_000_000, ordersPerSecond: 1_000_000 }
}

/** The client as it comes from npm: told where the exchange is and whose key to use, nothing else. */
export const ccxtAt = (url: string, apiKey?: string, secret = "") => {
  const client = new ccxt.mexc({ ...(apiKey === undefined ? {} : { apiKey, secret }), enableRateLimit: false })
  client.urls["api"] = {
    spot: { public: url, private: url },
    contract: { public: `${url}/api/v1/contract`, private: `${url}/api/v1/private` },
    spot2: { public: `${url}/open/api/v2`, private: `${url}/open/api/v2` },
    broker: { private: `${url}/api/v3/broker` }
  }
  return client
}

let opened = 0

/** A client of an account of its own, that may do everything, with BTCUSDT standing at 50,000. */
export const freshCcxt = (balances: Record<string, string> = { USDT: "10000", BTC: "1" }) =>
  Effect.gen(function* () {
    const { url } = yield* PaperExchange
    const accessKey = `mx0ccxt${++opened}`
    const hand = makeClient(url, accessKey, "secret")
    const permissions = Permission.literals
    yield* hand.control("POST", "/paper/v1/accounts", { accessKey, secretKey: "secret", balances, permissions })
    const priced = (price: string) => hand.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price })
    yield* priced("50000")
    return { client: ccxtAt(url, accessKey, "secret"), hand, priced, url }
  })

/** What the client answers. Its rejection fails the test. */
export const ask = (call: () => Promise<unknown>): Effect.Effect<Json> => Effect.promise(call)

/** What the client rejects with. */
export const refusal = (call: () => Promise<unknown>) =>
  Effect.promise(() =>
    call().then(
      () => Promise.reject(new Error("the call was not refused")),
      (error: unknown) => error
    )
  )
