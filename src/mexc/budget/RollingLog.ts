/** One granted cost: it counts until `expiresAt`, which is set when the reply is in. */
export interface Entry {
  readonly cost: number
  expiresAt: number
}

/**
 * What a pool has granted lately. A cost counts from its grant until a window after its reply: the venue saw the
 * request no later than that, wherever in between it counted it.
 */
export interface RollingLog {
  readonly capacity: number
  readonly windowMs: number
  readonly used: (now: number) => number
  readonly add: (cost: number) => Entry
  /** The reply is in, or the request is known not to be under way `graceMs` from now. */
  readonly settle: (entry: Entry, now: number, graceMs: number) => void
  /** The grant was never used. */
  readonly remove: (entry: Entry) => void
  /** When the next cost stops counting, always after `now`; infinite while all are under way. */
  readonly nextChange: (now: number) => number
}

export const makeRollingLog = (capacity: number, windowMs: number): RollingLog => {
  const entries = new Set<Entry>()
  let total = 0
  const drop = (entry: Entry) => {
    if (entries.delete(entry)) total -= entry.cost
  }
  const used = (now: number): number => {
    for (const entry of entries) if (entry.expiresAt <= now) drop(entry)
    return total
  }
  return {
    capacity,
    windowMs,
    used,
    add: (cost) => {
      const entry: Entry = { cost, expiresAt: Number.POSITIVE_INFINITY }
      entries.add(entry)
      total += cost
      return entry
    },
    // One more millisecond, because the venue may count both ends of its window.
    settle: (entry, now, graceMs) => {
      entry.expiresAt = now + windowMs + graceMs + 1
    },
    remove: drop,
    nextChange: (now) => {
      used(now)
      let next = Number.POSITIVE_INFINITY
      for (const entry of entries) next = Math.min(next, entry.expiresAt)
      return next
    }
  }
}
