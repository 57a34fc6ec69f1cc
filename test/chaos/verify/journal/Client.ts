import { type Json, list, number, object, objectOf, orNull, text, Unreadable } from "../Reading.ts"
import type { Line, Lines } from "./Lines.ts"

/** One request of the load generator and the answer to it, if one came. */
export interface Call {
  readonly user: string
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: string
  readonly key: string | null
  readonly body: Json | null
  readonly ask: Line
  readonly askedAt: number
  /** Place in the journal, which is the order in which things happened. */
  readonly askedN: number
  readonly answer: Answer | null
}

export interface Answer {
  readonly line: Line
  readonly at: number
  readonly n: number
  readonly status: number
  /** What a 2xx carries. */
  readonly data: Json | null
  readonly replayed: boolean
  readonly seq: number | null
}

export interface Heard {
  readonly user: string
  readonly line: Line
  readonly n: number
  readonly what: "stream" | "snapshot" | "event" | "gap"
  readonly seq: number | null
  readonly value: Json
}

/** C: what the load generator asked for and was told. */
export interface ClientRecord {
  readonly calls: ReadonlyArray<Call>
  readonly heard: ReadonlyArray<Heard>
  /** Access keys of the exchange by user. */
  readonly accessKeys: ReadonlyMap<string, string>
  readonly lines: ReadonlyArray<Line>
}

const remarks = ["run", "started", "killed", "ended", "fault", "faultsOff", "clock", "quiet", "collected"]

const headerOf = (headers: Json, name: string): string | null => (name in headers ? text(headers, name) : null)

const answerOf = (line: Line): Answer => {
  const { value } = line
  const headers = object(value, "headers")
  const status = number(value, "status")
  const seq = headerOf(headers, "x-event-seq")
  return {
    line,
    at: number(value, "at"),
    n: number(value, "n"),
    status,
    data: status >= 200 && status < 300 ? object(object(value, "body"), "data") : null,
    replayed: headerOf(headers, "idempotency-replayed") === "true",
    seq: seq === null ? null : Number(seq)
  }
}

const callOf = (ask: Line, answer: Answer | null): Call => {
  const { value } = ask
  const [path = "", query = ""] = text(value, "path").split("?")
  return {
    user: text(value, "user"),
    method: text(value, "method"),
    path,
    query,
    key: headerOf(object(value, "headers"), "idempotency-key"),
    body: "body" in value ? object(value, "body") : null,
    ask,
    askedAt: number(value, "at"),
    askedN: number(value, "n"),
    answer
  }
}

const heardOf = (line: Line, what: Heard["what"]): Heard => ({
  user: text(line.value, "user"),
  line,
  n: number(line.value, "n"),
  what,
  seq: what === "stream" ? orNull(number, line.value, "after") : orNull(number, line.value, "seq"),
  value: line.value
})

export const clientOf = ({ lines }: Lines): ClientRecord => {
  const asks = new Map<number, Line>()
  const answers = new Map<number, Answer | null>()
  const heard: Array<Heard> = []
  const accessKeys = new Map<string, string>()
  const end = (line: Line, answer: Answer | null) => {
    const id = number(line.value, "id")
    if (!asks.has(id)) throw new Unreadable(`${line.place} answers what nobody asked`)
    if (answers.has(id)) throw new Unreadable(`${line.place} answers a second time`)
    answers.set(id, answer)
  }
  for (const [index, line] of lines.entries()) {
    if (number(line.value, "n") !== index + 1) throw new Unreadable(`${line.place} is not number ${index + 1}: a gap`)
    const kind = text(line.value, "kind")
    if (kind === "ask") asks.set(number(line.value, "id"), line)
    else if (kind === "answer") end(line, answerOf(line))
    else if (kind === "noAnswer") end(line, null)
    else if (kind === "user") accessKeys.set(text(line.value, "user"), text(line.value, "accessKey"))
    else if (kind === "stream" || kind === "snapshot" || kind === "event" || kind === "gap")
      heard.push(heardOf(line, kind))
    else if (!remarks.includes(kind)) throw new Unreadable(`${line.place} is of an unknown kind "${kind}"`)
  }
  const calls = [...asks].map(([id, ask]) => callOf(ask, answers.get(id) ?? null))
  return { calls, heard, accessKeys, lines }
}

/** The objects of an answer: itself, or the items of its list. */
export const itemsOf = (data: Json): ReadonlyArray<Json> =>
  "items" in data ? list(data, "items").map(objectOf) : [data]
