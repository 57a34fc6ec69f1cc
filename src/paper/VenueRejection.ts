import { Schema } from "effect"

/** The exchange refuses a call the way the venue does: a number to decide on and a text to show. */
export class VenueRejection extends Schema.TaggedError<VenueRejection>()("VenueRejection", {
  code: Schema.Int,
  text: Schema.String,
  status: Schema.optionalWith(Schema.Int, { default: () => 400 })
}) {
  override get message() {
    return `${this.code}: ${this.text}`
  }
}

/** The named refusals; codes and texts as the venue writes them where they are recorded. */
export const invalidSymbol = () => new VenueRejection({ code: -1121, text: "Invalid symbol." })
export const unknownOrderOnCancel = () => new VenueRejection({ code: -2011, text: "Unknown order sent." })
export const unknownOrderOnQuery = () => new VenueRejection({ code: -2013, text: "Order does not exist." })
export const symbolNotTradable = () => new VenueRejection({ code: 10007, text: "symbol not support api" })
export const parameterMissing = (name: string) =>
  new VenueRejection({
    code: 700004,
    text: `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`
  })
export const parametersDoNotCombine = () =>
  new VenueRejection({ code: -1128, text: "Combination of optional parameters invalid." })
export const parameterWrong = (text: string) => new VenueRejection({ code: 400, text })
export const illegalCharacters = (name: string) =>
  new VenueRejection({ code: 700008, text: `Illegal characters found in parameter '${name}'.` })
export const tooManyDecimals = (name: string) =>
  new VenueRejection({ code: 400, text: `${name} has too many decimals` })
export const belowMinimum = (minimum: string, asset: string) =>
  new VenueRejection({ code: 30002, text: `The minimum transaction volume cannot be less than：${minimum}${asset}` })
export const aboveMaximum = (maximum: string, asset: string) =>
  new VenueRejection({ code: 30003, text: `The maximum transaction volume cannot be greater than：${maximum}${asset}` })
export const outsideBand = () => new VenueRejection({ code: 30087, text: "Order price exceeds allowed range" })
export const emptyBook = () => new VenueRejection({ code: 30025, text: "No opponent order" })
export const tooManyOpenOrders = () =>
  new VenueRejection({ code: 30027, text: "The number of open orders reached the limit of 500" })
export const insufficientBalance = () => new VenueRejection({ code: 10101, text: "Insufficient balance" })
export const oversold = () => new VenueRejection({ code: 30005, text: "Oversold" })
/** The venue documents no code for it; 603 "repeated request" says that an order under this id was already placed. */
export const duplicateClientOrderId = () =>
  new VenueRejection({ code: 603, text: "Repeated request: an order with this client order id was already placed" })
