import { type Json, number, object, objectOf, objects, orNull, text } from "../Reading.ts"

/** The service's answer to one GET; `seq` is the event that it is at least as new as. */
export interface Answer {
  readonly data: Json
  readonly seq: number | null
}

const patience = 40
/** A busy machine, a limit, a service that is not ready. */
const comesAgain: ReadonlyArray<number> = [408, 429, 503]

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms))

/** Asks again while the service says that it cannot just now; anything else but 200 ends the collection. */
export const makeApi = (base: string, token: string) => {
  const get = async (path: string): Promise<Answer> => {
    for (let attempt = 0; attempt < patience; attempt++) {
      const response = await fetch(`${base}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })
      const body = await response.text()
      if (response.status === 200) {
        const seq = response.headers.get("x-event-seq")
        return { data: object(objectOf(JSON.parse(body)), "data"), seq: seq === null ? null : Number(seq) }
      }
      if (!comesAgain.includes(response.status))
        throw new Error(`GET ${path} was answered ${response.status}: ${body.slice(0, 300)}`)
      await sleep(Math.max(250, Number(response.headers.get("retry-after") ?? 0) * 1_000))
    }
    throw new Error(`GET ${path} was not answered in ${patience} attempts`)
  }

  /** Every page of a list. */
  const all = async (path: string): Promise<{ readonly items: ReadonlyArray<Json>; readonly last: Answer }> => {
    const items: Array<Json> = []
    const joint = path.includes("?") ? "&" : "?"
    for (let cursor = ""; ;) {
      const last = await get(`${path}${joint}limit=500${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`)
      items.push(...objects(last.data, "items"))
      const next = orNull(text, last.data, "nextCursor")
      if (next === null) return { items, last }
      cursor = next
    }
  }
  return { get, all }
}

export type Api = ReturnType<typeof makeApi>

/** The last event there was when a page of events was made. */
export const seqOf = (page: Answer): number => number(page.data, "seq")
