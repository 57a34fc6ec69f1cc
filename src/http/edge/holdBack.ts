import { Array as Arrays, Duration, Effect } from "effect"
import type { Socket } from "node:net"
import { nextTurn } from "../../Waiting.ts"

/** Less than the second that is asked for in `Retry-After`; the refusal itself is not delayed. */
const heldBackFor = Duration.millis(200)

/** Who was held back together asks again together: all of them in one turn would keep everybody else waiting for it. */
const readAtOnce = 10

const readOn = (some: ReadonlyArray<Socket>) =>
  Effect.zipRight(
    Effect.sync(() => some.forEach((socket) => socket.resume())),
    nextTurn
  )

/**
 * Pausing belongs to the effect that reads on: an end of the moment before its time reads on, and an effect that is not begun
 * any more pauses nobody. The port, and with it the connections, may be kept for who serves next.
 */
const notReadForAMoment = (some: ReadonlyArray<Socket>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => some.forEach((socket) => socket.pause())),
    () => Effect.sleep(heldBackFor),
    () => Effect.forEach(Arrays.chunksOf(some, readAtOnce), readOn, { discard: true })
  )

/**
 * Who was refused for coming too often, and does not wait, is not read for a moment. In each turn of the event loop Node reads
 * all connections that have something to say, but accepts a single new one (libuv since 1.45): a crowd that asks again at
 * once would keep everybody else from getting in.
 */
export const makeHoldBack = (fork: (effect: Effect.Effect<void>) => void): ((socket: Socket) => void) => {
  let refused: Array<Socket> = []
  // Node reads on when it has parsed the request, which is after its refusal: so at the end of the turn, all of it together.
  const hold = () => {
    const held = refused
    refused = []
    fork(notReadForAMoment(held))
  }
  return (socket) => {
    if (refused.push(socket) === 1) setImmediate(hold)
  }
}
