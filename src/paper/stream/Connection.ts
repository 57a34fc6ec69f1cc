import { WebSocket } from "ws"
import type { Instant } from "../../domain/Time.ts"

/** The venue's rules for one connection. */
export const maxSubscriptions = 30
const maxMessagesPerSecond = 100
const unsubscribedMs = 30_000
const silentMs = 60_000
const lifetimeMs = 24 * 3_600_000
/** A reader who lets this much pile up is cut off: what it would read is history. */
const maxBufferedBytes = 4 * 1_024 * 1_024

/** What is used of a `ws` socket. */
export interface Socket {
  readonly readyState: number
  readonly bufferedAmount: number
  readonly send: (data: string | Uint8Array) => void
  readonly close: (code: number, why: string) => void
  readonly terminate: () => void
}

/** How a connection began: with which listen key, and whose it is. */
export interface Opening {
  readonly listenKey: string | null
  /** null without a valid listen key. */
  readonly account: { readonly id: string; readonly accessKey: string } | null
  readonly now: Instant
}

/** One client's socket and what the rules count of it. All its times are wall time. */
export class Connection {
  readonly channels = new Set<string>()
  /** The account whose pushes it gets; null without a valid listen key. */
  accountId: string | null
  readonly listenKey: string | null
  /** Of the account, for the selectors of planned faults. */
  readonly accessKey: string | null
  readonly #socket: Socket
  readonly #openedAt: Instant
  #unsubscribedAt: Instant
  #trafficAt: Instant
  #second = 0
  #messages = 0
  #mutedUntil = Number.NEGATIVE_INFINITY

  constructor(socket: Socket, opened: Opening) {
    const { account, listenKey, now } = opened
    this.#socket = socket
    this.listenKey = listenKey
    this.accountId = account?.id ?? null
    this.accessKey = account?.accessKey ?? null
    this.#openedAt = now
    this.#unsubscribedAt = now
    this.#trafficAt = now
  }

  send(data: string | Uint8Array, now: Instant): void {
    if (!this.isOpen) return
    if (this.#socket.bufferedAmount > maxBufferedBytes) return this.#socket.terminate()
    this.#trafficAt = now
    this.#socket.send(data)
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Counts a message; false when the client sends more than the venue bears. */
  admits(now: Instant): boolean {
    this.hear(now)
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) this.#messages = 0
    this.#second = second
    this.#messages += 1
    return this.#messages <= maxMessagesPerSecond
  }

  /** Anything heard keeps a subscribed connection open, a ping of the protocol too. */
  hear(now: Instant): void {
    this.#trafficAt = now
  }

  subscribe(channel: string): void {
    this.channels.add(channel)
  }

  unsubscribe(channel: string, now: Instant): void {
    this.channels.delete(channel)
    if (this.channels.size === 0) this.#unsubscribedAt = now
  }

  /** Why the venue would close it now; null while it may stay. */
  overdue(now: Instant): string | null {
    if (now - this.#openedAt >= lifetimeMs) return "connected for 24 hours"
    if (this.isFrozen) return null
    if (this.channels.size === 0) return now - this.#unsubscribedAt >= unsubscribedMs ? "no valid subscription" : null
    return now - this.#trafficAt >= silentMs ? "no traffic" : null
  }

  /** Nothing is sent before this instant. */
  mute(until: Instant): void {
    this.#mutedUntil = until
  }

  isMuted(now: Instant): boolean {
    return now < this.#mutedUntil
  }

  /** From now on nothing passes, and nobody says so: the other end is gone as far as a client can tell. */
  freeze(): void {
    this.#mutedUntil = Number.POSITIVE_INFINITY
  }

  get isFrozen(): boolean {
    return this.#mutedUntil === Number.POSITIVE_INFINITY
  }

  close(code: number, why: string): void {
    this.#socket.close(code, why)
  }

  terminate(): void {
    this.#socket.terminate()
  }
}
