import type { Fault } from "../../../src/paper/faults/Fault.ts"
import { credentials, symbol } from "./world.ts"

/** A fault as it is planned over the wire. */
type Planned = typeof Fault.Encoded

export interface FaultCase {
  readonly name: string
  readonly faults: ReadonlyArray<Planned>
  /** Orders of which our side may know nothing at the end, because the exchange never saw them. */
  readonly lost?: number
  /** Happens when everything else is done: it stops the client for a minute. */
  readonly atEnd?: true
}

const { accessKey } = credentials
const order = { method: "POST", path: "/api/v3/order" } as const
const question = { method: "GET", path: "/api/v3/*" } as const
const privately = { channel: "spot@private" } as const

/** Orders and questions, and what the venue's clock and rules do to them. */
export const requestCases: ReadonlyArray<FaultCase> = [
  { name: "requests lost on their way", faults: [{ type: "dropBeforeBooking", count: 2 }], lost: 2 },
  { name: "answers lost on their way back", faults: [{ type: "dropAfterBooking", count: 3 }] },
  { name: "late answers", faults: [{ type: "delayAnswer", count: 3, delayMs: 1_500 }] },
  { name: "an answer after the client has given up", faults: [{ type: "delayAnswer", count: 1, delayMs: 12_000 }] },
  { name: "an order that is taken late", faults: [{ type: "delayAnswer", count: 1, delayMs: 12_000, when: "before" }] },
  { name: "an order that arrives when it is too late", faults: [{ type: "stall", ...order, seconds: 7 }] },
  {
    name: "questions that arrive together, after they were given up",
    faults: [{ type: "stall", ...question, seconds: 7 }]
  },
  { name: "an order that is never answered", faults: [{ type: "halfOpen", ...order, when: "after" }] },
  { name: "an order that never arrives", faults: [{ type: "halfOpen", ...order, when: "before" }], lost: 1 },
  { name: "questions that are never answered", faults: [{ type: "halfOpen", ...question, count: 2 }] },
  { name: "500 after an order was booked", faults: [{ type: "serverError", ...order, count: 2 }] },
  {
    name: "503 before an order was booked",
    faults: [{ type: "serverError", ...order, status: 503, when: "before" }],
    lost: 1
  },
  { name: "502 to questions", faults: [{ type: "serverError", ...question, status: 502, count: 4 }] },
  { name: "HTML instead of an acknowledgement", faults: [{ type: "htmlBody", ...order, count: 2 }] },
  { name: "HTML instead of answers", faults: [{ type: "htmlBody", ...question, count: 4 }] },
  { name: "half an acknowledgement", faults: [{ type: "truncatedBody", ...order, count: 2 }] },
  { name: "answers that break off", faults: [{ type: "truncatedBody", ...question, closed: true, count: 4 }] },
  { name: "ten megabytes instead of an acknowledgement", faults: [{ type: "hugeBody", ...order }] },
  { name: "ten megabytes instead of answers", faults: [{ type: "hugeBody", ...question, count: 2 }] },
  { name: "429 to an order", faults: [{ type: "rateLimited", ...order, seconds: 1, count: 2 }] },
  { name: "429 to questions", faults: [{ type: "rateLimited", ...question, seconds: 1, count: 2 }] },
  { name: "a ban", faults: [{ type: "banned", seconds: 2 }] },
  { name: "the firewall's page", faults: [{ type: "firewall", count: 5 }], atEnd: true },
  { name: "maintenance", faults: [{ type: "maintenance", ...order }], lost: 1 },
  { name: "maintenance of the questions", faults: [{ type: "maintenance", ...question, count: 2 }] },
  { name: "orders nobody can see yet", faults: [{ type: "orderInvisible", seconds: 4, count: 3 }] },
  {
    name: "invisible orders whose answers were lost",
    faults: [
      { type: "orderInvisible", seconds: 4, count: 2 },
      { type: "dropAfterBooking", count: 2 }
    ]
  },
  { name: "a refused order", faults: [{ type: "rejectOrder", code: 30005 }] },
  { name: "partial fills", faults: [{ type: "partialFill", fraction: "0.4", count: 3 }] },
  { name: "a clock eight seconds ahead", faults: [{ type: "clockOffset", ms: 8_000 }] },
  { name: "a clock eight seconds behind", faults: [{ type: "clockOffset", ms: -8_000 }] },
  { name: "a clock that runs away", faults: [{ type: "clockDrift", ppm: 100_000 }] }
]

/** Pushes and connections, and what happens at the venue without us. */
export const streamCases: ReadonlyArray<FaultCase> = [
  { name: "pushes twice", faults: [{ type: "duplicatePush", ...privately, count: 12 }] },
  { name: "pushes out of order", faults: [{ type: "reorderPush", ...privately, count: 4 }] },
  { name: "missing pushes about orders", faults: [{ type: "missingPush", channel: "spot@private.orders", count: 6 }] },
  { name: "missing pushes about fills", faults: [{ type: "missingPush", channel: "spot@private.deals", count: 4 }] },
  {
    name: "missing pushes about balances",
    faults: [{ type: "missingPush", channel: "spot@private.account", count: 4 }]
  },
  { name: "missing prices", faults: [{ type: "missingPush", channel: "spot@public", count: 20 }] },
  { name: "late pushes", faults: [{ type: "latePush", ...privately, delayMs: 2_000, count: 6 }] },
  { name: "a silent private stream", faults: [{ type: "silentStream", ...privately, seconds: 30 }] },
  { name: "a half-open private stream", faults: [{ type: "halfOpenStream", ...privately }] },
  { name: "a half-open price stream", faults: [{ type: "halfOpenStream", channel: "spot@public" }] },
  { name: "a stream that ends again and again", faults: [{ type: "dropStream", count: 3 }] },
  { name: "a listen key that dies", faults: [{ type: "listenKeyDeath", account: accessKey }] },
  { name: "a halt of the pair", faults: [{ type: "symbolHalt", symbol, seconds: 2 }] },
  { name: "another minimum", faults: [{ type: "filterChange", symbol, change: { minNotional: "65" } }] },
  { name: "a balance that grows from outside", faults: [{ type: "balanceChange", asset: "USDT", amount: "7.5" }] },
  { name: "a balance that shrinks from outside", faults: [{ type: "balanceChange", asset: "USDT", amount: "-7.5" }] },
  {
    name: "orders of the user's other programs",
    faults: [
      { type: "foreignOrder", symbol, side: "buy", orderType: "market", quoteAmount: "33" },
      { type: "foreignOrder", symbol, side: "sell", orderType: "limit", quantity: "0.001", price: "1000000" }
    ]
  }
]

/** Every type of the catalogue. */
export const faultCases: ReadonlyArray<FaultCase> = [...requestCases, ...streamCases]
