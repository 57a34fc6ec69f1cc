import { Schema } from "effect"
import { TextOr } from "./Fields.ts"

/** The venue's JSON text frames: subscriptions, acknowledgements, pings. */

/** Its `id` and `code` decide nothing, so nothing is demanded of them. */
export const ControlAnswer = Schema.Struct({ msg: TextOr("") })
export interface ControlAnswer extends Schema.Schema.Type<typeof ControlAnswer> {}

/** For the client's side; `Invalid listen key` is not JSON and fails here. */
export const decodeControlAnswer = Schema.decodeUnknownEither(Schema.parseJson(ControlAnswer))

export const invalidListenKeyText = "Invalid listen key"

export const subscribeFrame = (channels: ReadonlyArray<string>, id: number): string =>
  JSON.stringify({ method: "SUBSCRIPTION", params: channels, id })

export const unsubscribeFrame = (channels: ReadonlyArray<string>, id: number): string =>
  JSON.stringify({ method: "UNSUBSCRIPTION", params: channels, id })

export const pingFrame = JSON.stringify({ method: "PING" })

export const pongFrame = JSON.stringify({ id: 0, code: 0, msg: "PONG" })

/** `code` is 0 for acceptance and refusal alike; only `msg` tells them apart. */
export const acceptedFrame = (id: number, channels: ReadonlyArray<string>): string =>
  JSON.stringify({ id, code: 0, msg: channels.join(",") })

/** The colon is full-width (U+FF1A) and the trailing blank is real. */
export const refusedFrame = (id: number, channels: ReadonlyArray<string>): string =>
  JSON.stringify({ id, code: 0, msg: `Not Subscribed successfully! [${channels.join(",")}].  Reason： Blocked! ` })

const refusal = /^Not Subscribed successfully! \[(.*?)\]/

/** Which of the channels asked for an answer accepts and refuses; null when it is about something else. */
export const readAcknowledgement = (
  answer: ControlAnswer
): { readonly accepted: ReadonlyArray<string>; readonly refused: ReadonlyArray<string> } | null => {
  const named = (list: string) =>
    list
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "")
  const refused = refusal.exec(answer.msg)
  if (refused !== null) return { accepted: [], refused: named(refused[1] ?? "") }
  return answer.msg.startsWith("spot@") ? { accepted: named(answer.msg), refused: [] } : null
}
