import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Client } from "./load/Client.ts"
import type { Exchange } from "./machine/Exchange.ts"
import type { Journal } from "./machine/Journal.ts"
import { parsed } from "./machine/Json.ts"
import { output } from "./machine/Program.ts"
import type { Service } from "./machine/Service.ts"
import { until } from "./machine/Time.ts"

/** A service that never reads a wallet again is judged by what it has. */
const untilReadable = 30_000

export interface Verdict {
  readonly orders: number
  readonly fills: number
  readonly violations: number | null
  readonly text: string
}

/** Gathers the three records and lets the checker, a program of its own, compare them. */
export const judge = async (
  root: string,
  folder: string,
  service: Service,
  exchange: Exchange,
  client: Client,
  tokens: ReadonlyMap<string, string>,
  journal: Journal
): Promise<Verdict> => {
  for (const user of tokens.keys())
    await until(
      async () => (await client.once(user, { method: "POST", path: "/account/wallet/refresh" }))?.status === 200,
      untilReadable,
      1_000
    )
  const files = ["client.jsonl", "exchange.jsonl", "service.jsonl"].map((name) => join(folder, name))
  const [, ours = "", theirs = ""] = files
  const told = (await exchange.control("GET", "journal")).text
  const [accounts, counters, faults] = await Promise.all(
    ["accounts", "counters", "faults"].map(async (path) => parsed((await exchange.control("GET", path)).text))
  )
  // The exchange's own sums are the last line of its record: what is compared stays three files.
  writeFileSync(ours, `${told.trimEnd()}\n${JSON.stringify({ _tag: "sums", accounts, counters, faults })}\n`)
  const count = (tag: string) => told.split(`"_tag":"${tag}"`).length - 1
  const counts = { orders: count("orderAccepted"), fills: count("filled") }
  const collect = join(root, ".cache/verify/collect.js")
  const verify = join(root, ".cache/verify/verify.js")
  if (!existsSync(verify)) return { ...counts, violations: null, text: "there is no checker" }
  const keys = join(folder, "keys.json")
  writeFileSync(keys, JSON.stringify(Object.fromEntries(tokens)), { mode: 0o600 })
  const collected = await output([collect, service.url, keys, theirs], { cwd: folder, env: {} })
  if (collected.code !== 0) return { ...counts, violations: null, text: `not collected: ${collected.stderr}` }
  journal.note({ kind: "collected" })
  const { code, stderr, stdout } = await output([verify, ...files], { cwd: folder, env: {} })
  const violations = /(\d+) violations?\s*$/.exec(stdout.trim())?.[1]
  const found = violations === undefined ? (code === 1 ? 1 : null) : Number(violations)
  return { ...counts, violations: code === 0 ? found : (found ?? 1), text: `${stdout}${stderr}`.trim() }
}
