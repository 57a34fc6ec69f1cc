import { Either } from "effect"
import type { Instant } from "../../domain/Time.ts"
import { type Channel, parseChannel } from "../../mexc/wire/Channels.ts"
import {
  acceptedFrame,
  type ControlRequest,
  decodeControlRequest,
  pongFrame,
  refusedFrame
} from "../../mexc/wire/Control.ts"
import { type Connection, maxSubscriptions } from "./Connection.ts"
import type { Topics } from "./Topics.ts"

/** What a client's text message is answered with; subscriptions change on the way. */
export type Conversation = (connection: Connection, text: string, now: Instant) => ReadonlyArray<string>

/** The venue documents no answer to what it does not understand; this one names the fault as its others do. */
const malformedFrame = JSON.stringify({ id: 0, code: 0, msg: "Msg format invalid" })

export const makeConversation = (topics: Topics, symbols: ReadonlySet<string>): Conversation => {
  const mayRead = (connection: Connection, channel: Channel): boolean =>
    "symbol" in channel ? symbols.has(channel.symbol) : connection.accountId !== null

  const join = (connection: Connection, name: string): boolean => {
    if (connection.channels.has(name)) return true
    const channel = parseChannel(name)
    if (channel === null || connection.channels.size >= maxSubscriptions) return false
    if (!mayRead(connection, channel)) return false
    connection.subscribe(name)
    if ("symbol" in channel) topics.join(name, channel, connection)
    return true
  }

  /** Accepted and refused channels of one request are answered apart. */
  const subscribe = (connection: Connection, { id, params }: ControlRequest): ReadonlyArray<string> => {
    const accepted = params.filter((name) => join(connection, name))
    const refused = params.filter((name) => !accepted.includes(name))
    return [
      ...(accepted.length > 0 ? [acceptedFrame(id, accepted)] : []),
      ...(refused.length > 0 ? [refusedFrame(id, refused)] : [])
    ]
  }

  const unsubscribe = (connection: Connection, { id, params }: ControlRequest, now: Instant): ReadonlyArray<string> => {
    for (const name of params) {
      connection.unsubscribe(name, now)
      topics.leave(name, connection)
    }
    return [acceptedFrame(id, params)]
  }

  return (connection, text, now) => {
    const decoded = decodeControlRequest(text)
    if (Either.isLeft(decoded)) return [malformedFrame]
    const request = decoded.right
    const method = request.method.toUpperCase()
    if (method === "PING") return [pongFrame]
    if (method === "SUBSCRIPTION" && request.params.length > 0) return subscribe(connection, request)
    if (method === "UNSUBSCRIPTION" && request.params.length > 0) return unsubscribe(connection, request, now)
    return [malformedFrame]
  }
}
