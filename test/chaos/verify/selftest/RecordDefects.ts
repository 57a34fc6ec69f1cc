import type { Defect } from "./Defect.ts"
import { alter, dataOf, drop, type Entry, repeat, within } from "./Draft.ts"

const ofKind = (kind: string) => (line: Entry) => line["kind"] === kind
const event = (type: string) => (line: Entry) => line["kind"] === "events" && dataOf(line)["type"] === type
const answered = (client: ReadonlyArray<Entry>, method: string, path: RegExp): Entry | undefined => {
  const ask = client.find(
    (line) =>
      line["kind"] === "ask" &&
      line["method"] === method &&
      path.test(String(line["path"])) &&
      client.some(
        ({ body, id, kind, status }) =>
          kind === "answer" &&
          id === line["id"] &&
          Number(status) < 300 &&
          /"items":\[\{|"id"/.test(JSON.stringify(body))
      )
  )
  return client.find(({ id, kind }) => kind === "answer" && id === ask?.["id"])
}

/** Every element that a list of an answer shows is taken out of the record. */
const forget =
  (kind: string, path: RegExp, field: string) => (draft: { client: Array<Entry>; service: Array<Entry> }) => {
    const answer = answered(draft.client, "GET", path)
    if (answer === undefined) return false
    const shown = [within(answer, "body", "data")["items"]].flat().map((item) => String(Object(item)[field]))
    return drop(draft.service, (line) => line["kind"] === kind && shown.includes(String(dataOf(line)[field])))
  }

export const recordDefects: ReadonlyArray<Defect> = [
  {
    name: "an acknowledged rule is lost",
    foundBy: "I1",
    says: /is gone/,
    plant: ({ client, service }) => {
      const answer = answered(client, "POST", /^\/trading\/rules$/)
      const id = answer === undefined ? null : within(answer, "body", "data")["id"]
      return drop(service, (line) => line["kind"] === "rules" && dataOf(line)["id"] === id)
    }
  },
  {
    name: "a rule changes without a new version",
    foundBy: "I1",
    says: /changed without a new version|is not what was shown/,
    plant: ({ service }) =>
      alter(service, ofKind("rules"), (line) => {
        dataOf(line)["size"] = { type: "quote", amount: "1" }
      })
  },
  {
    name: "an archived rule is active again",
    foundBy: "I1",
    says: /was archived and is active/,
    plant: ({ client, service }) => {
      const answer = answered(client, "DELETE", /^\/trading\/rules\//)
      const id = answer === undefined ? null : within(answer, "body", "data")["id"]
      return alter(
        service,
        (line) => line["kind"] === "rules" && dataOf(line)["id"] === id,
        (line) => {
          dataOf(line)["state"] = "active"
        }
      )
    }
  },
  {
    name: "the last acknowledged halt is lost",
    foundBy: "I1",
    says: /the halt of .* is not what was written last/,
    plant: ({ service }) =>
      alter(service, ofKind("halt"), (line) => {
        line["data"] = { halted: false, scope: null, by: null, reason: null, since: null }
      })
  },
  {
    name: "the last acknowledged limits are lost",
    foundBy: "I1",
    says: /the limits of .* is not what was written last/,
    plant: ({ service }) =>
      alter(
        service,
        (line) => line["kind"] === "limits",
        (line) => {
          within(line, "data")["user"] = { perDay: "123", perWeek: null, perMonth: null, maxOpenOrders: null }
        }
      )
  },
  {
    name: "a firing that was shown is lost",
    foundBy: "I1",
    says: /is gone/,
    plant: forget("executions", /^\/trading\/executions|\/executions\?/, "id")
  },
  {
    name: "a ledger entry that was shown is lost",
    foundBy: "I1",
    says: /ledger entry was shown/,
    plant: forget("transactions", /^\/account\/transactions/, "id")
  },
  {
    name: "a decision that was shown is lost",
    foundBy: "I1",
    says: /decision was shown/,
    plant: forget("decisions", /\/decisions/, "at")
  },
  {
    name: "the events go back",
    foundBy: "I1",
    says: /went back from/,
    plant: ({ client }) => {
      const last = client.findLast(
        ({ headers, kind }) => kind === "answer" && Number(Object(headers)["x-event-seq"]) > 1
      )
      if (last === undefined) return false
      within(last, "headers")["x-event-seq"] = "0"
      return true
    }
  },
  {
    name: "an event is missing",
    foundBy: "I10",
    says: /go from/,
    plant: ({ service }) => drop(service, event("order.changed"))
  },
  {
    name: "an event comes twice",
    foundBy: "I10",
    says: /go from/,
    plant: ({ service }) => repeat(service, event("order.changed"))
  },
  {
    name: "an event was told differently",
    foundBy: "I10",
    says: /was told differently/,
    plant: ({ client }) =>
      alter(client, ofKind("event"), (line) => {
        line["objectId"] = "another"
      })
  },
  {
    name: "a stream leaves out an event",
    foundBy: "I10",
    says: /a stream of .* went from/,
    plant: ({ client }) => {
      const first = client.find(ofKind("event"))
      const next = client.findIndex(
        (line) => line["kind"] === "event" && line !== first && line["user"] === first?.["user"]
      )
      if (next < 0) return false
      client.splice(next, 1)
      return true
    }
  },
  {
    name: "the last event of an order is not what it is",
    foundBy: "I10",
    says: /the last event of ord_/,
    plant: ({ service }) => {
      const order = service.find(ofKind("orders"))
      if (order === undefined) return false
      dataOf(order)["note"] = "changed by nobody"
      return true
    }
  },
  {
    name: "a section of the service's record is missing",
    foundBy: "unreadable",
    says: /S has no/,
    plant: ({ service }) => drop(service, (line) => line["kind"] === "section" && line["name"] === "transactions")
  },
  {
    name: "a line of an unknown kind",
    foundBy: "unreadable",
    says: /unknown kind/,
    plant: ({ service }) =>
      repeat(service, ofKind("orders"), (copy) => {
        copy["kind"] = "something"
      })
  },
  {
    name: "an unknown fact of the exchange",
    foundBy: "unreadable",
    says: /unknown kind/,
    plant: ({ exchange }) =>
      repeat(
        exchange,
        ({ _tag }) => _tag === "accountOpened",
        (copy) => {
          copy["_tag"] = "accountClosed"
        }
      )
  },
  {
    name: "a status nobody knows",
    foundBy: "unreadable",
    says: /has the status/,
    plant: ({ service }) =>
      alter(service, ofKind("orders"), (line) => {
        dataOf(line)["status"] = "suspended"
      })
  },
  {
    name: "the exchange's own sums are missing",
    foundBy: "unreadable",
    says: /without the exchange's sums/,
    plant: ({ exchange }) => drop(exchange, ({ _tag }) => _tag === "sums")
  },
  {
    name: "a user is not in the record",
    foundBy: "unreadable",
    says: /S has nothing of/,
    plant: ({ client }) =>
      repeat(client, ofKind("user"), (copy) => {
        copy["user"] = "somebody"
      })
  }
]
