import { type Exact, exact, plain, times } from "../Exact.ts"
import type { Entry } from "./Draft.ts"

/** One user of a small world in which everything goes as it should. */
export interface Actor {
  readonly name: string
  readonly accountId: string
  readonly orders: Array<Entry>
  readonly fills: Array<Entry>
  readonly rules: Array<Entry>
  readonly executions: Array<Entry>
  readonly decisions: Array<Entry>
  readonly transactions: Array<Entry>
  readonly events: Array<Entry>
  readonly balances: Map<string, Exact>
  /** What the rules' books have of BTC; the rest is in the manual one. */
  readonly books: Map<string, Exact>
  halt: Entry
  limits: Entry
}

export const amount = (text: string): Exact => exact(text) ?? 0n

const noHalt = { halted: false, scope: null, by: null, reason: null, since: null }
const noLimits = {
  user: { perDay: null, perWeek: null, perMonth: null, maxOpenOrders: null },
  assets: [],
  keys: [],
  quoteAsset: "USDT",
  used: { day: "0", week: "0", month: "0", openOrders: 0 }
}

/** The three journals as they grow. Time goes on by a millisecond a line, and when told. */
export class Scene {
  now = Date.parse("2026-03-02T10:00:00.000Z")
  readonly client: Array<Entry> = []
  readonly exchange: Array<Entry> = []
  readonly actors: Array<Actor> = []
  private count = 0
  private asked = 0

  wait(ms: number): void {
    this.now += ms
  }

  iso(at: number = this.now): string {
    return new Date(at).toISOString()
  }

  /** Ids of the service: a prefix and a number. */
  id(prefix: string): string {
    return `${prefix}_${String(++this.count).padStart(26, "0")}`
  }

  hex(): string {
    return `dp${String(++this.count).padStart(30, "0")}`
  }

  note(line: Entry): void {
    this.now += 1
    this.client.push({ at: this.now, n: this.client.length + 1, ...line })
  }

  fact(line: Entry): void {
    this.now += 1
    this.exchange.push({ ..._tagFirst(line), at: this.now })
  }

  actor(name: string): Actor {
    const accountId = String(10_000_001 + this.actors.length)
    const made: Actor = {
      name,
      accountId,
      orders: [],
      fills: [],
      rules: [],
      executions: [],
      decisions: [],
      transactions: [],
      events: [],
      balances: new Map(),
      books: new Map(),
      halt: noHalt,
      limits: noLimits
    }
    this.actors.push(made)
    this.fact({ _tag: "accountOpened", accountId, accessKey: `key${name}` })
    this.note({ kind: "user", user: name, accessKey: `key${name}` })
    return made
  }

  /** Money comes to the exchange and is found by the service. */
  pay(actor: Actor, asset: string, text: string, kind: "opening" | "deposit" | "adjustment"): void {
    const tag = kind === "adjustment" ? "adjusted" : "deposited"
    this.fact({ _tag: tag, accountId: actor.accountId, asset, amount: text })
    this.post(actor, kind, asset, amount(text), `${kind}:${asset}:${this.now}`)
  }

  post(actor: Actor, kind: string, asset: string, value: Exact, source: string): void {
    if (value === 0n) return
    actor.balances.set(asset, (actor.balances.get(asset) ?? 0n) + value)
    actor.transactions.push({
      id: this.id("led"),
      at: this.iso(),
      kind,
      asset,
      amount: plain(value),
      symbol: null,
      book: null,
      reason: kind === "adjustment" ? "UNEXPLAINED" : null,
      source
    })
  }

  event(actor: Actor, type: string, objectId: string, data: Entry): void {
    this.now += 1
    const seq = actor.events.length + 1
    const copy = structuredClone(data)
    actor.events.push({ seq, at: this.iso(), type, objectId, data: copy })
    this.note({ kind: "event", user: actor.name, seq, type, objectId, data: copy })
  }

  /** A request; `serve` does what it asks for and gives the answer, null when none came. */
  call(
    actor: Actor,
    method: string,
    path: string,
    ask: { readonly key?: string; readonly body?: Entry },
    serve: () => readonly [status: number, data: Entry] | null,
    replayed = false
  ): void {
    const id = ++this.asked
    const headers = ask.key === undefined ? {} : { "idempotency-key": ask.key }
    const body = ask.body === undefined ? {} : { body: ask.body }
    this.note({ kind: "ask", id, user: actor.name, method, path, headers, ...body })
    const answer = serve()
    if (answer === null) return this.note({ kind: "noAnswer", id, why: "fetch failed: other side closed" })
    const [status, data] = answer
    const told = {
      "x-event-seq": String(actor.events.length),
      ...(replayed ? { "idempotency-replayed": "true" } : {})
    }
    const success = status < 300
    const content = success ? { success, data: structuredClone(data) } : { success, error: data }
    this.note({ kind: "answer", id, status, body: content, headers: told })
  }

  read(actor: Actor, path: string, data: Entry): void {
    this.call(actor, "GET", path, {}, () => [200, data])
  }
}

const _tagFirst = ({ _tag, ...rest }: Entry): Entry => ({ _tag, ...rest })

export const quoteOf = (price: string, quantity: string): Exact => times(amount(price), amount(quantity))
