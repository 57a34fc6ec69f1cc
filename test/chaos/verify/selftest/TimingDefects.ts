import { objectOf } from "../Reading.ts"
import type { Defect } from "./Defect.ts"
import { alter, dataOf, type Draft, type Entry, repeat } from "./Draft.ts"

const executionsOf = ({ service }: Draft): ReadonlyArray<Entry> => service.filter(({ kind }) => kind === "executions")

const isTellingOf = (id: unknown) => (line: Entry) =>
  line["kind"] === "events" && objectOf(line["data"])["objectId"] === id

/** A sale that gave up a position, and an order of its cycle that had ended at the exchange before. */
const saleAndOther = (draft: Draft): { readonly kept: Entry; readonly sale: Entry; readonly other: Entry } | null => {
  const { exchange, service } = draft
  const cycleOf = new Map(executionsOf(draft).map(({ data }) => [objectOf(data)["id"], objectOf(data)["cycleId"]]))
  const orders = service.filter(({ kind }) => kind === "orders")
  const atExchange = (line: Entry) =>
    exchange.find(
      ({ _tag, orderId }) => _tag === "orderAccepted" && orderId === objectOf(line["data"])["exchangeOrderId"]
    )
  const cycle = (line: Entry) => cycleOf.get(objectOf(objectOf(line["data"])["origin"])["executionId"])
  for (const { data } of executionsOf(draft)) {
    const { cycleId, id, kind, level } = objectOf(data)
    if (kind !== "exit" || level !== 0) continue
    const kept = orders.find((line) => objectOf(objectOf(line["data"])["origin"])["executionId"] === id)
    const sale = kept === undefined ? undefined : atExchange(kept)
    const other = orders
      .filter((line) => line !== kept && cycle(line) === cycleId)
      .map(atExchange)
      .find((line) => line !== undefined && sale !== undefined && exchange.indexOf(line) < exchange.indexOf(sale))
    if (kept !== undefined && sale !== undefined && other !== undefined) return { kept, sale, other }
  }
  return null
}

export const timingDefects: ReadonlyArray<Defect> = [
  {
    name: "a stop sells while an order of its cycle is open",
    foundBy: "I11",
    says: /gave up a position while .* was open/,
    plant: (draft) => {
      const found = saleAndOther(draft)
      if (found === null) return false
      draft.exchange.splice(draft.exchange.indexOf(found.sale), 1)
      draft.exchange.splice(draft.exchange.indexOf(found.other) + 1, 0, found.sale)
      return true
    }
  },
  {
    name: "a stop is refused because an order of its cycle is open",
    foundBy: "I11",
    says: /gave up a position while .* was open/,
    plant: (draft) => {
      const found = saleAndOther(draft)
      if (found === null) return false
      const at = Number(found.other["at"])
      found.sale["clientOrderId"] = null
      dataOf(found.kept)["sentAt"] = new Date(at + 1).toISOString()
      for (const line of draft.exchange)
        if (line["_tag"] !== "orderAccepted" && line["orderId"] === found.other["orderId"]) line["at"] = at + 5_000
      return true
    }
  },
  {
    name: "a stop is decided while an order of its rule is open",
    foundBy: "I11",
    says: /was decided while .* was open/,
    plant: (draft) => {
      const found = saleAndOther(draft)
      if (found === null) return false
      const at = Number(found.other["at"])
      const { ruleId } = objectOf(dataOf(found.kept)["origin"])
      for (const line of draft.exchange)
        if (line["_tag"] !== "orderAccepted" && line["orderId"] === found.other["orderId"]) line["at"] = at + 5_000
      return repeat(
        draft.service,
        (line) => line["kind"] === "decisions",
        (line) => {
          Object.assign(dataOf(line), { at: new Date(at + 1).toISOString(), ruleId, trigger: "exit.stopLoss" })
          Object.assign(line, { user: found.kept["user"], rule: ruleId })
        }
      )
    }
  },
  {
    name: "a rule sleeps on",
    foundBy: "I12",
    says: /slept on when the price came/,
    plant: ({ service }) => {
      const isPriced = /"type":"price.level"/
      const rules = service
        .filter((line) => line["kind"] === "rules" && isPriced.test(JSON.stringify(line)) && isShadow(line))
        .map(({ data }) => objectOf(data)["id"])
      const later = (id: unknown) =>
        service.filter(({ data, kind }) => {
          if (kind !== "executions") return false
          const { ruleId, slot } = objectOf(data)
          return ruleId === id && /^n\d+$/.test(String(slot)) && slot !== "n1"
        })
      // Which had the most occasions.
      const [most] = rules.toSorted((a, b) => later(b).length - later(a).length)
      const gone = later(most)
      for (const line of gone) {
        const isTelling = isTellingOf(objectOf(line["data"])["id"])
        for (const told of service.filter(isTelling)) service.splice(service.indexOf(told), 1)
        service.splice(service.indexOf(line), 1)
      }
      return gone.length > 0
    }
  },
  {
    name: "a user waits for the whole of another's queue",
    foundBy: "I13",
    says: /waited for \d+ of \d+ firings of/,
    plant: (draft) => {
      const due = new Map<string, Array<Entry>>()
      for (const line of executionsOf(draft)) {
        const name = `${String(line["user"])} ${String(objectOf(line["data"])["slot"])}`
        due.set(name, [...(due.get(name) ?? []), line])
      }
      const slotOf = (name: string) => name.split(" ")[1]
      for (const [name, theirs] of due) {
        if (theirs.length < 50) continue
        const [, its = []] = [...due].find(([other]) => other !== name && slotOf(other) === slotOf(name)) ?? []
        const ids = new Set(theirs.map(({ data }) => objectOf(data)["id"]))
        const last = draft.service
          .filter((line) => line["kind"] === "events" && ids.has(objectOf(line["data"])["objectId"]))
          .map(({ data }) => String(objectOf(data)["at"]))
          .toSorted()
          .at(-1)
        const [late] = its
        if (late === undefined || last === undefined) continue
        const isTelling = isTellingOf(objectOf(late["data"])["id"])
        const told = draft.service.filter(isTelling)
        for (const line of told)
          alter(
            draft.service,
            (each) => each === line,
            (each) => void (dataOf(each)["at"] = last)
          )
        return true
      }
      return false
    }
  }
]

const isShadow = ({ data }: Entry): boolean => objectOf(data)["mode"] === "shadow"
