import { type Json, objectOf } from "../Reading.ts"
import type { Journals } from "../Run.ts"

/** A line that may be changed. */
export type Entry = Record<string, unknown>

/** Three journals taken apart, to be changed and put together again so that only the change can be noticed. */
export interface Draft {
  client: Array<Entry>
  exchange: Array<Entry>
  service: Array<Entry>
}

const entries = (content: string): Array<Entry> =>
  content
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ ...objectOf(JSON.parse(line)) }))

export const draftOf = ({ client, exchange, service }: Journals): Draft => ({
  client: entries(client),
  exchange: entries(exchange),
  service: entries(service)
})

const text = (lines: ReadonlyArray<Json>): string => lines.map((line) => `${JSON.stringify(line)}\n`).join("")

/** Numbers, counts and ends are made to fit what is there now. */
export const finished = ({ client, exchange, service }: Draft): Journals => {
  const counts = new Map<string, number>()
  for (const { kind, user } of service)
    counts.set(`${String(kind)} ${String(user)}`, (counts.get(`${String(kind)} ${String(user)}`) ?? 0) + 1)
  const recounted = service.map((line) => {
    if (line["kind"] === "end") return { ...line, lines: service.length - 1 }
    if (line["kind"] !== "section") return line
    return { ...line, count: counts.get(`${String(line["name"])} ${String(line["user"])}`) ?? 0 }
  })
  return {
    client: text(client.map((line, index) => ({ ...line, n: index + 1 }))),
    exchange: text(exchange),
    service: text(recounted)
  }
}

/** The object inside a line, to be changed in place of it. */
export const within = (line: Entry, ...path: ReadonlyArray<string>): Entry => {
  let inner = line
  for (const name of path) {
    const next = { ...objectOf(inner[name]) }
    inner[name] = next
    inner = next
  }
  return inner
}

export const dataOf = (line: Entry): Entry => within(line, "data")

/** Takes the first line that fits out of a journal; false when there is none. */
export const drop = (lines: Array<Entry>, fits: (line: Entry) => boolean): boolean => {
  const index = lines.findIndex(fits)
  if (index < 0) return false
  lines.splice(index, 1)
  return true
}

/** Puts a copy, changed, behind the first line that fits. */
export const repeat = (
  lines: Array<Entry>,
  fits: (line: Entry) => boolean,
  change: (line: Entry) => void = () => undefined
): boolean => {
  const index = lines.findIndex(fits)
  const found = lines[index]
  if (found === undefined) return false
  const copy = structuredClone(found)
  change(copy)
  lines.splice(index + 1, 0, copy)
  return true
}

/** Changes the first line that fits. */
export const alter = (
  lines: ReadonlyArray<Entry>,
  fits: (line: Entry) => boolean,
  change: (line: Entry) => void
): boolean => {
  const found = lines.find(fits)
  if (found === undefined) return false
  change(found)
  return true
}
