import type { OrderType } from "../../domain/Market.ts"

export const venueSides = { buy: "BUY", sell: "SELL" } as const

export const venueOrderTypes = {
  market: "MARKET",
  limit: "LIMIT",
  limitMaker: "LIMIT_MAKER",
  immediateOrCancel: "IMMEDIATE_OR_CANCEL",
  fillOrKill: "FILL_OR_KILL"
} as const satisfies Record<OrderType, string>

const byName = new Map<string, OrderType>([
  ["MARKET", "market"],
  ["LIMIT", "limit"],
  ["LIMIT_MAKER", "limitMaker"],
  ["IMMEDIATE_OR_CANCEL", "immediateOrCancel"],
  ["FILL_OR_KILL", "fillOrKill"]
])

/** Undefined for kinds that only the web can place, such as STOP_MARKET_ORDER. */
export const orderTypeOf = (name: string): OrderType | undefined => byName.get(name)

const byNumber: ReadonlyArray<OrderType> = ["limit", "limitMaker", "immediateOrCancel", "fillOrKill", "market"]

/** The stream's numbers: 1 LIMIT … 5 MARKET; 100 and up are stop kinds. */
export const orderTypeOfNumber = (number: number): OrderType | undefined => byNumber[number - 1]

// Stop and one-cancels-other orders of the web.
const webNumbers = new Set([100, 101, 102])

export const isDocumentedNumber = (number: number): boolean =>
  orderTypeOfNumber(number) !== undefined || webNumbers.has(number)

// Kinds of the web and the app, which queries show and the API cannot place.
const webTypes = new Set(["STOP_MARKET_ORDER", "STOP_LIMIT_ORDER", "STOP_LIMIT", "STOP_MARKET"])

export const isDocumentedType = (name: string): boolean => byName.has(name) || webTypes.has(name)
