import type { Exchange } from "./machine/Exchange.ts"
import type { Journal } from "./machine/Journal.ts"
import { sleep } from "./machine/Time.ts"
import { type Fault, faultOf, longPenalty, strikesOneUser } from "./plan/Faults.ts"
import type { Injection } from "./plan/Faults.ts"
import { random } from "./plan/Random.ts"

/** Injects what is planned, and tells what really happened. */
export const makeFaulting = (
  exchange: Exchange,
  journal: Journal,
  chosen: ReadonlyArray<string>,
  victim: string | null,
  accounts: ReadonlyArray<string> = []
) => {
  let running = true
  let punished = false
  const refused = new Map<string, string>()

  const inject = async (planned: Fault, user: number | null = null) => {
    const account = user === null ? (strikesOneUser.has(planned.type) ? victim : null) : (accounts[user] ?? null)
    const fault = account === null ? planned : { ...planned, account }
    const answer = await exchange.control("POST", "faults", { faults: [fault] })
    journal.note({ kind: "fault", fault, planned: answer.ok })
    if (planned.type === longPenalty) punished = true
    if (!answer.ok) refused.set(planned.type, answer.text)
  }
  const missing = async () => {
    const fired = await exchange.fired()
    return chosen.filter((name) => (fired.get(name) ?? 0) === 0)
  }

  return {
    refused,
    /** A penalty of a minute may be in force. */
    isPunished: () => punished,
    forgive: () => void (punished = false),
    missing,
    run: async (injections: ReadonlyArray<Injection>, began: number) => {
      for (const { at, fault, user } of injections) {
        await sleep(began + at - Date.now())
        if (!running) return
        await inject(fault, user)
      }
    },
    /** Chance may have left one out: the load goes on until each has happened, or it is clear that it does not. */
    complete: async (seed: number, withinMs: number) => {
      const dice = random(seed, "late faults")
      const end = Date.now() + withinMs
      for (;;) {
        const left = await missing()
        if (left.length === 0 || Date.now() > end) return left
        // What stops everything comes when all the others are done.
        const others = left.filter((name) => name !== longPenalty)
        for (const name of others.length > 0 ? others : left) await inject(faultOf(name, dice))
        await sleep(2_000)
      }
    },
    end: async () => {
      running = false
      await exchange.control("DELETE", "faults")
      journal.note({ kind: "faultsOff" })
    }
  }
}
