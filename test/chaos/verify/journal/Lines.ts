import { type Json, objectOf, Unreadable } from "../Reading.ts"

/** One line of a journal and where it stands, to be shown beside what was found. */
export interface Line {
  /** `C`, `E` or `S`, and the number of the line. */
  readonly place: string
  readonly value: Json
}

export interface Lines {
  readonly lines: ReadonlyArray<Line>
  /** A remark for the reader; not a violation. */
  readonly notes: ReadonlyArray<string>
}

const parsed = (place: string, line: string): Json => {
  try {
    return objectOf(JSON.parse(line))
  } catch {
    throw new Unreadable(`${place} is not one JSON object: ${line.slice(0, 200)}`)
  }
}

/**
 * Every line of a journal. Only of the load generator's, which is written while things are killed, the last line may be
 * torn: what was asked for is on disk before it is sent, so a torn line tells of nothing that happened.
 */
export const linesOf = (journal: "C" | "E" | "S", content: string): Lines => {
  const texts = content.split("\n")
  const rest = texts.pop() ?? ""
  const place = (index: number) => `${journal}:${index + 1}`
  const lines = texts.map((line, index) => ({ place: place(index), value: parsed(place(index), line) }))
  if (lines.length === 0) throw new Unreadable(`${journal} is empty`)
  if (rest === "") return { lines, notes: [] }
  if (journal !== "C") throw new Unreadable(`${place(texts.length)} is torn: ${rest.slice(0, 200)}`)
  return { lines, notes: [`${place(texts.length)} is torn and left out: ${rest.slice(0, 80)}`] }
}

export const show = ({ place, value }: Line): string => {
  const line = JSON.stringify(value)
  return `${place} ${line.length > 700 ? `${line.slice(0, 700)}…` : line}`
}
