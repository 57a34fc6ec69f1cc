import { type Client, createClient } from "@libsql/client/sqlite3"
import type { Told } from "./workload.ts"

/** What somebody knew before the cut, and what the disk must therefore still say. */
export class Expected {
  readonly #orders = new Map<string, { executedQuantity: string; ended: boolean }>()
  readonly #rules = new Map<string, number>()
  readonly #events = new Map<string, number>()
  readonly #sent = new Set<string>()
  #keys = 0

  tell(told: Told): void {
    if (told.what === "order") {
      // A later answer says at least as much; two that cross may come in either order.
      const known = this.#orders.get(told.id)
      if (known === undefined || isMore(told.executedQuantity, known.executedQuantity) || !known.ended)
        this.#orders.set(told.id, { executedQuantity: told.executedQuantity, ended: told.ended })
    } else if (told.what === "rule") this.#rules.set(told.id, Math.max(told.version, this.#rules.get(told.id) ?? 0))
    else if (told.what === "event") this.#events.set(told.user, Math.max(told.seq, this.#events.get(told.user) ?? 0))
    else this.#keys++
  }

  /** The bytes of an order leave for the exchange. */
  sends(clientOrderId: string): void {
    this.#sent.add(clientOrderId)
  }

  get size(): number {
    return this.#orders.size + this.#rules.size + this.#events.size + this.#sent.size + this.#keys
  }

  /** What of it the database lacks, or what else is wrong with it; nothing when all is well. */
  async missingFrom(path: string): Promise<Missing> {
    const client = createClient({ url: `file:${path}` })
    try {
      return await this.#look(client)
    } catch (cause) {
      return { broken: [cause instanceof Error ? cause.message : String(cause)], lost: [] }
    } finally {
      client.close()
    }
  }

  async #look(client: Client): Promise<Missing> {
    const rows = async (sql: string) => (await client.execute(sql)).rows
    const integrity = (await rows("PRAGMA integrity_check")).map((row) => String(row[0]))
    const foreign = (await rows("PRAGMA foreign_key_check")).map((row) => `${String(row[0])} refers to nothing`)
    const broken = [...integrity.filter((line) => line !== "ok"), ...foreign]
    const tables = new Set((await rows("SELECT name FROM sqlite_master WHERE type = 'table'")).map((row) => row[0]))
    const of = (table: string, sql: string) => (tables.has(table) ? rows(sql) : [])

    const lost: Array<string> = []
    const orders = new Map(
      (await of("orders", "SELECT order_id, client_order_id, executed_quantity, terminal_at, sent_at FROM orders")).map(
        (row) => [String(row[0]), row]
      )
    )
    for (const [id, { ended, executedQuantity }] of this.#orders) {
      const row = orders.get(id)
      if (row === undefined) lost.push(`order ${id}`)
      else if (isMore(executedQuantity, String(row[2]))) lost.push(`fills of order ${id}`)
      else if (ended && row[3] === null) lost.push(`the end of order ${id}`)
    }
    const sent = new Set([...orders.values()].filter((row) => row[4] !== null).map((row) => row[1]))
    for (const id of this.#sent) if (!sent.has(id)) lost.push(`that ${id} was sent`)

    const rules = new Map(
      (await of("rules", "SELECT rule_id, version FROM rules")).map((row) => [String(row[0]), Number(row[1])])
    )
    for (const [id, version] of this.#rules)
      if ((rules.get(id) ?? 0) < version) lost.push(`version ${version} of rule ${id}`)

    const events = await of("events", "SELECT user_id, max(seq), count(*) FROM events GROUP BY user_id")
    for (const row of events) if (row[1] !== row[2]) broken.push(`the events of ${String(row[0])} have a hole`)
    const heads = new Map(events.map((row) => [String(row[0]), Number(row[1])]))
    for (const [user, seq] of this.#events) if ((heads.get(user) ?? 0) < seq) lost.push(`event ${seq} of ${user}`)

    const keys = Number((await of("api_keys", "SELECT count(*) FROM api_keys"))[0]?.[0] ?? 0)
    if (keys < this.#keys) lost.push(`${this.#keys - keys} API keys`)
    return { broken, lost }
  }
}

export interface Missing {
  readonly broken: ReadonlyArray<string>
  readonly lost: ReadonlyArray<string>
}

/** Of two plain decimals; no number type comes near them. */
const isMore = (left: string, right: string): boolean => {
  const [a = "0", aRest = ""] = left.split(".")
  const [b = "0", bRest = ""] = right.split(".")
  const places = Math.max(aRest.length, bRest.length)
  return BigInt(a + aRest.padEnd(places, "0")) > BigInt(b + bRest.padEnd(places, "0"))
}
