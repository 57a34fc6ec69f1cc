import { Effect, Exit, Scope } from "effect"
import { type Connection, type Group, makeConnection } from "./Connection.ts"

/** The venue serves no 31st. */
const channelsPerConnection = 30

interface Member {
  readonly connection: Connection
  readonly scope: Scope.CloseableScope
  readonly groups: Set<Group>
}

export interface Pool {
  /** Subscribes for as long as the scope lasts, on a connection with room. */
  readonly join: (group: Group) => Effect.Effect<void, never, Scope.Scope>
  readonly health: Effect.Effect<{ readonly connections: number; readonly subscriptions: number }>
}

/** Connections to one address that are opened as subscriptions need them and closed with their last one. */
export const makePool = (url: string): Effect.Effect<Pool, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const members = new Set<Member>()
    const changing = yield* Effect.makeSemaphore(1)

    const channelsOf = (member: Member) => [...member.groups].flatMap(({ channels }) => channels)

    // The same channel twice on one connection would end for both when one leaves.
    const hasRoom = (group: Group) => (member: Member) => {
      const taken = channelsOf(member)
      return (
        taken.length + group.channels.length <= channelsPerConnection &&
        !group.channels.some((channel) => taken.includes(channel))
      )
    }

    const openMember: Effect.Effect<Member> = Effect.gen(function* () {
      const own = yield* Scope.fork(scope, scope.strategy)
      const route = Effect.succeed({ url, alongside: Effect.never })
      const connection = yield* Scope.extend(makeConnection("market data", route), own)
      const member: Member = { connection, scope: own, groups: new Set() }
      members.add(member)
      return member
    })

    const enter = (group: Group) =>
      Effect.gen(function* () {
        const member = [...members].find(hasRoom(group)) ?? (yield* openMember)
        member.groups.add(group)
        yield* member.connection.add(group)
        return member
      }).pipe(changing.withPermits(1))

    const leave = (group: Group, member: Member) =>
      Effect.gen(function* () {
        member.groups.delete(group)
        yield* member.connection.remove(group)
        if (member.groups.size > 0) return
        members.delete(member)
        yield* Scope.close(member.scope, Exit.void)
      }).pipe(changing.withPermits(1))

    return {
      join: (group) => Effect.asVoid(Effect.acquireRelease(enter(group), (member) => leave(group, member))),
      health: Effect.sync(() => {
        const open = [...members].flatMap(({ connection }) => connection.accepted() ?? [])
        return { connections: open.length, subscriptions: open.reduce((sum, channels) => sum + channels, 0) }
      })
    }
  })
