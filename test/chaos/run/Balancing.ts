import { addTo, type Exact, exact } from "../verify/Exact.ts"
import type { Person } from "./load/Person.ts"
import type { Exchange } from "./machine/Exchange.ts"
import { listAt, parsed, textAt } from "./machine/Json.ts"

type Amounts = ReadonlyMap<string, Exact>

const amountAt = (value: unknown, name: string): Exact => exact(textAt(value, name) ?? "") ?? 0n

const same = (a: Amounts, b: Amounts): boolean =>
  [...new Set([...a.keys(), ...b.keys()])].every((asset) => (a.get(asset) ?? 0n) === (b.get(asset) ?? 0n))

/**
 * Whether every ledger adds up to what the exchange has. What others did to an account is found by the service's sweeps,
 * once a minute, and what nobody explains is booked after a second reading: both are promised, neither at once.
 */
export const makeBalancing = (
  people: ReadonlyArray<Person>,
  exchange: Exchange,
  accessKeys: ReadonlyMap<string, string>
) => {
  const atExchange = async (): Promise<ReadonlyMap<string, Amounts>> => {
    const accounts = listAt(parsed((await exchange.control("GET", "accounts")).text), "accounts")
    return new Map(
      accounts.map((account) => [
        textAt(account, "accessKey") ?? "",
        new Map(
          listAt(account, "balances").map((balance) => [
            textAt(balance, "asset") ?? "",
            amountAt(balance, "free") + amountAt(balance, "locked")
          ])
        )
      ])
    )
  }

  const inLedger = async (person: Person): Promise<Amounts> => {
    const amounts = new Map<string, Exact>()
    for (const entry of await person.transactions())
      addTo(amounts, textAt(entry, "asset") ?? "", amountAt(entry, "amount"))
    return amounts
  }

  /** Orders made elsewhere that the service does not have yet. */
  const unseen = async (person: Person): Promise<number> => {
    const facts = exchange.journal().split("\n").map(parsed)
    const account = facts.find((fact) => textAt(fact, "accessKey") === accessKeys.get(person.name))
    const foreign = facts.filter(
      (fact) =>
        textAt(fact, "_tag") === "orderAccepted" &&
        textAt(fact, "accountId") === textAt(account, "accountId") &&
        textAt(fact, "clientOrderId") === null
    )
    return foreign.length === 0 ? 0 : foreign.length - (await person.externals())
  }

  return async (): Promise<boolean> => {
    const there = await atExchange()
    for (const person of people) {
      if (!same(there.get(accessKeys.get(person.name) ?? "") ?? new Map(), await inLedger(person))) return false
      if ((await unseen(person)) > 0) return false
    }
    return true
  }
}
