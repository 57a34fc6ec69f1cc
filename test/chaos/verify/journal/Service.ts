import { sections, type Section } from "../collecting/Sections.ts"
import { type Json, number, object, objects, orNull, text, texts, Unreadable } from "../Reading.ts"
import type { Line, Lines } from "./Lines.ts"
import { type Order, orderOf } from "./Orders.ts"
import { type Event, eventOf, type Execution, executionOf, type Rule, ruleOf } from "./Rules.ts"
import { type TrailEntry, trailEntryOf } from "./Trail.ts"

export interface Kept<A> {
  readonly line: Line
  readonly value: A
}

/** What the service has of one user. */
export interface UserRecord {
  readonly user: string
  /** The service's clock when it was asked. */
  readonly at: number
  readonly orders: ReadonlyArray<Kept<Order>>
  readonly byId: ReadonlyMap<string, Kept<Order>>
  /** Each with the order it was listed under. */
  readonly fills: ReadonlyArray<Kept<Json> & { readonly order: string }>
  readonly rules: ReadonlyArray<Kept<Rule>>
  readonly executions: ReadonlyArray<Kept<Execution>>
  readonly decisions: ReadonlyArray<Kept<Json> & { readonly rule: string }>
  readonly positions: ReadonlyArray<Json>
  readonly wallet: Kept<Json>
  readonly transactions: ReadonlyArray<Kept<Json>>
  readonly halt: Kept<Json>
  readonly limits: Kept<Json>
  readonly settings: Kept<Json>
  /** Newest first. */
  readonly trail: ReadonlyArray<Kept<TrailEntry>>
  readonly events: ReadonlyArray<Kept<Event>>
  /** The last event there was, by the service's own word. */
  readonly seq: number
  /** The line that closes the events. */
  readonly eventsEnd: Line
}

/** S: what the service has, as its public API shows it. */
export interface ServiceRecord {
  readonly users: ReadonlyMap<string, UserRecord>
  readonly status: ReadonlyMap<string, Kept<Json>>
}

const plural: ReadonlyArray<string> = sections

export const serviceOf = ({ lines }: Lines): ServiceRecord => {
  const [first] = lines
  const last = lines.at(-1)
  if (first === undefined || text(first.value, "kind") !== "service")
    throw new Unreadable("S does not begin as a record")
  if (last === undefined || text(last.value, "kind") !== "end") throw new Unreadable("S is torn: it has no end")
  if (number(last.value, "lines") !== lines.length - 1)
    throw new Unreadable(`S should have ${number(last.value, "lines")} lines and has ${lines.length - 1}`)
  const status = new Map<string, Kept<Json>>()
  const byUser = new Map<string, Array<Line>>(texts(first.value, "users").map((user) => [user, []]))
  for (const line of lines.slice(1, -1)) {
    const kind = text(line.value, "kind")
    if (kind === "status") {
      status.set(text(line.value, "path"), { line, value: object(line.value, "data") })
      continue
    }
    if (kind !== "section" && kind !== "asked" && !plural.includes(kind))
      throw new Unreadable(`${line.place} is of an unknown kind "${kind}"`)
    const its = byUser.get(text(line.value, "user"))
    if (its === undefined) throw new Unreadable(`${line.place} is of a user the record does not name`)
    its.push(line)
  }
  const users = new Map([...byUser].map(([user, its]) => [user, userOf(user, its)]))
  return { users, status }
}

const userOf = (user: string, lines: ReadonlyArray<Line>): UserRecord => {
  const ofKind = (kind: Section | "section" | "asked") => lines.filter(({ value }) => value["kind"] === kind)
  const closing = (section: Section) => {
    const [line, another] = ofKind("section").filter(({ value }) => value["name"] === section)
    if (line === undefined) throw new Unreadable(`S has no ${section} of ${user}`)
    if (another !== undefined) throw new Unreadable(`S has the ${section} of ${user} twice`)
    return line
  }
  const data = (section: Section): ReadonlyArray<Kept<Json>> => {
    const closed = closing(section)
    const its = ofKind(section).map((line) => ({ line, value: object(line.value, "data") }))
    if (its.length !== number(closed.value, "count"))
      throw new Unreadable(`S should have ${number(closed.value, "count")} ${section} of ${user} and has ${its.length}`)
    return its
  }
  const single = (section: Section): Kept<Json> => {
    const [only, another] = data(section)
    if (only === undefined || another !== undefined) throw new Unreadable(`S has not one ${section} of ${user}`)
    return only
  }
  const read = <A>(section: Section, reader: (value: Json) => A): ReadonlyArray<Kept<A>> =>
    data(section).map(({ line, value }) => ({ line, value: reader(value) }))
  const [asked] = ofKind("asked")
  if (asked === undefined) throw new Unreadable(`S does not say when it was asked about ${user}`)
  if (text(single("account").value, "userId") !== `local_${user}`)
    throw new Unreadable(`S has somebody else's account for ${user}`)
  const orders = read("orders", orderOf)
  const eventsEnd = closing("events")
  if (orNull(object, eventsEnd.value, "gap") !== null) throw new Unreadable(`the events of ${user} begin with a gap`)
  return {
    user,
    at: Date.parse(text(asked.value, "time")),
    orders,
    byId: new Map(orders.map((kept) => [kept.value.id, kept])),
    fills: data("fills").map((kept) => ({ ...kept, order: text(kept.line.value, "order") })),
    rules: read("rules", ruleOf),
    executions: read("executions", executionOf),
    decisions: data("decisions").map((kept) => ({ ...kept, rule: text(kept.line.value, "rule") })),
    positions: objects(single("positions").value, "items"),
    wallet: single("wallet"),
    transactions: data("transactions"),
    halt: single("halt"),
    limits: single("limits"),
    settings: single("settings"),
    trail: read("audit", trailEntryOf),
    events: read("events", eventOf),
    seq: number(eventsEnd.value, "seq"),
    eventsEnd
  }
}
