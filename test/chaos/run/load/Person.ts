import { listAt, textAt } from "../machine/Json.ts"
import type { Action, Deed } from "../plan/Actions.ts"
import { now, sleep } from "../machine/Time.ts"
import { type Body, timely } from "../plan/Rules.ts"
import type { Answer, Ask, Client } from "./Client.ts"

/** Done however much is waited for. */
const isUrgent = (deed: Deed): boolean =>
  deed.do === "halt" ||
  deed.do === "rules" ||
  deed.do === "glance" ||
  (deed.do === "read" && deed.path.startsWith("/market/tickers/"))

/** Rules that nobody touches end by themselves: what they miss while the machines sleep is nobody's matter. */
const untouchedFor = 120_000
const madeAtOnce = 4

/** One user's doing: turns what the plan says into requests about the rules and orders there are at that moment. */
export const makePerson = (name: string, client: Client) => {
  const orders: Array<string> = []
  const rules: Array<string> = []
  const bodies = new Map<string, Body>()
  let settings: Promise<unknown> = Promise.resolve()
  const pending = new Set<Promise<unknown>>()

  const surely = (ask: Ask) => client.surely(name, ask)
  const keyed = (key: string) => ({ "idempotency-key": key })
  const chosen = (from: ReadonlyArray<string>, pick: number): string | null =>
    from[Math.floor(pick * from.length)] ?? null
  /** The latest are what somebody looks at and cancels. */
  const recent = (pick: number) => chosen(orders.slice(-12), pick)
  const rule = (pick: number) => chosen(rules, pick)
  const noteOrder = (answer: Answer | null) => {
    const id = textAt(answer?.body, "data", "id")
    if (id?.startsWith("ord_") === true && !orders.includes(id)) orders.push(id)
  }
  /** One after the other: a repetition of the older must not undo the newer. */
  const inTurn = (ask: Ask) => {
    settings = settings.then(() => surely(ask))
    return settings
  }

  const edit = async (id: string, key: string, change: Body) => {
    const before = await surely({ method: "GET", path: `/trading/rules/${id}` })
    const body = bodies.get(id)
    const etag = before.headers["etag"]
    if (before.status !== 200 || etag === undefined || body === undefined) return
    await surely({
      method: "PUT",
      path: `/trading/rules/${id}`,
      body: { ...body, ...change },
      headers: { ...keyed(key), "if-match": etag }
    })
  }

  const perform = async (deed: Deed): Promise<unknown> => {
    switch (deed.do) {
      case "order":
        return noteOrder(
          await surely({ method: "POST", path: "/trading/orders", body: deed.body, headers: keyed(deed.key) })
        )
      case "again":
        return surely({ method: "POST", path: "/trading/orders", body: deed.body, headers: keyed(deed.key) })
      case "changed":
        return surely({
          method: "POST",
          path: "/trading/orders",
          body: { ...deed.body, note: "another body" },
          headers: keyed(deed.key)
        })
      case "close": {
        const path = `/trading/positions/${deed.symbol}/close`
        return noteOrder(await surely({ method: "POST", path, body: { book: "manual" }, headers: keyed(deed.key) }))
      }
      case "cancel": {
        const id = recent(deed.pick)
        return id === null ? null : surely({ method: "DELETE", path: `/trading/orders/${id}` })
      }
      case "cancelAll":
        return surely({ method: "DELETE", path: `/trading/orders?${deed.query}` })
      case "halt":
      case "limits":
        return inTurn({ method: "PUT", path: `/trading/${deed.do}`, body: deed.body })
      case "rule": {
        const body = timely(deed.body, now())
        const answer = await surely({ method: "POST", path: "/trading/rules", body, headers: keyed(deed.key) })
        const id = textAt(answer.body, "data", "id")
        if (id === null) return null
        rules.push(id)
        return bodies.set(id, body)
      }
      case "edit": {
        const id = rule(deed.pick)
        return id === null ? null : edit(id, deed.key, deed.body)
      }
      case "run": {
        const id = rule(deed.pick)
        return id === null
          ? null
          : surely({ method: "POST", path: `/trading/rules/${id}/run`, headers: keyed(deed.key) })
      }
      case "pause":
      case "resume": {
        const id = rule(deed.pick)
        return id === null ? null : inTurn({ method: "POST", path: `/trading/rules/${id}/${deed.do}` })
      }
      case "archive": {
        const id = rule(deed.pick)
        return id === null ? null : surely({ method: "DELETE", path: `/trading/rules/${id}?lots=release` })
      }
      case "glance":
        for (let left = deed.times; left > 0; left--) {
          const glance = () => client.once(name, { method: "POST", path: "/account/wallet/refresh", patienceMs: 300 })
          await Promise.all([glance(), glance()])
          await sleep(1_100)
        }
        return null
      case "rules": {
        const endAt = new Date(now() + untouchedFor).toISOString()
        const rest = deed.rules.values()
        const makeEach = async () => {
          for (const { body, key } of rest)
            await surely({ method: "POST", path: "/trading/rules", body: { ...body, endAt }, headers: keyed(key) })
        }
        return Promise.all(Array.from({ length: madeAtOnce }, makeEach))
      }
      case "read": {
        const path = deed.path
          .replace("{order}", recent(deed.pick) ?? "ord_none")
          .replace("{rule}", rule(deed.pick) ?? "rule_none")
        return client.once(name, { method: "GET", path })
      }
    }
  }

  /** Nobody clicks on while nothing is answered. */
  const patience = 8
  const quarantined = new Set<string>()
  const doubted = new Map<string, number>()

  const track = (doing: Promise<unknown>) => {
    const tracked: Promise<unknown> = doing.finally(() => pending.delete(tracked))
    pending.add(tracked)
  }

  /** Every page of a list, as far as it is answered. */
  const everything = async (path: string): Promise<ReadonlyArray<unknown>> => {
    const items: Array<unknown> = []
    for (let cursor: string | null = ""; cursor !== null;) {
      const place: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`
      const page = await client.once(name, { method: "GET", path: `${path}?limit=500${place}` })
      items.push(...listAt(page?.body, "data", "items"))
      cursor = textAt(page?.body, "data", "nextCursor")
    }
    return items
  }

  return {
    name,
    transactions: () => everything("/account/transactions"),
    externals: async () =>
      (await everything("/trading/orders")).filter((order) => textAt(order, "origin", "type") === "external").length,
    act: ({ deed }: Action) => {
      if (pending.size < patience || isUrgent(deed)) track(perform(deed))
    },
    /** Orders of rules are heard of on the stream. */
    heard: (event: unknown) => {
      const id = textAt(event, "data", "id")
      const unknown = textAt(event, "data", "orderId")
      if (textAt(event, "type") === "notice.orderUnknown" && unknown !== null) doubted.set(unknown, Date.now())
      if (textAt(event, "type") === "notice.ruleQuarantined") quarantined.add(textAt(event, "objectId") ?? "")
      if (textAt(event, "type") === "order.changed" && id !== null && !orders.includes(id)) orders.push(id)
    },
    pending: () => pending.size,
    /** Rules whose program failed again and again: a defect, whatever the faults. */
    quarantined: (): ReadonlySet<string> => quarantined,
    /** The owner was told, some time ago, that nobody can say what became of it. */
    isDoubted: (id: string, forMs: number) => Date.now() - (doubted.get(id) ?? Infinity) > forMs,
    /** For whoever reads the journal later: what the service was busy with. */
    lookAtLimits: () => client.once(name, { method: "GET", path: "/status/limits" }),
    haltForGood: () => {
      const body = { halted: true, scope: "all", cancelOpen: true, reason: "the run is over" }
      return inTurn({ method: "PUT", path: "/trading/halt", body })
    },
    unfinished: async (): Promise<
      ReadonlyArray<{ readonly id: string; readonly status: string; readonly clientOrderId: string }>
    > => {
      const lists = await Promise.all(
        ["pending", "unknown", "open", "partiallyFilled"].map((status) =>
          client.once(name, { method: "GET", path: `/trading/orders?status=${status}&limit=500` })
        )
      )
      if (lists.some((list) => list?.status !== 200)) return [{ id: "", status: "unread", clientOrderId: "" }]
      return lists.flatMap((list) =>
        listAt(list?.body, "data", "items")
          .filter((order) => textAt(order, "origin", "type") !== "external")
          .map((order) => ({
            id: textAt(order, "id") ?? "",
            status: textAt(order, "status") ?? "",
            clientOrderId: textAt(order, "clientOrderId") ?? ""
          }))
      )
    },
    resolve: (id: string) =>
      surely({
        method: "POST",
        path: `/trading/orders/${id}/resolve`,
        body: { outcome: "notPlaced", note: "The exchange's own journal does not have it." }
      })
  }
}

export type Person = ReturnType<typeof makePerson>
