import { type Json, objects, text } from "../Reading.ts"
import { type Answer, type Api, seqOf } from "./Api.ts"
import { ruleStates, type Section } from "./Sections.ts"

export type Write = (line: Json) => void

/** At most so many requests at once. */
const atOnce = 8

const each = async <A>(items: ReadonlyArray<A>, perform: (item: A) => Promise<void>): Promise<void> => {
  const rest = items.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of rest) await perform(item)
    })
  )
}

/** Everything the service has of one user, a line each, and after each section how many lines it has. */
export const collectUser = async (user: string, api: Api, write: Write): Promise<void> => {
  const counts = new Map<Section, number>()
  const put = (section: Section, data: Json, more: Json = {}) => {
    counts.set(section, (counts.get(section) ?? 0) + 1)
    write({ kind: section, user, ...more, data })
  }
  const close = (section: Section, last: Answer | null = null) =>
    write({ kind: "section", user, name: section, count: counts.get(section) ?? 0, seq: last?.seq ?? null })
  const one = async (section: Section, path: string) => {
    const answer = await api.get(path)
    put(section, answer.data)
    close(section, answer)
  }

  write({ kind: "asked", user, time: text((await api.get("/status")).data, "time") })
  await one("account", "/account")
  await one("settings", "/account/settings")

  const orders = await api.all("/trading/orders")
  for (const order of orders.items) put("orders", order)
  close("orders", orders.last)
  await each(orders.items, async (order) => {
    const id = text(order, "id")
    const { data } = await api.get(`/trading/orders/${id}/fills`)
    for (const fill of objects(data, "items")) put("fills", fill, { order: id })
  })
  close("fills")

  const rules = (await Promise.all(ruleStates.map((state) => api.all(`/trading/rules?state=${state}`)))).flatMap(
    ({ items }) => items
  )
  for (const rule of rules) put("rules", rule)
  close("rules")
  for (const execution of (await api.all("/trading/executions")).items) put("executions", execution)
  close("executions")
  await each(rules, async (rule) => {
    const id = text(rule, "id")
    for (const decision of (await api.all(`/trading/rules/${id}/decisions`)).items)
      put("decisions", decision, { rule: id })
  })
  close("decisions")

  const positions = await api.get("/trading/positions")
  put("positions", positions.data)
  close("positions", positions)
  await one("wallet", "/account/wallet")
  for (const entry of (await api.all("/account/transactions")).items) put("transactions", entry)
  close("transactions")
  await one("halt", "/trading/halt")
  await one("limits", "/trading/limits")
  for (const entry of (await api.all("/account/audit")).items) put("audit", entry)
  close("audit")

  const events = await api.all("/account/events?since=0")
  for (const event of events.items) put("events", event)
  write({
    kind: "section",
    user,
    name: "events",
    count: counts.get("events") ?? 0,
    seq: seqOf(events.last),
    gap: events.last.data["gap"]
  })
}
