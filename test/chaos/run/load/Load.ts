import type { Exchange } from "../machine/Exchange.ts"
import { sleep } from "../machine/Time.ts"
import type { Action } from "../plan/Actions.ts"
import { decimal, markets, priceEvery, pricesOf } from "../plan/Markets.ts"
import type { Person } from "./Person.ts"

/** Prices and people go on by the clock, whether the service is there or not. */
export const runLoad = (
  seed: number,
  actions: ReadonlyArray<Action>,
  people: ReadonlyArray<Person>,
  exchange: Exchange,
  began: number
) => {
  let running = true
  let acting = true

  const quoting = Promise.all(
    markets.map(async (market) => {
      const { base, priceDecimals, quantityDecimals, symbol } = market
      const priceAt = pricesOf(seed, market)
      for (let at = 0; running; at += priceEvery) {
        await sleep(began + at - Date.now())
        const quantity = decimal(20 / base, quantityDecimals)
        const price = decimal(priceAt(at), priceDecimals)
        await exchange.control("POST", "price", { symbol, price, quantity, takerSide: "sell" })
      }
    })
  )

  const deeds = (async () => {
    for (const action of actions) {
      await sleep(began + action.at - Date.now())
      if (!acting) return
      people[action.user]?.act(action)
    }
  })()

  return {
    /** People do nothing more; the market goes on. */
    rest: () => void (acting = false),
    end: async () => {
      acting = false
      running = false
      await quoting
    },
    ended: deeds
  }
}
