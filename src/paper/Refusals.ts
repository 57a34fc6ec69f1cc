import { VenueRejection } from "./VenueRejection.ts"

export type Refusal = VenueRejection

const refusal = (code: number, text: string) => new VenueRejection({ code, text })

/** The exchange's refusals by name; codes and texts as the venue writes them where they are recorded. */
export const invalidSymbol = () => refusal(-1121, "Invalid symbol.")
export const unknownOrderOnCancel = () => refusal(-2011, "Unknown order sent.")
export const unknownOrderOnQuery = () => refusal(-2013, "Order does not exist.")
export const symbolNotForApi = () => refusal(10007, "symbol not support api")
export const symbolSuspended = () => refusal(30000, "symbol suspended")
export const marketOrdersDisabled = () => refusal(30019, "api market order is disabled")
export const orderTypeNotAllowed = () => refusal(30041, "current order type can not place order")
export const symbolPaused = () => refusal(30016, "Trading disabled")
export const sideNotAllowed = () => refusal(30001, "Current transaction direction is not allowed to place an order")
export const parameterMissing = (name: string) =>
  refusal(700004, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`)
export const parametersDoNotCombine = () => refusal(-1128, "Combination of optional parameters invalid.")
export const parameterWrong = (name: string) => refusal(33333, `parameter error: ${name}`)
/** 400 is the venue's generic input error; only the text tells which. */
export const inputWrong = (text: string) => refusal(400, text)
export const clientIdLength = () => inputWrong("the length of order id should between 1 and 32")
export const illegalCharacters = (name: string) => refusal(700008, `Illegal characters found in parameter '${name}'.`)
export const notPositive = (name: string) => refusal(10102, `${name} must be above zero`)
export const tooManyDecimals = (name: string) => refusal(10096, `${name} has too many decimals`)
export const belowMinimum = (minimum: string, asset: string) =>
  refusal(30002, `The minimum transaction volume cannot be less than：${minimum}${asset}`)
export const aboveMaximum = (maximum: string, asset: string) =>
  refusal(30029, `The maximum transaction volume cannot be greater than：${maximum}${asset}`)
export const outsideBand = () => refusal(30087, "Order price exceeds allowed range")
export const noTradePrice = () => refusal(30010, "no valid trade price")
export const noOpponent = () => refusal(30025, "no opponent order")
export const tooManyOpenOrders = () => inputWrong("the number of open orders cannot exceed 500")
export const insufficientBalance = () => refusal(10101, "Insufficient balance")
export const oversold = () => refusal(30005, "Oversold")
/** The venue documents no code for a reused id; 603 "repeated request" says that an order under it was already placed. */
export const clientIdUsed = () =>
  refusal(603, "Repeated request: an order with this client order id was already placed")
export const unknownKey = () => refusal(10072, "Api key info invalid")
export const keyInUse = () => refusal(10072, "the access key belongs to another account")
export const tooManyListenKeys = () => inputWrong("the number of listen keys cannot exceed 60")
export const unknownListenKey = () => inputWrong("listen key does not exist")

const worded = [
  oversold(),
  insufficientBalance(),
  symbolNotForApi(),
  symbolSuspended(),
  symbolPaused(),
  sideNotAllowed(),
  outsideBand()
]

/** How the exchange words a refusal with this code, when one is asked for by its code alone. */
export const wordingOf = (code: number): string =>
  worded.find((each) => each.code === code)?.text ?? "the order was refused"
export const timesReversed = () => inputWrong("startTime must not be later than endTime")
export const rangeTooWide = (days: number) => inputWrong(`The time range cannot exceed ${days} days`)
export const rangeTooEarly = (days: number) => inputWrong(`The start time cannot be earlier than ${days} days`)
export const recordUnknown = () => refusal(22222, "record does not exist")
export const currencyUnknown = () => refusal(10232, "currency does not exist")
export const amountWrong = (text: string) => refusal(10097, text)
export const transferNotSupported = () => refusal(10103, "this account transfer is not supported")
export const notOffered = () => refusal(730003, "Unsupported operation, please contact the customer service")
export const subAccountUnknown = () => refusal(140001, "sub account does not exist")
export const batchTooLong = (most: number) => inputWrong(`the number of orders in a batch cannot exceed ${most}`)
export const batchOfManySymbols = () => inputWrong("the orders of a batch must be of one symbol")
export const internalError = () => new VenueRejection({ code: 500, text: "Internal error", status: 500 })
export const userUnknown = () => refusal(10001, "user does not exist")
/** A mirror without its venue: what stands now is not known, so no answer pretends to know it. */
export const upstreamAway = () =>
  new VenueRejection({ code: 503, text: "the mirrored venue does not answer", status: 503 })
export const tooManyPairs = (most: number) =>
  new VenueRejection({ code: 503, text: `more than ${most} pairs of the mirrored venue are in use`, status: 503 })
