import { Either, Option } from "effect"
import { meaningOf } from "./wire/Codes.ts"
import { readError, type VenueError } from "./wire/RestError.ts"
import { VenueRateLimited, VenueRefused, VenueUnavailable } from "./VenueFailure.ts"

/** A complete HTTP answer, not yet understood. */
export interface Reply {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
}

/** Without Retry-After: 429 asks for at least ten seconds, a ban lasts at least two minutes, the firewall is odd. */
const pauseByStatus = { rate: 10_000, ban: 120_000, firewall: 60_000 } as const
/** The longest ban the venue documents. */
const longestPauseMs = 3 * 86_400_000

const pauseOf = (reply: Reply, fallback: number): number => {
  const seconds = /^\d{1,9}$/.test(reply.retryAfter ?? "") ? Number(reply.retryAfter) : 0
  return seconds > 0 ? Math.min(seconds * 1_000, longestPauseMs) : fallback
}

const rateLimited = (reply: Reply, message: string, fallback: number, code?: number) =>
  new VenueRateLimited({
    message,
    httpStatus: reply.status,
    retryAfterMs: pauseOf(reply, fallback),
    ...(code === undefined ? {} : { code })
  })

/** Nothing but the status says what happened: a firewall page, a proxy's HTML, an empty body. */
const withoutCode = (reply: Reply) => {
  switch (reply.status) {
    case 401:
      return new VenueRefused({ message: "The venue refused the key.", kind: "auth", httpStatus: 401 })
    case 403:
      return rateLimited(reply, "The venue's firewall refused the request.", pauseByStatus.firewall)
    default:
      return new VenueUnavailable({
        message: `The venue answered ${reply.status} without an error code.`,
        httpStatus: reply.status
      })
  }
}

const withCode = (reply: Reply, { code, message }: VenueError) => {
  const { class: kind } = meaningOf(code)
  if (code === 403) return rateLimited(reply, message, pauseByStatus.firewall, code)
  if (kind === "rate") return rateLimited(reply, message, pauseByStatus.rate, code)
  // A gateway's error proves nothing, whatever code it repeats.
  if (kind === "venue" || reply.status >= 500) return new VenueUnavailable({ message, code, httpStatus: reply.status })
  return new VenueRefused({ message, code, kind, httpStatus: reply.status })
}

const parseJson = (text: string): Option.Option<unknown> =>
  Option.liftThrowable((raw: string): unknown => JSON.parse(raw))(text)

/**
 * The JSON of a success, or what the venue's answer means. Decided on codes; texts may be Chinese, and pass `scrub`
 * because a gateway may repeat the request it refuses.
 */
export const readReply = (
  reply: Reply,
  scrub: (text: string) => string
): Either.Either<unknown, VenueRefused | VenueRateLimited | VenueUnavailable> => {
  const body = parseJson(reply.text)
  const error = Option.map(Option.flatMap(body, readError), ({ code, message }) => ({ code, message: scrub(message) }))
  const message = Option.match(error, {
    onNone: () => "The venue limits its requests.",
    onSome: (said) => said.message
  })
  if (reply.status === 418) return Either.left(rateLimited(reply, message, pauseByStatus.ban))
  if (reply.status === 429) return Either.left(rateLimited(reply, message, pauseByStatus.rate))
  if (Option.isSome(error)) return Either.left(withCode(reply, error.value))
  if (reply.status < 200 || reply.status >= 300) return Either.left(withoutCode(reply))
  return Either.fromOption(
    body,
    () => new VenueUnavailable({ message: "The venue's answer is not JSON.", httpStatus: reply.status })
  )
}
