import type { Journal } from "../machine/Journal.ts"
import { at, numberAt, parsed } from "../machine/Json.ts"
import type { Service } from "../machine/Service.ts"
import { sleep } from "../machine/Time.ts"

/** One user's stream of events, taken up again where it broke. */
export const listen = (
  service: Service,
  journal: Journal,
  user: string,
  token: string,
  heard: (event: unknown) => void
) => {
  const ended = new AbortController()
  let last: number | null = null
  let events = 0
  let streams = 0

  const take = (block: string) => {
    const fields = block.split("\n").flatMap((line) => {
      const match = /^(id|event|data): ?(.*)$/.exec(line)
      return match === null ? [] : [[match[1] ?? "", match[2] ?? ""] as const]
    })
    const field = (name: string) => fields.find(([key]) => key === name)?.[1] ?? null
    const type = field("event")
    if (type === null) return
    const data = parsed(field("data") ?? "")
    const seq = numberAt(data, "seq")
    if (seq !== null) last = seq
    if (type === "snapshot" || type === "gap") return journal.note({ kind: type, user, seq, data })
    events++
    journal.note({ kind: "event", user, seq, type, data: at(data, "data"), objectId: at(data, "objectId") })
    heard(data)
  }

  const follow = async () => {
    const place: Record<string, string> = last === null ? {} : { "last-event-id": String(last) }
    const response = await fetch(`${service.url}/api/v1/account/events`, {
      headers: { authorization: `Bearer ${token}`, accept: "text/event-stream", ...place },
      signal: ended.signal
    })
    if (!response.ok || response.body === null) return
    streams++
    journal.note({ kind: "stream", user, after: last })
    let text = ""
    const decoder = new TextDecoder()
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true })
      const blocks = text.split("\n\n")
      text = blocks.pop() ?? ""
      blocks.forEach(take)
    }
  }

  const running = (async () => {
    while (!ended.signal.aborted) {
      if (service.isUp()) await follow().catch(() => undefined)
      await sleep(100)
    }
  })()
  return {
    events: () => events,
    streams: () => streams,
    last: () => last,
    end: async () => {
      ended.abort()
      await running
    }
  }
}
