import { Effect } from "effect"
import { privateAccount, privateDeals, privateOrders } from "../../mexc/wire/Channels.ts"
import { encodeFrame } from "../../mexc/wire/Stream.ts"
import type { Connection } from "./Connection.ts"
import type { Delivery } from "./Delivery.ts"
import { type PrivateEvent, privateFrame } from "./PrivateFrames.ts"

const channelOf = { order: privateOrders, deal: privateDeals, balance: privateAccount } as const

/** Whose connections are told of an account's orders, deals and balances. */
export interface PrivatePushes {
  readonly join: (accountId: string, connection: Connection) => void
  readonly leave: (connection: Connection) => void
  /** Whether anybody listens for the account: most events are nobody's business and should cost nothing. */
  readonly hears: (accountId: string) => boolean
  readonly publish: (event: PrivateEvent, now: number) => Effect.Effect<void>
}

/** `isValid` tells whether a connection's listen key still lives: its end ends the pushes, without a word. */
export const makePrivatePushes = (
  delivery: Delivery,
  isValid: (connection: Connection) => Effect.Effect<boolean>
): PrivatePushes => {
  const byAccount = new Map<string, Set<Connection>>()

  return {
    join: (accountId, connection) => {
      const readers = byAccount.get(accountId) ?? new Set()
      byAccount.set(accountId, readers.add(connection))
    },
    leave: (connection) => {
      for (const [accountId, readers] of byAccount) {
        readers.delete(connection)
        if (readers.size === 0) byAccount.delete(accountId)
      }
    },
    hears: (accountId) => byAccount.has(accountId),
    publish: Effect.fnUntraced(function* (event, now) {
      const readers = byAccount.get(event.accountId)
      if (readers === undefined) return
      const channel = channelOf[event.type]
      const symbol = event.type === "balance" ? null : event.type === "order" ? event.order.symbol : event.fill.symbol
      let bytes: Uint8Array | null = null
      for (const reader of readers) {
        if (!reader.channels.has(channel) || !(yield* isValid(reader))) continue
        bytes ??= encodeFrame(privateFrame(event))
        // The three channels keep one order: a deal follows the change of its order.
        delivery.push(reader, { bytes, channel, symbol, order: "private" }, now)
      }
    })
  }
}
