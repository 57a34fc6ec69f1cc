import { type Context, Effect, Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Pair } from "../engine/Pair.ts"
import type { Exchange } from "../Exchange.ts"
import * as Refusals from "../Refusals.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { ApiRequest } from "./ApiRequest.ts"

export type Read<A> = Either.Either<A, VenueRejection>

const textOf = (request: ApiRequest, name: string): string | null => {
  const text = request.parameters.get(name)
  return text === undefined || text === "" ? null : text
}

export const optionalText = textOf

export const text = (request: ApiRequest, name: string): Read<string> =>
  Either.fromNullable(textOf(request, name), () => Refusals.parameterMissing(name))

export const optionalDecimal = (request: ApiRequest, name: string): Read<Decimal.Decimal | null> => {
  const value = textOf(request, name)
  return value === null ? Either.right(null) : Either.mapLeft(Decimal.parse(value), () => Refusals.parameterWrong(name))
}

/** An amount that must be there and above zero. */
export const amount = (request: ApiRequest, name: string): Read<Decimal.Decimal> =>
  Either.flatMap(optionalDecimal(request, name), (value) => {
    if (value === null) return Either.left(Refusals.parameterMissing(name))
    return Decimal.isPositive(value) ? Either.right(value) : Either.left(Refusals.notPositive(name))
  })

export const optionalInteger = (request: ApiRequest, name: string): Read<number | undefined> => {
  const value = textOf(request, name)
  if (value === null) return Either.right(undefined)
  return /^\d{1,15}$/.test(value) ? Either.right(Number(value)) : Either.left(Refusals.parameterWrong(name))
}

/** A pair of this exchange as it stands now; judged before any other parameter. */
export const pair = (
  request: ApiRequest,
  exchange: Pick<Context.Tag.Service<typeof Exchange>, "pairs">
): Effect.Effect<Pair, VenueRejection> =>
  Effect.flatMap(text(request, "symbol"), (symbol) =>
    Effect.flatMap(exchange.pairs, (pairs) =>
      Either.fromNullable(
        pairs.find(({ listed, listing }) => listed && listing.symbol === symbol),
        Refusals.invalidSymbol
      )
    )
  )

/** The name of such a pair. */
export const symbol = (request: ApiRequest, exchange: Pick<Context.Tag.Service<typeof Exchange>, "pairs">) =>
  Effect.map(pair(request, exchange), ({ listing }) => listing.symbol)

/** The venue caps a `limit` silently. */
export const limit = (request: ApiRequest, standard: number, most: number, name = "limit"): Read<number> =>
  Either.flatMap(optionalInteger(request, name), (value = standard) =>
    value > 0 ? Either.right(Math.min(value, most)) : Either.left(Refusals.parameterWrong(name))
  )

/** One of a fixed set of words, spelled as the venue spells them. */
export const choice = <A>(request: ApiRequest, name: string, choices: ReadonlyMap<string, A>): Read<A> =>
  Either.flatMap(text(request, name), (word) =>
    Either.fromNullable(choices.get(word), () => Refusals.parameterWrong(name))
  )

/** A time window that was asked for, `standard` long unless it says otherwise, reaching back no further than `reach`. */
export const window = (
  request: ApiRequest,
  now: number,
  { reach, standard }: { readonly reach: number; readonly standard: number }
): Read<{ readonly from: number; readonly to: number }> =>
  Either.gen(function* () {
    const from = yield* optionalInteger(request, "startTime")
    const to = (yield* optionalInteger(request, "endTime")) ?? Math.max(now, from ?? 0)
    if (from !== undefined && from > to) return yield* Either.left(Refusals.timesReversed())
    return { from: Math.max(from ?? to - standard, now - reach), to }
  })
