import { Either, Option } from "effect"
import { meaningOf } from "./wire/Codes.ts"
import { parseJson } from "./wire/rest/ExactJson.ts"
import { readError, type VenueError } from "./wire/rest/RestError.ts"
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

/** Seconds, or the moment as HTTP writes it. */
const waitOf = (retryAfter: string, now: number): number =>
  /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now

const pauseOf = ({ now, reply }: Answered, fallback: number): number => {
  const wait = reply.retryAfter === undefined ? 0 : waitOf(reply.retryAfter, now)
  return wait > 0 ? Math.min(wait, longestPauseMs) : fallback
}

interface Answered {
  readonly reply: Reply
  readonly now: number
}

const rateLimited = (answered: Answered, message: string, fallback: number, code?: number) =>
  new VenueRateLimited({
    message,
    httpStatus: answered.reply.status,
    retryAfterMs: pauseOf(answered, fallback),
    ...(code === undefined ? {} : { code })
  })

/** Nothing but the status says what happened: a firewall page, a proxy's HTML, an empty body. */
const withoutCode = (answered: Answered) => {
  const { reply } = answered
  switch (reply.status) {
    case 401:
      return new VenueRefused({ message: "The venue refused the key.", kind: "auth", httpStatus: 401 })
    case 403:
      return rateLimited(answered, "The venue's firewall refused the request.", pauseByStatus.firewall)
    default:
      return new VenueUnavailable({
        message: `The venue answered ${reply.status} without an error code.`,
        httpStatus: reply.status
      })
  }
}

const withCode = (answered: Answered, { code, message }: VenueError) => {
  const { reply } = answered
  const { class: kind } = meaningOf(code)
  if (code === 403) return rateLimited(answered, message, pauseByStatus.firewall, code)
  if (kind === "rate") return rateLimited(answered, message, pauseByStatus.rate, code)
  // A gateway's error proves nothing, whatever code it repeats.
  if (kind === "venue" || reply.status >= 500) return new VenueUnavailable({ message, code, httpStatus: reply.status })
  return new VenueRefused({ message, code, kind, httpStatus: reply.status })
}

/** What a code means where it stands alone, in an item of an answer that came with HTTP 200. */
export const failureOf = ({ code, message }: VenueError, scrub: (text: string) => string) =>
  withCode({ reply: { status: 200, retryAfter: undefined, text: "" }, now: 0 }, { code, message: scrub(message) })

/**
 * The JSON of a success, or what the venue's answer means. Decided on codes; texts may be Chinese, and pass `scrub`
 * because a gateway may repeat the request it refuses.
 */
export const readReply = (
  reply: Reply,
  scrub: (text: string) => string,
  now: number
): Either.Either<unknown, VenueRefused | VenueRateLimited | VenueUnavailable> => {
  const answered = { reply, now }
  const body = parseJson(reply.text)
  const error = Option.map(Option.flatMap(body, readError), ({ code, message }) => ({ code, message: scrub(message) }))
  const message = Option.match(error, {
    onNone: () => "The venue limits its requests.",
    onSome: (said) => said.message
  })
  if (reply.status === 418) return Either.left(rateLimited(answered, message, pauseByStatus.ban))
  if (reply.status === 429) return Either.left(rateLimited(answered, message, pauseByStatus.rate))
  if (Option.isSome(error)) return Either.left(withCode(answered, error.value))
  if (reply.status < 200 || reply.status >= 300) return Either.left(withoutCode(answered))
  return Either.fromOption(
    body,
    () => new VenueUnavailable({ message: "The venue's answer is not JSON.", httpStatus: reply.status })
  )
}
