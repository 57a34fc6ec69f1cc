import { ExchangeRateLimited, ExchangeUnavailable, SymbolNotFound } from "../api/Errors.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { VenueFailure } from "../mexc/VenueFailure.ts"

export type ExchangeError = ExchangeUnavailable | ExchangeRateLimited
export type MarketError = SymbolNotFound | ExchangeError

export const symbolNotFound = (symbol: SymbolName): SymbolNotFound =>
  new SymbolNotFound({ message: `The venue does not list ${symbol}.` })

const rateLimited = (retryAfterMs: number): ExchangeRateLimited =>
  new ExchangeRateLimited({
    message: "The venue's request budget is used up; try again later.",
    retryable: true,
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000))
  })

/** What a failed question about the market means to the one who asked. */
export const exchangeError = (failure: VenueFailure): ExchangeError => {
  switch (failure._tag) {
    case "VenueRateLimited":
    case "BudgetUnavailable":
      return rateLimited(failure.retryAfterMs)
    case "VenueUnavailable":
      return new ExchangeUnavailable({ message: "The venue does not answer; try again later.", retryable: true })
    case "VenueRefused":
      return new ExchangeUnavailable({
        message: `The venue refused to answer: ${failure.message}`,
        retryable: false,
        ...(failure.code === undefined ? {} : { venue: { code: failure.code, message: failure.message } })
      })
  }
}

/** "Invalid symbol" in the venue's words. */
const unknownSymbolCodes = new Set([-1121, 30014, 30021])

/** The same where one symbol was asked about, which the venue may not know (any more). */
export const marketError =
  (symbol: SymbolName) =>
  (failure: VenueFailure): MarketError =>
    failure._tag === "VenueRefused" && failure.code !== undefined && unknownSymbolCodes.has(failure.code)
      ? symbolNotFound(symbol)
      : exchangeError(failure)
