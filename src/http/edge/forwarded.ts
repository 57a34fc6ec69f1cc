import type { IncomingHttpHeaders } from "node:http"
import { isIP } from "node:net"

/** What is written left of the entries of our own proxies is the client's invention; without proxies all of it is. */
const entries = (header: string | Array<string> | undefined, proxies: number): ReadonlyArray<string> =>
  proxies === 0 || header === undefined
    ? []
    : String(header)
        .split(",")
        .slice(-proxies)
        .map((entry) => entry.trim())

/** Some proxies add the port. */
const withoutPort = (entry: string): string => {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry
  return isIP(bare) === 0 ? entry.slice(0, 64) : bare
}

/** The client's own address; null where not each of our proxies has told one. */
export const forwardedAddress = (headers: IncomingHttpHeaders, proxies: number): string | null => {
  const told = entries(headers["x-forwarded-for"], proxies)
  const [client = ""] = told
  return told.length < proxies || client === "" ? null : withoutPort(client)
}

/** How the client reached the first of our proxies that tells it; most write over what the one before them wrote. */
export const forwardedProtocol = (headers: IncomingHttpHeaders, proxies: number): string | null =>
  entries(headers["x-forwarded-proto"], proxies)[0]?.toLowerCase() ?? null
