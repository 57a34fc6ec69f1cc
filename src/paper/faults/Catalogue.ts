import type { FaultType } from "./Fault.ts"

/**
 * What a fault without `path` and `method` applies to: requests that place orders, any request of the venue's protocol,
 * pushes and connections of the stream. Those of the venue happen when they are planned, or, with a `path`, `method` or
 * `probability`, at a request.
 */
export type Reach = "orders" | "requests" | "stream" | "venue"

export interface Entry {
  readonly about: string
  readonly reach: Reach
  /** Happens every time until cleared, unless counted. */
  readonly always?: true
  /** Parameters beside the selectors. */
  readonly parameters: Readonly<Record<string, string>>
}

const when = (standard: string) => `before|after the request has taken effect, default ${standard}`
const forSeconds = "seconds until it ends by itself, default until cleared"

export const catalogue: Readonly<Record<FaultType, Entry>> = {
  dropBeforeBooking: { about: "the connection ends, nothing was done", reach: "orders", parameters: {} },
  dropAfterBooking: { about: "the connection ends after the order was booked", reach: "orders", parameters: {} },
  delayAnswer: {
    about: "the answer comes late",
    reach: "orders",
    parameters: { delayMs: "0–600000, default 1000", when: when("after") }
  },
  stall: {
    about: "what is sent meanwhile arrives together at the end, whether its sender still waits or not",
    reach: "requests",
    parameters: { seconds: "0–60, default 5" }
  },
  halfOpen: {
    about: "the request is taken and never answered",
    reach: "requests",
    parameters: { when: when("before") }
  },
  serverError: {
    about: "5xx with a JSON body",
    reach: "requests",
    parameters: { status: "500–599, default 500", when: when("after") }
  },
  htmlBody: {
    about: "an HTML page instead of JSON",
    reach: "requests",
    parameters: { status: "200–599, default 200", when: when("after") }
  },
  truncatedBody: {
    about: "half of the body",
    reach: "requests",
    parameters: {
      when: when("after"),
      closed: "true: the header promises the whole body and the connection ends, default false"
    }
  },
  hugeBody: {
    about: "a JSON text of this size instead of the answer",
    reach: "requests",
    parameters: { when: when("after"), bytes: "1024–100000000, default 10485760" }
  },
  rateLimited: { about: "429 with Retry-After", reach: "requests", parameters: { seconds: "default 10" } },
  banned: { about: "418 with Retry-After", reach: "requests", parameters: { seconds: "default 120" } },
  firewall: { about: "403 with the firewall's page", reach: "requests", parameters: {} },
  maintenance: { about: "the venue's maintenance answer", reach: "requests", parameters: {} },
  orderInvisible: {
    about: "a placed order and its fills are missing in queries for a while",
    reach: "orders",
    parameters: { seconds: "default 3" }
  },
  rejectOrder: {
    about: "an order is refused with this code",
    reach: "orders",
    parameters: { code: "required", text: "default as the exchange words it, if it does" }
  },
  partialFill: {
    about: "at most this part of an order is filled at once; the rest rests or is cancelled",
    reach: "orders",
    parameters: { fraction: "above 0 and below 1, required" }
  },
  clockOffset: {
    about: "the venue's clock is ahead (or behind), in /api/v3/time and in signature checks",
    reach: "requests",
    always: true,
    parameters: { ms: "-86400000–86400000, required" }
  },
  clockDrift: {
    about: "the venue's clock runs away from the time of planning on",
    reach: "requests",
    always: true,
    parameters: { ppm: "-100000–100000 microseconds per second, required" }
  },
  duplicatePush: { about: "a push comes twice", reach: "stream", parameters: {} },
  reorderPush: { about: "a push comes after the next one", reach: "stream", parameters: {} },
  missingPush: { about: "a push does not come", reach: "stream", parameters: {} },
  latePush: { about: "a push comes late", reach: "stream", parameters: { delayMs: "0–600000, default 1000" } },
  silentStream: {
    about: "a connection gets nothing, not even answers to pings",
    reach: "stream",
    parameters: { seconds: "default 30" }
  },
  halfOpenStream: { about: "a connection goes on, but nothing passes any more", reach: "stream", parameters: {} },
  dropStream: { about: "a connection ends", reach: "stream", parameters: {} },
  listenKeyDeath: {
    about: "listen keys die; their connections get no more private pushes, without a word",
    reach: "venue",
    parameters: {}
  },
  symbolHalt: {
    about: "the symbol is paused: its orders are refused with 30000",
    reach: "venue",
    parameters: { seconds: forSeconds }
  },
  filterChange: {
    about: "the symbol's listing and filters change",
    reach: "venue",
    parameters: { change: "as POST /paper/v1/pairs takes it, required", seconds: forSeconds }
  },
  balanceChange: {
    about: "a balance changes from outside; every account's without `account`",
    reach: "venue",
    parameters: { asset: "required", amount: "signed, required" }
  },
  foreignOrder: {
    about: "an account's owner places an order elsewhere; every account's without `account`",
    reach: "venue",
    parameters: {
      side: "buy|sell, required",
      orderType: "limit|market, default limit",
      quantity: "decimal",
      quoteAmount: "decimal, market orders only",
      price: "decimal, limit orders only",
      clientOrderId: "default none"
    }
  }
}
