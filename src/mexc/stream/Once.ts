/** From which session a frame came, and whether another session carries the same channels at this time. */
export interface Origin {
  readonly session: number
  readonly overlapping: boolean
}

const bump = (counts: Map<string, number>, name: string): number => {
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  return count
}

/**
 * Passes each item once while two connections tell the same, in whatever portions. Items may look alike: the n-th of
 * a name passes when the first connection tells it. Remembers only during the overlap.
 */
export const makeOnce = <A>(nameOf: (item: A) => string) => {
  let overlap: { passed: Map<string, number>; heard: Map<number, Map<string, number>> } | null = null
  return (items: ReadonlyArray<A>, { overlapping, session }: Origin): ReadonlyArray<A> => {
    if (!overlapping) {
      overlap = null
      return items
    }
    overlap ??= { passed: new Map(), heard: new Map() }
    const { heard, passed } = overlap
    const own = heard.get(session) ?? new Map<string, number>()
    heard.set(session, own)
    return items.filter((item) => {
      const name = nameOf(item)
      const count = bump(own, name)
      if (count <= (passed.get(name) ?? 0)) return false
      passed.set(name, count)
      return true
    })
  }
}

/** Of values that replace each other, passes those newer than all before while two connections tell the same. */
export const makeNewest = () => {
  let newest: bigint | null = null
  return (stamp: () => bigint | null, { overlapping }: Origin): boolean => {
    if (!overlapping) {
      newest = null
      return true
    }
    const told = stamp()
    if (told === null || newest === null || told > newest) {
      newest = told ?? newest
      return true
    }
    return false
  }
}
