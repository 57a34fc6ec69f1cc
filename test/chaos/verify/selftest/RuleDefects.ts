import { exact, plain } from "../Exact.ts"
import { objectOf } from "../Reading.ts"
import type { Defect } from "./Defect.ts"
import { alter, dataOf, type Draft, drop, type Entry, within } from "./Draft.ts"

const isSlot = (value: unknown): boolean => /^\d{4}-\d\d-\d\dT/.test(String(value))
const execution = (fits: (data: Entry) => boolean) => (line: Entry) =>
  line["kind"] === "executions" && fits(dataOf(line))
const isUnsent = (order: Entry): boolean => order["sentAt"] === null
const slotOf = (line: Entry): string => String(dataOf(line)["slot"])
const ofKind = (kind: string) => (line: Entry) => line["kind"] === kind

/** Changes a rule's limits wherever the service tells of them. */
const limit = ({ service }: Draft, ruleId: unknown, name: string, value: unknown): void => {
  for (const line of service) {
    if (line["kind"] === "rules" && dataOf(line)["id"] === ruleId) within(line, "data", "limits")[name] = value
    const isTold = line["kind"] === "events" && dataOf(line)["type"] === "rule.changed"
    if (isTold && dataOf(line)["objectId"] === ruleId) within(line, "data", "data", "limits")[name] = value
  }
}

const bought = (draft: Draft): Entry | undefined =>
  draft.service
    .filter(
      execution((data) => data["outcome"] === "executed" && data["kind"] === "entry" && data["executedQuote"] !== "0")
    )
    .map(dataOf)[0]

const lowered = (quote: unknown): string => plain((exact(String(quote)) ?? 0n) - 1n)

/** Puts the answer that halted somebody before an order of theirs that buys. */
const haltBefore = ({ client, exchange, service }: Draft, isOn: (order: Entry, answer: number) => boolean): boolean => {
  const names = new Map(client.filter(ofKind("user")).map(({ accessKey, user }) => [accessKey, user]))
  const users = new Map(
    exchange
      .filter(({ _tag }) => _tag === "accountOpened")
      .map(({ accessKey, accountId }) => [accountId, names.get(accessKey)])
  )
  for (const ask of client) {
    if (
      ask["kind"] !== "ask" ||
      ask["path"] !== "/trading/halt" ||
      !JSON.stringify(ask["body"] ?? "").includes('"halted":true')
    )
      continue
    const answer = client.find(({ id, kind, status }) => kind === "answer" && id === ask["id"] && status === 200)
    const at = Number(answer?.["at"])
    const order = exchange.find(
      (line) =>
        line["_tag"] === "orderAccepted" &&
        line["side"] === "buy" &&
        users.get(line["accountId"]) === ask["user"] &&
        isOn(line, at)
    )
    const kept = service.find(
      ({ data, kind }) => kind === "orders" && objectOf(data)["exchangeOrderId"] === order?.["orderId"]
    )
    if (answer === undefined || order === undefined || kept === undefined) continue
    order["at"] = at + 1
    dataOf(kept)["sentAt"] = new Date(at + 1).toISOString()
    // Nobody was told before that it had left.
    for (const told of client.slice(0, client.indexOf(answer)))
      if (told["kind"] === "event" && told["objectId"] === dataOf(kept)["id"]) dataOf(told)["sentAt"] = null
    return true
  }
  return false
}

export const ruleDefects: ReadonlyArray<Defect> = [
  {
    name: "a slot is skipped",
    foundBy: "I6",
    says: /slots of .* have no outcome/,
    plant: ({ service }) => {
      // The oldest: the newest may still be under way.
      const fits = execution(
        (data) =>
          isSlot(data["slot"]) && data["outcome"] === "skipped" && !JSON.stringify(data["reason"]).includes('"MISSED"')
      )
      const [oldest] = service.filter(fits).toSorted((a, b) => (slotOf(a) < slotOf(b) ? -1 : 1))
      return drop(service, (line) => line === oldest)
    }
  },
  {
    name: "a slot that is none",
    foundBy: "I6",
    says: /is no slot/,
    plant: ({ service }) =>
      alter(
        service,
        execution((data) => isSlot(data["slot"])),
        (line) => {
          const data = dataOf(line)
          data["slot"] = new Date(Date.parse(String(data["slot"])) + 1).toISOString()
        }
      )
  },
  {
    name: "a firing never ends",
    foundBy: "I6",
    says: /has not come to its outcome/,
    plant: ({ service }) =>
      alter(
        service,
        execution((data) => data["state"] === "done"),
        (line) => {
          Object.assign(dataOf(line), { state: "running", outcome: null, triggeredAt: "2020-01-01T00:00:00.000Z" })
        }
      )
  },
  {
    name: "a skip without a reason",
    foundBy: "I6",
    says: /skipped without a reason/,
    plant: ({ service }) =>
      alter(
        service,
        execution((data) => data["outcome"] === "skipped"),
        (line) => {
          dataOf(line)["reason"] = null
        }
      )
  },
  {
    name: "a total cap is off by the last digit",
    foundBy: "I7",
    says: /spent .* of .* \(total ever\)/,
    plant: (draft) => {
      const entry = bought(draft)
      if (entry !== undefined) limit(draft, entry["ruleId"], "total", lowered(entry["executedQuote"]))
      return entry !== undefined
    }
  },
  {
    name: "a day's cap is exceeded",
    foundBy: "I7",
    says: /spent .* \(perDay/,
    plant: (draft) => {
      const entry = bought(draft)
      if (entry !== undefined) limit(draft, entry["ruleId"], "perDay", lowered(entry["executedQuote"]))
      return entry !== undefined
    }
  },
  {
    name: "one firing too many",
    foundBy: "I7",
    says: /maxExecutions is/,
    plant: (draft) => {
      const entry = bought(draft)
      if (entry !== undefined) limit(draft, entry["ruleId"], "maxExecutions", 0)
      return entry !== undefined
    }
  },
  {
    name: "a firing buys for more than it was made for",
    foundBy: "I7",
    says: /bought for/,
    plant: ({ service }) =>
      alter(
        service,
        execution((data) => data["kind"] === "entry" && data["executedQuote"] !== "0"),
        (line) => {
          const data = dataOf(line)
          data["requestedQuote"] = lowered(data["executedQuote"])
        }
      )
  },
  {
    name: "a user's limit is exceeded",
    foundBy: "I7",
    says: /spent .* of 1 \(perDay/,
    plant: ({ client }) => {
      let planted = false
      for (const line of client)
        if (line["kind"] === "ask" && line["path"] === "/trading/limits" && line["method"] === "PUT") {
          within(line, "body")["user"] = { perDay: "1", perWeek: null, perMonth: null, maxOpenOrders: null }
          planted = true
        }
      return planted
    }
  },
  {
    name: "an open order too many",
    foundBy: "I7",
    says: /open orders of 0/,
    plant: ({ client }) => {
      let planted = false
      for (const line of client)
        if (line["kind"] === "ask" && line["path"] === "/trading/limits" && line["method"] === "PUT") {
          within(line, "body")["user"] = { perDay: null, perWeek: null, perMonth: null, maxOpenOrders: 0 }
          planted = true
        }
      return planted
    }
  },
  {
    name: "an order inside a halt",
    foundBy: "I7",
    says: /after the halt/,
    plant: (draft) => haltBefore(draft, (order) => String(order["clientOrderId"]).startsWith("dp"))
  },
  {
    name: "an order of a rule while another is unknown",
    foundBy: "I8",
    says: /left while .* was unknown/,
    plant: ({ exchange, service }) => {
      const doubts = service.filter(
        (line) =>
          line["kind"] === "events" &&
          dataOf(line)["type"] === "order.changed" &&
          JSON.stringify(line).includes('"status":"unknown"')
      )
      for (const doubt of doubts) {
        const { ruleId } = Object(within(doubt, "data", "data")["origin"])
        const other = service.find(
          (line) =>
            line["kind"] === "orders" &&
            Object(dataOf(line)["origin"]).ruleId === ruleId &&
            dataOf(line)["id"] !== dataOf(doubt)["objectId"] &&
            dataOf(line)["exchangeOrderId"] !== null
        )
        const fact = exchange.find(
          ({ _tag, orderId }) => _tag === "orderAccepted" && orderId === (other && dataOf(other)["exchangeOrderId"])
        )
        if (ruleId === null || other === undefined || fact === undefined) continue
        const at = Date.parse(String(dataOf(doubt)["at"])) + 1
        dataOf(other)["sentAt"] = new Date(at).toISOString()
        fact["at"] = at + 1
        return true
      }
      return false
    }
  },
  {
    name: "an order is given up that the exchange has",
    foundBy: "I8",
    says: /was given up/,
    plant: ({ service }) => {
      const told = service.filter(
        (line) =>
          ofKind("events")(line) && dataOf(line)["type"] === "order.changed" && !isUnsent(within(line, "data", "data"))
      )
      const booked = service
        .filter((line) => ofKind("orders")(line) && dataOf(line)["exchangeOrderId"] !== null)
        .map((line) => dataOf(line)["id"])
      return alter(
        told,
        (line) => booked.includes(dataOf(line)["objectId"]),
        (line) => {
          within(line, "data", "data")["status"] = "rejected"
        }
      )
    }
  },
  {
    name: "an order stays unknown",
    foundBy: "I8",
    says: /is still unknown/,
    plant: ({ service }) =>
      alter(service, ofKind("orders"), (line) => {
        dataOf(line)["status"] = "unknown"
      })
  }
]
