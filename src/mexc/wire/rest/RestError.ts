import { Option, Schema } from "effect"
import { isSuccessCode } from "../Codes.ts"

/** What a failing call says: `msg` mostly, `message` during maintenance, `data` on old paths. */
export interface VenueError {
  readonly code: number
  readonly message: string
}

const ErrorBody = Schema.Struct({
  code: Schema.Union(Schema.Int, Schema.NumberFromString.pipe(Schema.int())),
  msg: Schema.optional(Schema.Unknown),
  message: Schema.optional(Schema.Unknown),
  data: Schema.optional(Schema.Unknown)
})

const decodeBody = Schema.decodeUnknownOption(ErrorBody)
const longestMessage = 300

/** The error in a decoded body, also in one that came with HTTP 200; none in a success. */
export const readError = (body: unknown): Option.Option<VenueError> =>
  Option.filterMap(decodeBody(body), ({ code, data, message, msg }) => {
    if (isSuccessCode(code)) return Option.none()
    const said = [msg, message, data].find((text) => typeof text === "string" && text !== "")
    return Option.some({
      code,
      message: typeof said === "string" ? said.slice(0, longestMessage) : `venue code ${code}`
    })
  })
