import type { ServerResponse } from "node:http"
import type { VenueRejection } from "../../VenueRejection.ts"

/** What goes back to a caller: bytes, the end of the connection, or nothing at all. */
export type Reply =
  | {
      readonly kind: "body"
      readonly status: number
      readonly contentType: string
      readonly body: string | Buffer
      readonly headers?: Readonly<Record<string, string>>
      /** The length the header promises, when the connection ends before that. */
      readonly promised?: number
    }
  | { readonly kind: "dropped" }
  | { readonly kind: "held" }

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  kind: "body",
  status,
  contentType: "application/json;charset=utf-8",
  body: JSON.stringify(value),
  headers
})

export const refusal = ({ code, status, text }: VenueRejection): Reply => json(status, { code, msg: text })

/** 429, or 418 for who went on asking, with the seconds to wait. */
export const overLimit = (status: 418 | 429, waitMillis: number): Reply =>
  json(
    status,
    { code: status, msg: status === 429 ? "Too many requests" : "Your IP has been banned" },
    { "retry-after": String(Math.max(1, Math.ceil(waitMillis / 1_000))) }
  )

/** How long a caller that never gives up may hold a connection without an answer. */
const heldMillis = 600_000

export const sendReply = (response: ServerResponse, reply: Reply): void => {
  if (reply.kind === "dropped") {
    response.destroy()
    return
  }
  if (reply.kind === "held") {
    response.setTimeout(heldMillis)
    return
  }
  const { body, contentType, headers, promised, status } = reply
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": promised ?? Buffer.byteLength(body),
    ...headers
  })
  if (promised === undefined) response.end(body)
  else response.write(body, () => response.destroy())
}
