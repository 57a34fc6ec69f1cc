import type { Defect } from "./Defect.ts"
import { alter, dataOf, drop, type Entry, repeat, within } from "./Draft.ts"

const ofKind = (kind: string) => (line: Entry) => line["kind"] === kind
const fact = (tag: string) => (line: Entry) => line["_tag"] === tag
const own = (line: Entry) => String(line["clientOrderId"]).startsWith("dp")
const orderWith = (fits: (data: Entry) => boolean) => (line: Entry) => line["kind"] === "orders" && fits(dataOf(line))
const isFilled = (data: Entry) => data["status"] === "filled"

/** The first order that a client was answered and that is at the exchange. */
const acknowledged = (client: ReadonlyArray<Entry>): string => {
  const answer = client.find(
    ({ body, kind, status }) => kind === "answer" && status === 201 && JSON.stringify(body).includes('"clientOrderId"')
  )
  return answer === undefined ? "" : String(within(answer, "body", "data")["id"])
}

export const orderDefects: ReadonlyArray<Defect> = [
  {
    name: "the last acknowledged order is lost",
    foundBy: "I1",
    says: /was shown to|is gone/,
    plant: ({ client, service }) => {
      const id = acknowledged(client)
      return drop(
        service,
        orderWith((data) => data["id"] === id)
      )
    }
  },
  {
    name: "a filled order is open again",
    foundBy: "I1",
    says: /was filled and is open|changed without/,
    plant: ({ client, service }) => {
      const id = acknowledged(client)
      return alter(
        service,
        orderWith((data) => data["id"] === id),
        (line) => {
          dataOf(line)["status"] = "open"
        }
      )
    }
  },
  {
    name: "a status un-happens between two reads",
    foundBy: "I1",
    says: /went back from version|was \w+ and is \w+/,
    plant: ({ client }) => {
      const index = client.findLastIndex(
        ({ body, kind, status }) =>
          kind === "answer" && status === 200 && JSON.stringify(body).includes('"clientOrderId"')
      )
      const answer = client[index]
      const ask = client.find(({ id, kind }) => kind === "ask" && id === answer?.["id"])
      if (answer === undefined || ask === undefined) return false
      const id = Math.max(...client.map((line) => Number(line["id"] ?? 0))) + 1
      const copy: Entry = structuredClone({ ...answer, id })
      const data = within(copy, "body", "data")
      const older = (order: Entry): Entry => ({ ...order, version: 1, status: "pending", executedQuantity: "0" })
      if (Array.isArray(data["items"])) data["items"] = data["items"].map((item) => older({ ...Object(item) }))
      else within(copy, "body")["data"] = older(data)
      client.push({ ...ask, id, at: copy["at"] }, copy)
      return true
    }
  },
  {
    name: "less is executed than was read",
    foundBy: "I1",
    says: /had executed|changed without/,
    plant: ({ client, service }) => {
      const shown = client.flatMap(({ body, headers, kind }) =>
        kind === "answer" && !JSON.stringify(headers).includes("replayed")
          ? [...JSON.stringify(body).matchAll(/"id":"(ord_\w+)","version":.*?"executedQuantity":"(.*?)"/g)]
          : []
      )
      const id = shown.find(([, , executed]) => executed !== "0")?.[1]
      return alter(
        service,
        orderWith((data) => data["id"] === id),
        (line) => {
          dataOf(line)["executedQuantity"] = "0"
        }
      )
    }
  },
  {
    name: "an order of the exchange is lost",
    foundBy: "I2",
    says: /has no order/,
    plant: ({ service }) =>
      drop(
        service,
        orderWith((data) => data["exchangeOrderId"] !== null)
      )
  },
  {
    name: "an order made elsewhere is lost",
    foundBy: "I2",
    says: /has no order/,
    plant: ({ service }) =>
      drop(
        service,
        orderWith((data) => JSON.stringify(data["origin"]).includes('"external"'))
      )
  },
  {
    name: "an order is not at the exchange",
    foundBy: "I2",
    says: /is not at the exchange/,
    plant: ({ exchange }) => {
      const order = exchange.find((line) => fact("orderAccepted")(line) && own(line))
      const kept = exchange.filter((line) => line["orderId"] !== order?.["orderId"])
      exchange.splice(0, exchange.length, ...kept)
      return order !== undefined
    }
  },
  {
    name: "an order has another status than at the exchange",
    foundBy: "I2",
    says: /another status/,
    plant: ({ service }) =>
      alter(
        service,
        orderWith((data) => data["status"] === "cancelled" && data["exchangeOrderId"] !== null),
        (line) => {
          dataOf(line)["status"] = "filled"
        }
      )
  },
  {
    name: "an order executed less than at the exchange",
    foundBy: "I2",
    says: /another executed quantity/,
    plant: ({ service }) =>
      alter(service, orderWith(isFilled), (line) => {
        dataOf(line)["executedQuantity"] = "0.0001"
      })
  },
  {
    name: "two users' orders are swapped",
    foundBy: "I2",
    says: /has no order|is not at the exchange/,
    plant: ({ service }) => {
      const users = [...new Set(service.filter(orderWith(isFilled)).map(({ user }) => user))]
      const [one, two] = users.map((user) => service.find((line) => line["user"] === user && orderWith(isFilled)(line)))
      if (one === undefined || two === undefined) return false
      const data = one["data"]
      one["data"] = two["data"]
      two["data"] = data
      return true
    }
  },
  {
    name: "an order is never finished",
    foundBy: "I2",
    says: /is still open/,
    plant: ({ service }) =>
      alter(
        service,
        orderWith((data) => data["status"] === "cancelled"),
        (line) => {
          dataOf(line)["status"] = "open"
        }
      )
  },
  {
    name: "a name is used twice",
    foundBy: "I3",
    says: /two orders are named/,
    plant: ({ exchange }) =>
      repeat(
        exchange,
        (line) => fact("orderAccepted")(line) && own(line),
        (copy) => {
          copy["orderId"] = "another"
        }
      )
  },
  {
    name: "a key makes two orders",
    foundBy: "I3",
    says: /the key of .* made several orders/,
    plant: ({ client }) => {
      const ask = client.findLast(
        (line) =>
          line["kind"] === "ask" &&
          line["path"] === "/trading/orders" &&
          client.some(({ id, kind, status }) => kind === "answer" && id === line["id"] && status === 201)
      )
      const answer = client.find(({ id, kind }) => kind === "answer" && id === ask?.["id"])
      if (ask === undefined || answer === undefined) return false
      const id = Math.max(...client.map((line) => Number(line["id"] ?? 0))) + 1
      const copy = structuredClone({ ...answer, id })
      within(copy, "body", "data")["id"] = "ord_another"
      client.push({ ...ask, id }, copy)
      return true
    }
  },
  {
    name: "an order nobody asked for",
    foundBy: "I3",
    says: /nobody asked for/,
    plant: ({ client, service }) => {
      const id = acknowledged(client)
      const order = service.find(orderWith((data) => data["id"] === id))
      if (order === undefined) return false
      for (const line of client)
        if (line["kind"] === "answer" && JSON.stringify(line["body"]).includes(`"id":"${id}"`)) {
          line["status"] = 422
          line["body"] = { success: false, error: { code: "ORDER_REJECTED", message: "no" } }
        }
      return true
    }
  },
  {
    name: "two orders under one slot",
    foundBy: "I3",
    says: /two firings are called/,
    plant: ({ service }) =>
      repeat(service, ofKind("executions"), (copy) => {
        dataOf(copy)["id"] = "exe_another"
      })
  },
  {
    name: "a firing buys twice",
    foundBy: "I3",
    says: /bought 2 times|while one of its was open/,
    plant: ({ exchange, service }) => {
      const execution = service.find(
        (line) =>
          line["kind"] === "executions" && dataOf(line)["outcome"] === "executed" && dataOf(line)["kind"] === "entry"
      )
      if (execution === undefined) return false
      const data = dataOf(execution)
      const id = String([data["orders"]].flat()[0])
      const order = service.find(orderWith((each) => each["id"] === id))
      if (order === undefined) return false
      const name = `dp${"9".repeat(30)}`
      const twin = structuredClone(order)
      Object.assign(dataOf(twin), { id: "ord_twin", clientOrderId: name, exchangeOrderId: "twin" })
      service.splice(service.indexOf(order), 0, twin)
      data["orders"] = [...[data["orders"]].flat(), "ord_twin"]
      return repeat(
        exchange,
        (line) => fact("orderAccepted")(line) && line["orderId"] === dataOf(order)["exchangeOrderId"],
        (copy) => {
          Object.assign(copy, { orderId: "twin", clientOrderId: name })
        }
      )
    }
  }
]
