import { readFileSync, statSync, openSync, readSync, closeSync } from "node:fs"
import { join } from "node:path"
import type { Fault } from "../plan/Faults.ts"
import { listAt, numberAt, parsed, textAt } from "./Json.ts"
import { start, type Started } from "./Program.ts"
import { sleep } from "./Time.ts"

export interface Exchange {
  readonly url: string
  readonly process: Started
  readonly control: (method: string, path: string, body?: object) => Promise<{ ok: boolean; text: string }>
  readonly plan: (fault: Fault) => Promise<boolean>
  readonly fired: () => Promise<ReadonlyMap<string, number>>
  /** Calls back soon after each order that the exchange books. */
  readonly watch: (booked: () => void) => { readonly end: () => void }
  readonly journal: () => string
}

/** The paper exchange as a process of its own, with a journal of its own; it is never killed. */
export const startExchange = async (
  program: ReadonlyArray<string>,
  folder: string,
  seed: number,
  env: Readonly<Record<string, string>>
): Promise<Exchange> => {
  const data = join(folder, "exchange")
  const process = start(
    [...program, "paper", "--port", "0", "--control", "--data", data, "--market", "still", "--seed", String(seed)],
    { cwd: folder, log: join(folder, "exchange.log"), env }
  )
  const url = (await process.line(/paper exchange ready (\S+)/))?.[1]
  if (url === undefined) throw new Error(`the paper exchange did not start: see ${folder}/exchange.log`)
  const control = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${url}/paper/v1/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } })
    })
    return { ok: answer.ok, text: await answer.text() }
  }
  const file = join(data, "journal.jsonl")
  return {
    url,
    process,
    control,
    plan: async (fault) => (await control("POST", "faults", { faults: [fault] })).ok,
    fired: async () =>
      new Map(
        listAt(parsed((await control("GET", "faults")).text), "faults").map((fault) => [
          textAt(fault, "type") ?? "",
          numberAt(fault, "fired") ?? 0
        ])
      ),
    watch: (booked) => watchOrders(file, booked),
    journal: () => readFileSync(file, "utf8")
  }
}

/** The journal's file is looked at every five milliseconds: nothing is asked of the exchange for it. */
const watchOrders = (file: string, booked: () => void) => {
  let watching = true
  let read = statSync(file).size
  const look = async () => {
    const buffer = Buffer.alloc(262_144)
    while (watching) {
      if (statSync(file).size > read) {
        const opened = openSync(file, "r")
        const length = readSync(opened, buffer, 0, buffer.length, read)
        closeSync(opened)
        read += length
        if (buffer.toString("latin1", 0, length).includes("orderAccepted")) booked()
      }
      await sleep(5)
    }
  }
  void look()
  return { end: () => void (watching = false) }
}
