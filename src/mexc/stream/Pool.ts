import { type Duration, Effect, Exit, Scope } from "effect"
import { type Connection, type ConnectionOptions, makeConnection } from "./Connection.ts"
import type { Group } from "./Session.ts"

/** The venue serves no 31st. */
const channelsPerConnection = 30

/** The venue closes a connection without subscriptions after 30 s; the next subscription often comes sooner. */
const keptEmptyFor: Duration.DurationInput = "15 seconds"

interface Member {
  readonly connection: Connection
  readonly scope: Scope.CloseableScope
  readonly groups: Set<Group>
  /** Of all groups. */
  readonly channels: Set<string>
}

export interface Pool {
  /** Subscribes for as long as the scope lasts, on a connection with room. */
  readonly join: (group: Group) => Effect.Effect<void, never, Scope.Scope>
  readonly health: Effect.Effect<{ readonly connections: number; readonly subscriptions: number }>
}

/** Connections to one address that are opened as subscriptions need them and closed some time after their last one. */
export const makePool = (
  options: Omit<ConnectionOptions<never>, "route" | "name"> & { readonly url: string }
): Effect.Effect<Pool, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const members = new Set<Member>()
    const changing = yield* Effect.makeSemaphore(1)

    // The same channel twice on one connection would end for both when one leaves.
    const hasRoom =
      (group: Group) =>
      ({ channels }: Member) =>
        channels.size + group.channels.length <= channelsPerConnection &&
        !group.channels.some((channel) => channels.has(channel))

    const findRoom = (group: Group): Member | undefined => {
      const fits = hasRoom(group)
      for (const member of members) if (fits(member)) return member
      return undefined
    }

    const openMember: Effect.Effect<Member> = Effect.gen(function* () {
      const own = yield* Scope.fork(scope, scope.strategy)
      const route = Effect.succeed({ url: options.url, alongside: Effect.never })
      const connection = yield* Scope.extend(makeConnection({ ...options, name: "market data", route }), own)
      const member: Member = { connection, scope: own, groups: new Set(), channels: new Set() }
      members.add(member)
      return member
    })

    const enter = (group: Group) =>
      Effect.gen(function* () {
        const member = findRoom(group) ?? (yield* openMember)
        member.groups.add(group)
        for (const channel of group.channels) member.channels.add(channel)
        yield* member.connection.add(group)
        return member
      }).pipe(changing.withPermits(1))

    const closeEmpty = (member: Member) =>
      Effect.suspend(() => {
        if (member.groups.size > 0 || !members.delete(member)) return Effect.void
        return Scope.close(member.scope, Exit.void)
      }).pipe(changing.withPermits(1))

    const leave = (group: Group, member: Member) =>
      Effect.gen(function* () {
        member.groups.delete(group)
        for (const channel of group.channels) member.channels.delete(channel)
        yield* member.connection.remove(group)
        if (member.groups.size > 0) return
        yield* closeEmpty(member).pipe(Effect.delay(keptEmptyFor), Effect.interruptible, Effect.forkIn(scope))
      }).pipe(changing.withPermits(1))

    return {
      join: (group) => Effect.asVoid(Effect.acquireRelease(enter(group), (member) => leave(group, member))),
      health: Effect.sync(() => {
        const open = [...members].flatMap(({ connection }) => connection.accepted() ?? [])
        return { connections: open.length, subscriptions: open.reduce((sum, channels) => sum + channels, 0) }
      })
    }
  })
