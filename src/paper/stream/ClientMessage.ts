import { Either, Schema } from "effect"
import { pongFrame } from "../../mexc/wire/Control.ts"

/** What a client asks for in a text frame. */
export interface ClientMessage {
  /** Upper case. */
  readonly method: string
  readonly params: ReadonlyArray<string>
  /** In digits: clock-made ids are longer than a JSON number of ours is exact. */
  readonly id: string
}

const Message = Schema.Struct({
  method: Schema.String,
  params: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))),
  id: Schema.optional(Schema.NullOr(Schema.Union(Schema.Number, Schema.String)))
})
const decodeMessage = Schema.decodeUnknownEither(Schema.parseJson(Message))

/** Clients write what they do not set as null, and ids as numbers or as digits in quotes. */
export const readMessage = (text: string): ClientMessage | null =>
  Either.match(decodeMessage(text), {
    onLeft: () => null,
    onRight: ({ id = null, method, params }) => {
      const digits =
        id === null ? "0" : typeof id === "number" && !Number.isSafeInteger(id) ? written(text) : String(id)
      return /^-?\d+$/.test(digits) ? { method: method.toUpperCase(), params: params ?? [], id: digits } : null
    }
  })

/** An id as the client wrote it. */
const written = (text: string): string => /"id"\s*:\s*(-?\d+)\s*[,}]/.exec(text)?.[1] ?? ""

/** An answer made for id 0, under the id of what it answers. */
export const underId = (id: string, frame: string): string => frame.replace(/^\{"id":0,/, `{"id":${id},`)

export const pong = ({ id }: ClientMessage): string => underId(id, pongFrame)
