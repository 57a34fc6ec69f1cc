import { hashOf, noHash } from "../journal/Trail.ts"
import type { UserRecord } from "../journal/Service.ts"
import type { Check, Violation } from "../Run.ts"

/**
 * I14, the trail: the audit trail of each user is a whole chain from its first entry on, and tells exactly once that an
 * order was decided: of every order that the service made, and of no other.
 */
export const trail: Check = function* (run) {
  for (const { record } of run.users) {
    yield* chain(record)
    yield* decisions(record)
  }
}

const chain = function* ({ trail: entries, user }: UserRecord): Iterable<Violation> {
  let before = { seq: 0, hash: noHash }
  for (const { line, value } of entries.toReversed()) {
    if (value.seq !== before.seq + 1)
      yield { text: `the trail of ${user} goes from ${before.seq} to ${value.seq}`, lines: [line] }
    else if (value.hash !== hashOf(before.hash, value.seq, value.entry))
      yield { text: `the hash of entry ${value.seq} in the trail of ${user} does not fit`, lines: [line] }
    if (value.user !== `local_${user}`)
      yield { text: `entry ${value.seq} in the trail of ${user} is about somebody else`, lines: [line] }
    before = value
  }
}

const decisions = function* ({ byId, orders, trail: entries, user }: UserRecord): Iterable<Violation> {
  const decided = entries.filter(({ value }) => value.action === "orderDecided")
  const its = new Map<string | null, typeof decided>()
  for (const entry of decided) its.set(entry.value.objectId, [...(its.get(entry.value.objectId) ?? []), entry])
  for (const { line, value } of orders) {
    const told = its.get(value.id) ?? []
    if (value.origin !== "external" && told.length !== 1)
      yield {
        text: `${value.id} of ${user} has ${told.length} entries in the trail`,
        lines: [line, ...told.map((entry) => entry.line)]
      }
  }
  for (const { line, value } of decided) {
    const order = value.objectId === null ? undefined : byId.get(value.objectId)
    if (order === undefined || order.value.origin === "external")
      yield { text: `the trail of ${user} tells of an order ${value.objectId} that was never made`, lines: [line] }
  }
}
