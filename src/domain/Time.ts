import { Duration, Either, ParseResult, Schema } from "effect"

/** Milliseconds since 1970 (UTC). Inside the program every instant is one. */
export type Instant = number

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/

export const formatInstant = (at: Instant): string => new Date(at).toISOString()

/** RFC 3339 with milliseconds in UTC on the wire; any offset is read. */
export const Instant = Schema.transformOrFail(Schema.String, Schema.Number, {
  strict: true,
  decode: (text, _, ast) => {
    const at = rfc3339.test(text) ? Date.parse(text) : Number.NaN
    return Number.isNaN(at)
      ? ParseResult.fail(
          new ParseResult.Type(ast, text, `expected an RFC 3339 time such as "2026-03-01T09:00:00.000Z"`)
        )
      : ParseResult.succeed(at)
  },
  encode: (at) => ParseResult.succeed(formatInstant(at))
}).annotations({
  identifier: "Instant",
  jsonSchema: { type: "string", format: "date-time", examples: ["2026-03-01T09:00:00.000Z"] }
})

const iso8601 = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/
const unitSeconds = [604_800, 86_400, 3_600, 60, 1] as const
/** Long enough for any rule, short enough that sums of times stay exact. */
const maxSeconds = 10 * 366 * 86_400

/** Reads `PT10M`, `P1DT12H`, `P2W`. Months and years are refused: their length depends on the date. */
export const parseDuration = (text: string): Either.Either<Duration.Duration, string> => {
  const parts = iso8601.exec(text)
  const refused = Either.left(`expected an ISO 8601 duration such as "PT10M", "PT24H" or "P1D", at most ten years`)
  if (parts === null || text === "P" || text.endsWith("T")) return refused
  const seconds = unitSeconds.reduce((total, unit, i) => total + unit * Number(parts[i + 1] ?? 0), 0)
  return seconds > maxSeconds ? refused : Either.right(Duration.seconds(seconds))
}

/** Canonical text: days, hours, minutes and seconds, `PT0S` for none. */
export const formatDuration = (duration: Duration.Duration): string => {
  const total = Math.trunc(Duration.toSeconds(duration))
  const days = Math.trunc(total / 86_400)
  // A whole number of hours up to two days reads as hours, as traders write "24h".
  if (total > 0 && total <= 172_800 && total % 3_600 === 0) return `PT${total / 3_600}H`
  const hours = Math.trunc((total % 86_400) / 3_600)
  const minutes = Math.trunc((total % 3_600) / 60)
  const seconds = total % 60
  const time = (hours > 0 ? `${hours}H` : "") + (minutes > 0 ? `${minutes}M` : "") + (seconds > 0 ? `${seconds}S` : "")
  if (days === 0 && time === "") return "PT0S"
  return `P${days > 0 ? `${days}D` : ""}${time === "" ? "" : `T${time}`}`
}

/** ISO 8601 duration in whole seconds. */
export const IsoDuration = Schema.transformOrFail(Schema.String, Schema.DurationFromSelf, {
  strict: true,
  decode: (text, _, ast) => Either.mapLeft(parseDuration(text), (message) => new ParseResult.Type(ast, text, message)),
  encode: (duration) => ParseResult.succeed(formatDuration(duration))
}).annotations({ identifier: "IsoDuration", jsonSchema: { type: "string", examples: ["PT10M", "PT24H"] } })
