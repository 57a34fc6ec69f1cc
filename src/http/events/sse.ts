/** The text of Server-Sent Events. Data is JSON on one line, which never has a line break in it. */

export const contentType = "text/event-stream; charset=utf-8"

/** How long a client waits before it connects again. */
export const opening = "retry: 2000\n\n"

/** Not an event: keeps proxies and the client's own watch from giving the connection up. */
export const heartbeat = ": heartbeat\n\n"

export const message = (name: string, id: number, json: string): string =>
  `id: ${id}\nevent: ${name}\ndata: ${json}\n\n`

/** Has no id: what it tells of is no place to go on from. */
export const notice = (name: string, json: string): string => `event: ${name}\ndata: ${json}\n\n`

/** A client that takes both gets JSON only if it does not name the stream. */
export const asksForStream = (accept: string | undefined): boolean =>
  /(^|[,\s])text\/event-stream\b/i.test(accept ?? "")
