import { Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { VenueRejection } from "../VenueRejection.ts"
import * as Refusals from "../Refusals.ts"
import type { Listing } from "../MarketSource.ts"
import type { ApiRequest } from "./ApiRequest.ts"

export type Read<A> = Either.Either<A, VenueRejection>

const textOf = (request: ApiRequest, name: string): string | null => {
  const text = request.parameters.get(name)
  return text === undefined || text === "" ? null : text
}

export const optionalText = textOf

export const text = (request: ApiRequest, name: string): Read<string> =>
  Either.fromNullable(textOf(request, name), () => Refusals.parameterMissing(name))

const wrong = (name: string) => new VenueRejection({ code: 33333, text: `parameter error: ${name}` })

export const optionalDecimal = (request: ApiRequest, name: string): Read<Decimal.Decimal | null> => {
  const value = textOf(request, name)
  return value === null ? Either.right(null) : Either.mapLeft(Decimal.parse(value), () => wrong(name))
}

export const optionalInteger = (request: ApiRequest, name: string): Read<number | undefined> => {
  const value = textOf(request, name)
  if (value === null) return Either.right(undefined)
  return /^\d{1,15}$/.test(value) ? Either.right(Number(value)) : Either.left(wrong(name))
}

/** A pair of this exchange; judged before any other parameter. */
export const listedSymbol = (request: ApiRequest, listings: ReadonlyArray<Listing>): Read<string> =>
  Either.filterOrLeft(
    text(request, "symbol"),
    (symbol) => listings.some((listing) => listing.symbol === symbol),
    Refusals.invalidSymbol
  )

/** The venue caps a `limit` silently. */
export const limit = (request: ApiRequest, standard: number, most: number): Read<number> =>
  Either.flatMap(optionalInteger(request, "limit"), (value = standard) =>
    value > 0 ? Either.right(Math.min(value, most)) : Either.left(wrong("limit"))
  )

/** One of a fixed set of words, spelled as the venue spells them. */
export const choice = <A>(request: ApiRequest, name: string, choices: ReadonlyMap<string, A>): Read<A> =>
  Either.flatMap(text(request, name), (word) => Either.fromNullable(choices.get(word), () => wrong(name)))
