import { Effect, Exit, Scope } from "effect"
import { makeVenueConnection, type Subscriber, type VenueConnection } from "./VenueConnection.ts"

/** The venue serves no 31st. */
const channelsPerConnection = 30

interface Member {
  readonly connection: VenueConnection
  readonly scope: Scope.CloseableScope
  readonly subscribers: Set<Subscriber>
}

export interface VenueStreams {
  /** Reads the channels for as long as the scope lasts, on a connection with room. */
  readonly join: (subscriber: Subscriber) => Effect.Effect<void, never, Scope.Scope>
  readonly counts: () => { readonly connections: number; readonly reconnects: number }
}

/** Connections that are opened as channels need them and closed with their last one. */
export const makeVenueStreams = (url: string): Effect.Effect<VenueStreams, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const members = new Set<Member>()
    const changing = yield* Effect.makeSemaphore(1)
    let reconnectsBefore = 0

    const hasRoom = (wanted: number) => (member: Member) =>
      [...member.subscribers].reduce((sum, { channels }) => sum + channels.length, wanted) <= channelsPerConnection

    const open: Effect.Effect<Member> = Effect.gen(function* () {
      const own = yield* Scope.fork(scope, scope.strategy)
      const member: Member = {
        connection: yield* Scope.extend(makeVenueConnection(url), own),
        scope: own,
        subscribers: new Set()
      }
      members.add(member)
      return member
    })

    const enter = (subscriber: Subscriber) =>
      Effect.gen(function* () {
        const member = [...members].find(hasRoom(subscriber.channels.length)) ?? (yield* open)
        member.subscribers.add(subscriber)
        yield* member.connection.add(subscriber)
        return member
      }).pipe(changing.withPermits(1))

    const leave = (subscriber: Subscriber, member: Member) =>
      Effect.gen(function* () {
        member.subscribers.delete(subscriber)
        yield* member.connection.remove(subscriber)
        if (member.subscribers.size > 0) return
        members.delete(member)
        reconnectsBefore += Math.max(0, member.connection.sessions() - 1)
        yield* Scope.close(member.scope, Exit.void)
      }).pipe(changing.withPermits(1))

    return {
      join: (subscriber) =>
        Effect.asVoid(Effect.acquireRelease(enter(subscriber), (member) => leave(subscriber, member))),
      counts: () => ({
        connections: members.size,
        reconnects: [...members].reduce(
          (sum, { connection }) => sum + Math.max(0, connection.sessions() - 1),
          reconnectsBefore
        )
      })
    }
  })
