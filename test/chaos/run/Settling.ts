import type { Person } from "./load/Person.ts"
import type { Exchange } from "./machine/Exchange.ts"
import type { Service } from "./machine/Service.ts"
import { sleep, until } from "./machine/Time.ts"

/** What counts as proof of absence takes ten minutes by the wall clock (docs/reliability.md, "Unknown"). */
const slept = 11 * 60_000
const within = 30_000
/** Until the questions about many unknown orders, which take turns, have let the service tell their owners. */
const untilTold = 90_000

export interface Settled {
  readonly quietMs: number
  /** Unknown orders that a person had to settle, after looking them up in the exchange's journal. */
  readonly byHand: number
  /** Why the run is not quiet; null when it is. */
  readonly trouble: string | null
}

export const makeSettling = (
  people: ReadonlyArray<Person>,
  service: Service,
  exchange: Exchange,
  sleepMachines: (ms: number) => void,
  isPunished: () => boolean,
  restart: () => Promise<void>
) => {
  const unfinished = async () => (await Promise.all(people.map((person) => person.unfinished()))).flat()

  const fallAsleep = async () => {
    await service.kill({ why: "asleep" })
    sleepMachines(slept)
    await restart()
  }

  /** What a person does who was told that the service cannot find out: looks at the exchange, and says what is there. */
  const byHand = async () => {
    let count = 0
    for (const person of people)
      for (const { clientOrderId, id, status } of await person.unfinished()) {
        if (status !== "unknown" || !person.isDoubted(id, 5_000) || exchange.journal().includes(clientOrderId)) continue
        await person.resolve(id)
        count++
      }
    return count
  }

  const describe = (orders: ReadonlyArray<{ readonly id: string; readonly status: string }>) =>
    orders.map(({ id, status }) => `${id} ${status}`).join(", ")

  const settle = async (began: number): Promise<Settled> => {
    if (isPunished()) await fallAsleep()
    const waiting = () => people.reduce((sum, person) => sum + person.pending(), 0)
    if (!(await until(() => waiting() === 0, within)))
      return { quietMs: Date.now() - began, byHand: 0, trouble: `${waiting()} requests have no answer` }
    await Promise.all(people.map((person) => person.haltForGood()))
    const known = await until(async () => (await unfinished()).every(({ status }) => status === "unknown"), within, 500)
    if (!known) {
      const left = (await unfinished()).filter(({ status }) => status !== "unknown")
      return { quietMs: Date.now() - began, byHand: 0, trouble: `not final after 30 s: ${describe(left)}` }
    }
    if ((await unfinished()).length === 0) {
      await sleep(2_000)
      return { quietMs: Date.now() - began, byHand: 0, trouble: null }
    }
    const quietMs = Date.now() - began
    await fallAsleep()
    const again = Date.now()
    let resolved = 0
    const final = await until(
      async () => {
        resolved += await byHand()
        return (await unfinished()).length === 0
      },
      untilTold,
      1_000
    )
    await sleep(2_000)
    return {
      quietMs: quietMs + Date.now() - again,
      byHand: resolved,
      trouble: final ? null : `not final: ${describe(await unfinished())}`
    }
  }

  return async (): Promise<Settled> => {
    const looking = setInterval(() => void people[0]?.lookAtLimits(), 5_000)
    try {
      return await settle(Date.now())
    } finally {
      clearInterval(looking)
    }
  }
}
