import type { Exchange } from "../machine/Exchange.ts"
import { sleep } from "../machine/Time.ts"
import type { Action } from "../plan/Actions.ts"
import { decimal, markets, priceEvery, pricesOf } from "../plan/Markets.ts"
import type { Options } from "../Options.ts"
import type { Person } from "./Person.ts"

const wickEvery = 16 * priceEvery
/** In turn: how long a rule is busy with itself depends on the machine. */
const wicksLast = [30, 8, 2]

/** A price that touches the other side of the base and comes back at once: rules that wait for it are caught on one foot. */
const wickAt = (at: number, base: number, priceAt: (at: number) => number): number | null => {
  const [now, next] = [priceAt(at), priceAt(at + priceEvery)]
  if (at % wickEvery !== 0 || now < base !== next < base) return null
  return base * (now < base ? 1.0004 : 0.9996)
}

/** Prices and people go on by the clock, whether the service is there or not. */
export const runLoad = (
  { isCrowded, seed }: Options,
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
        const trade = (price: number) =>
          exchange.control("POST", "price", {
            symbol,
            price: decimal(price, priceDecimals),
            quantity,
            takerSide: "sell"
          })
        await trade(priceAt(at))
        const wick = isCrowded ? wickAt(at, base, priceAt) : null
        if (wick === null) continue
        const lasts = wicksLast[(at / wickEvery) % wicksLast.length] ?? 0
        await sleep(began + at + priceEvery - lasts - Date.now())
        await trade(wick)
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
