import { exact, plain } from "../Exact.ts"
import { objectOf } from "../Reading.ts"
import type { Defect } from "./Defect.ts"
import { alter, dataOf, drop, type Entry, repeat, within } from "./Draft.ts"

const ofKind = (kind: string) => (line: Entry) => line["kind"] === kind
const transaction = (kind: string) => (line: Entry) => line["kind"] === "transactions" && dataOf(line)["kind"] === kind
const moved = (text: unknown, by: string): string => plain((exact(String(text)) ?? 0n) + (exact(by) ?? 0n))
const sums = (line: Entry) => line["_tag"] === "sums"
const counter = (name: string, value: number) => (exchange: Array<Entry>) =>
  alter(exchange, sums, (line) => {
    within(line, "counters")[name] = value
  })

export const moneyDefects: ReadonlyArray<Defect> = [
  {
    name: "a fill is dropped",
    foundBy: "I4",
    says: /has no fill/,
    plant: ({ service }) => drop(service, ofKind("fills"))
  },
  {
    name: "a fill counts twice",
    foundBy: "I4",
    says: /is there twice/,
    plant: ({ service }) => repeat(service, ofKind("fills"))
  },
  {
    name: "a fill the exchange does not know",
    foundBy: "I4",
    says: /the exchange has no fill/,
    plant: ({ service }) =>
      repeat(service, ofKind("fills"), (copy) => {
        Object.assign(dataOf(copy), { id: "fill_another", tradeId: "another" })
      })
  },
  {
    name: "a fill of another price",
    foundBy: "I4",
    says: /another price/,
    plant: ({ service }) =>
      alter(service, ofKind("fills"), (line) => {
        const data = dataOf(line)
        data["price"] = moved(data["price"], "0.00000001")
      })
  },
  {
    name: "a fill under another order",
    foundBy: "I4",
    says: /another order/,
    plant: ({ service }) => {
      const [one, ...others] = service.filter(ofKind("fills"))
      const two = others.find((line) => line["user"] === one?.["user"] && line["order"] !== one?.["order"])
      if (one === undefined || two === undefined) return false
      one["order"] = two["order"]
      return true
    }
  },
  {
    name: "a balance is wrong by 1e-8",
    foundBy: "I5",
    says: /the service shows/,
    plant: ({ service }) =>
      alter(service, ofKind("wallet"), (line) => {
        const data = dataOf(line)
        data["assets"] = [data["assets"]].flat().map((each, index) => {
          const asset = { ...objectOf(each) }
          if (index > 0) return asset
          for (const name of ["free", "available", "total"]) asset[name] = moved(asset[name], "0.00000001")
          return asset
        })
      })
  },
  {
    name: "a ledger entry is dropped",
    foundBy: "I5",
    says: /the ledger has|the ledger adds up/,
    plant: ({ service }) => drop(service, transaction("fee"))
  },
  {
    name: "a fill is booked twice",
    foundBy: "I5",
    says: /the ledger has/,
    plant: ({ service }) =>
      repeat(service, transaction("fill"), (copy) => {
        dataOf(copy)["id"] = "led_another"
      })
  },
  {
    name: "a deposit is never booked",
    foundBy: "I5",
    says: /the ledger adds up/,
    plant: ({ service }) => drop(service, transaction("opening"))
  },
  {
    name: "the exchange moved money without a fact",
    foundBy: "I5",
    says: /its facts add up/,
    plant: ({ exchange }) => drop(exchange, (line) => line["_tag"] === "deposited" || line["_tag"] === "adjusted")
  },
  {
    name: "money stays reserved",
    foundBy: "I5",
    says: /is reserved for no order/,
    plant: ({ service }) =>
      alter(service, ofKind("wallet"), (line) => {
        const data = dataOf(line)
        data["assets"] = [data["assets"]].flat().map((each) => ({
          ...objectOf(each),
          reserved: "1",
          available: moved(objectOf(each)["free"], "-1")
        }))
      })
  },
  {
    name: "lots are in no book",
    foundBy: "I5",
    says: /the books of/,
    plant: ({ service }) =>
      alter(
        service,
        (line) => line["kind"] === "positions" && JSON.stringify(line).includes('"books":[{'),
        (line) => {
          const data = dataOf(line)
          data["items"] = [data["items"]].flat().map((each) => ({ ...objectOf(each), books: [] }))
        }
      )
  },
  {
    name: "a rule's lots are in another book",
    foundBy: "I5",
    says: /the book .* has/,
    plant: ({ service }) => {
      // Archived rules may have handed their lots on.
      const archived = service.filter((line) => ofKind("rules")(line) && dataOf(line)["state"] === "archived")
      const isHeld = (book: Entry) =>
        String(book["book"]).startsWith("rule:") &&
        book["quantity"] !== "0" &&
        !archived.some((line) => book["book"] === `rule:${String(dataOf(line)["id"])}`)
      let planted = false
      for (const line of service.filter(ofKind("positions"))) {
        const data = dataOf(line)
        data["items"] = [data["items"]].flat().map((item) => ({
          ...objectOf(item),
          books: [objectOf(item)["books"]].flat().map((each) => {
            const book = { ...objectOf(each) }
            if (planted || !isHeld(book)) return book
            planted = true
            return { ...book, book: "rule:another" }
          })
        }))
      }
      return planted
    }
  },
  {
    name: "an exit sells more than its book has",
    foundBy: "I5",
    says: /sold more than it had/,
    plant: ({ exchange, service }) => {
      const exits = service.filter(
        (line) => ofKind("orders")(line) && JSON.stringify(dataOf(line)["origin"]).includes('"exit"')
      )
      const ids = exits.map((line) => dataOf(line)["exchangeOrderId"])
      return alter(
        exchange,
        (line) => line["_tag"] === "filled" && line["side"] === "sell" && ids.includes(line["orderId"]),
        (line) => {
          line["quantity"] = moved(line["quantity"], "1")
        }
      )
    }
  },
  {
    name: "a request over the weight",
    foundBy: "I9",
    says: /maxIpWeight/,
    plant: ({ exchange }) => counter("maxIpWeight", 301)(exchange)
  },
  {
    name: "a thirteenth order in a second",
    foundBy: "I9",
    says: /maxOrdersPerSecond/,
    plant: ({ exchange }) => counter("maxOrdersPerSecond", 13)(exchange)
  },
  {
    name: "a request during a ban",
    foundBy: "I9",
    says: /refusedByBan/,
    plant: ({ exchange }) => counter("refusedByBan", 1)(exchange)
  }
]
