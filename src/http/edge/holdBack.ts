import type { Socket } from "node:net"

/** Less than the second that is asked for in `Retry-After`; the refusal itself is not delayed. */
const heldBackMs = 200

/**
 * Who was refused for coming too often, and does not wait, is not read for a moment. In each turn of the event loop Node reads
 * all connections that have something to say, but accepts a single new one (libuv 1.45): a crowd that asks again at once
 * would keep everybody else from getting in.
 */
export const holdBack = (socket: Socket): void => {
  // Node reads on when it has parsed the request, which is after this.
  setImmediate(() => socket.pause())
  setTimeout(() => socket.resume(), heldBackMs).unref()
}
