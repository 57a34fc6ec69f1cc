import { Effect } from "effect"
import type { Instant } from "../../domain/Time.ts"
import { type Channel, parseChannel } from "../../mexc/wire/Channels.ts"
import { acceptedFrame, refusedFrame } from "../../mexc/wire/Control.ts"
import { type ClientMessage, pong, readMessage, underId } from "./ClientMessage.ts"
import { type Connection, maxSubscriptions } from "./Connection.ts"
import type { PrivatePushes } from "./PrivatePushes.ts"
import type { PublicChannel } from "./Topic.ts"
import type { Topics } from "./Topics.ts"

/** What a client's text message is answered with; subscriptions change on the way. */
export type Conversation = (connection: Connection, text: string, now: Instant) => Effect.Effect<ReadonlyArray<string>>

/** The venue documents no answer to what it does not understand; this one names the fault as its others do. */
const malformedFrame = JSON.stringify({ id: 0, code: 0, msg: "Msg format invalid" })

export interface Parties {
  readonly topics: Topics
  readonly privately: PrivatePushes
  /** The pairs that exist now. */
  readonly symbols: Effect.Effect<ReadonlySet<string>>
}

export const makeConversation = ({ privately, symbols, topics }: Parties): Conversation => {
  const join = (connection: Connection, name: string, listed: ReadonlySet<string>, now: Instant): boolean => {
    if (connection.channels.has(name)) return true
    const channel = parseChannel(name)
    if (channel === null || connection.channels.size >= maxSubscriptions) return false
    if ("symbol" in channel && !listed.has(channel.symbol)) return false
    if (isPublic(channel)) topics.join(name, channel, connection, now)
    else if (connection.accountId === null) return false
    else privately.join(connection.accountId, connection)
    connection.subscribe(name)
    return true
  }

  /** Accepted and refused channels of one request are answered apart. */
  const subscribe = (connection: Connection, { id, params }: ClientMessage, now: Instant) =>
    Effect.map(symbols, (listed) => {
      const accepted: Array<string> = []
      const refused: Array<string> = []
      for (const name of params) (join(connection, name, listed, now) ? accepted : refused).push(name)
      return [
        ...(accepted.length > 0 ? [underId(id, acceptedFrame(0, accepted))] : []),
        ...(refused.length > 0 ? [underId(id, refusedFrame(0, refused))] : [])
      ]
    })

  const unsubscribe = (connection: Connection, { id, params }: ClientMessage, now: Instant) =>
    Effect.sync(() => {
      for (const name of params) {
        connection.unsubscribe(name, now)
        topics.leave(name, connection)
      }
      return [underId(id, acceptedFrame(0, params))]
    })

  return (connection, text, now) => {
    const message = readMessage(text)
    if (message === null) return Effect.succeed([malformedFrame])
    const { method, params } = message
    if (method === "PING") return Effect.succeed([pong(message)])
    if (method === "SUBSCRIPTION" && params.length > 0) return subscribe(connection, message, now)
    if (method === "UNSUBSCRIPTION" && params.length > 0) return unsubscribe(connection, message, now)
    return Effect.succeed([malformedFrame])
  }
}

const isPublic = (channel: Channel): channel is PublicChannel => !channel.kind.startsWith("private")
