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
  readonly publish: (event: PrivateEvent, now: number) => void
}

export const makePrivatePushes = (delivery: Delivery): PrivatePushes => {
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
    publish: (event, now) => {
      const channel = channelOf[event.type]
      const symbol = event.type === "balance" ? null : event.type === "order" ? event.order.symbol : event.fill.symbol
      let bytes: Uint8Array | null = null
      for (const reader of byAccount.get(event.accountId) ?? []) {
        if (!reader.channels.has(channel)) continue
        bytes ??= encodeFrame(privateFrame(event))
        // The three channels keep one order: a deal follows the change of its order.
        delivery.push(reader, { bytes, channel, symbol, order: "private" }, now)
      }
    }
  }
}
