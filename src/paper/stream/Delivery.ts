import { type Context, Effect, FiberSet, Option, type Scope } from "effect"
import type { Instant } from "../../domain/Time.ts"
import type { Faults } from "../faults/Faults.ts"
import type { Connection } from "./Connection.ts"

/** What a push is about: faults are planned by it. Pushes of one `order` keep their order among themselves. */
export interface Push {
  readonly bytes: Uint8Array
  readonly channel: string
  readonly symbol: string | null
  readonly order: string
}

/** The last step before the wire, where planned faults happen. */
export interface Delivery {
  readonly push: (connection: Connection, push: Push, now: Instant) => void
  /** A text answer, which only a whole connection's faults can keep back. */
  readonly answer: (connection: Connection, text: string, now: Instant) => void
}

/** A push that waits for the next one is sent after this long if none comes. */
const heldFor = "2 seconds"

export const makeDelivery: (faults: Context.Tag.Service<typeof Faults>) => Effect.Effect<Delivery, never, Scope.Scope> =
  Effect.fnUntraced(function* (faults) {
    const run = yield* FiberSet.makeRuntime<never>()
    const held = new WeakMap<Connection, Map<string, Push>>()

    const targetOf = ({ accessKey }: Connection, push?: Push) => ({
      account: accessKey,
      ...(push === undefined ? {} : { channel: push.channel, symbol: push.symbol })
    })

    /** Whether the connection as a whole lets nothing through, or has just ceased to. */
    const isCut = (connection: Connection, now: Instant, push?: Push): boolean => {
      if (!connection.isOpen || connection.isMuted(now)) return true
      const target = targetOf(connection, push)
      if (Option.isSome(faults.fire("dropStream", target))) connection.terminate()
      else if (Option.isSome(faults.fire("halfOpenStream", target))) connection.freeze()
      else
        return Option.match(faults.fire("silentStream", target), {
          onNone: () => false,
          onSome: ({ seconds }) => {
            connection.mute(now + seconds * 1_000)
            return true
          }
        })
      return true
    }

    /** Pushes that were overtaken on purpose. */
    const release = (connection: Connection, order: string, now: Instant): boolean => {
      const waiting = held.get(connection)?.get(order)
      if (waiting === undefined) return false
      held.get(connection)?.delete(order)
      connection.send(waiting.bytes, now)
      return true
    }

    const hold = (connection: Connection, push: Push, now: Instant): void => {
      const waiting = held.get(connection) ?? new Map<string, Push>()
      held.set(connection, waiting.set(push.order, push))
      run(
        Effect.delay(
          Effect.sync(() => {
            if (waiting.get(push.order) === push) release(connection, push.order, now)
          }),
          heldFor
        )
      )
    }

    const push = (connection: Connection, push: Push, now: Instant): void => {
      if (isCut(connection, now, push)) return
      const target = targetOf(connection, push)
      if (Option.isSome(faults.fire("missingPush", target))) return
      const late = faults.fire("latePush", target)
      if (Option.isSome(late)) {
        run(
          Effect.delay(
            Effect.sync(() => connection.send(push.bytes, now)),
            late.value.delayMs
          )
        )
        return
      }
      const isHolding = held.get(connection)?.has(push.order) === true
      if (!isHolding && Option.isSome(faults.take("reorderPush", target))) return hold(connection, push, now)
      connection.send(push.bytes, now)
      if (Option.isSome(faults.fire("duplicatePush", target))) connection.send(push.bytes, now)
      if (release(connection, push.order, now)) faults.count("reorderPush")
    }

    const answer = (connection: Connection, text: string, now: Instant): void => {
      if (!isCut(connection, now)) connection.send(text, now)
    }

    return { push, answer }
  })
