import type { Quota } from "./RateLimiter.ts"
import type { RateClass } from "./traffic.ts"

/** What the classes below are made for; a service that allows more in all allows as much more in each. */
const usualPerMinute = 600

export const overall = (perMinute: number): Quota => ({
  name: "default",
  requests: perMinute,
  windowSeconds: 60
})

/**
 * Per user and class. A page that opens, a script that sets up its rules and one that clears its orders all fit in at
 * once; what is refused is a loop. As many rules at once as a user may keep unless set otherwise.
 */
const usual: Readonly<Record<RateClass, Quota>> = {
  market: { name: "market", requests: 60, windowSeconds: 3 },
  account: { name: "account", requests: 60, windowSeconds: 6 },
  orders: { name: "orders", requests: 30, windowSeconds: 6 },
  edits: { name: "edits", requests: 500, windowSeconds: 500 },
  secrets: { name: "secrets", requests: 10, windowSeconds: 20 },
  stops: { name: "stops", requests: 600, windowSeconds: 60 }
}

export const quotaOf = (name: RateClass, perMinute: number): Quota => {
  const { requests, windowSeconds } = usual[name]
  return { name, requests: Math.ceil(requests * Math.max(1, perMinute / usualPerMinute)), windowSeconds }
}
