import { type BudgetClass, type Charges, classes, fits } from "./Pools.ts"

export interface Waiter {
  readonly class: BudgetClass
  /** Empty for public data. */
  readonly user: string
  readonly charges: Charges
  readonly deadline: number
  /** Called once, when the request is granted or its time is up. */
  readonly admit: (now: number) => void
  readonly expire: (now: number) => void
}

/**
 * Who waits, in what order: classes strictly, users in turn within a class, first come first served within a user.
 * Nobody overtakes a waiting higher class, unless that has used its own share. A user whose own pool is full is passed
 * over, with all its lower classes, because only its own requests filled it.
 */
export const makeWaitingRoom = () => {
  // A map keeps insertion order: the user served last is put at the end.
  const queues: Record<BudgetClass, Map<string, Array<Waiter>>> = {
    order: new Map(),
    account: new Map(),
    market: new Map()
  }

  const nextOf = (queue: Map<string, Array<Waiter>>, passed: ReadonlySet<string>): Waiter | undefined => {
    for (const [user, list] of queue) if (!passed.has(user)) return list[0]
    return undefined
  }

  const add = (waiter: Waiter): void => {
    const queue = queues[waiter.class]
    const list = queue.get(waiter.user)
    if (list === undefined) queue.set(waiter.user, [waiter])
    else list.push(waiter)
  }

  const remove = (waiter: Waiter): boolean => {
    const queue = queues[waiter.class]
    const list = queue.get(waiter.user) ?? []
    const at = list.indexOf(waiter)
    if (at < 0) return false
    list.splice(at, 1)
    if (list.length === 0) queue.delete(waiter.user)
    return true
  }

  const moveUserToEnd = (waiter: Waiter): void => {
    const queue = queues[waiter.class]
    const list = queue.get(waiter.user)
    if (list === undefined) return
    queue.delete(waiter.user)
    queue.set(waiter.user, list)
  }

  /** Admits everyone who fits now. The first who does not fit into a shared pool stops everyone behind. */
  const admit = (now: number): void => {
    const passed = new Set<string>()
    for (const budgetClass of classes) {
      for (;;) {
        const waiter = nextOf(queues[budgetClass], passed)
        if (waiter === undefined) break
        if (!fits(waiter.charges.own, now)) passed.add(waiter.user)
        else if (!fits(waiter.charges.ofClass, now)) break
        else if (!fits(waiter.charges.shared, now)) return
        else {
          remove(waiter)
          moveUserToEnd(waiter)
          waiter.admit(now)
        }
      }
    }
  }

  const everyone = (): ReadonlyArray<Waiter> => classes.flatMap((name) => [...queues[name].values()].flat())

  const expire = (now: number): void => {
    for (const waiter of everyone()) {
      if (waiter.deadline <= now && remove(waiter)) waiter.expire(now)
    }
  }

  const count = (budgetClass: BudgetClass): number => {
    let waiting = 0
    for (const list of queues[budgetClass].values()) waiting += list.length
    return waiting
  }

  return {
    add,
    remove,
    admit,
    expire,
    isWaiting: (user: string) => classes.some((name) => queues[name].has(user)),
    isEmpty: () => classes.every((name) => queues[name].size === 0),
    firstDeadline: () =>
      everyone().reduce((first, { deadline }) => Math.min(first, deadline), Number.POSITIVE_INFINITY),
    counts: () => ({ order: count("order"), account: count("account"), market: count("market") })
  }
}
