import { Either, Schema } from "effect"
import { isIP } from "node:net"

/** An address to which nothing is sent; the message says what to give instead. */
export class AddressRefused extends Schema.TaggedError<AddressRefused>()("AddressRefused", {
  message: Schema.String
}) {}

/**
 * Who gave the address. `user`: any user, so that only the public internet may be reached, by HTTPS. `operator`: whoever
 * runs the service, who may also name a program on the same machine or network.
 */
export type GivenBy = "user" | "operator"

/** Where a request goes. It may carry a secret in its path: no part of it but the host belongs in a log. */
export interface Target {
  readonly secure: boolean
  /** A name, or a literal address without brackets. */
  readonly host: string
  readonly isLiteral: boolean
  readonly port: number
  readonly path: string
}

const maxLength = 2_048

/** Reached without a port of its own, and the usual second one: no other service of a host is to be tried out. */
export const userPorts: ReadonlySet<number> = new Set([443, 8443])

/** Names that only mean something inside a network, whatever they lead to. */
const localName =
  /(?:^|\.)(?:local|localhost|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|test|invalid)$/

/** Reads an address as the platform does, and only then judges it: `127.1` and `0x7f000001` have become `127.0.0.1`. */
export const readTarget = (
  text: string,
  givenBy: GivenBy,
  ports: ReadonlySet<number> = userPorts
): Either.Either<Target, AddressRefused> => {
  const no = (message: string) => Either.left(new AddressRefused({ message }))
  if (text.length > maxLength) return no(`The address is longer than ${maxLength} characters.`)
  if (!URL.canParse(text)) return no("This is no address; give one such as https://example.com/path.")
  const url = new URL(text)
  if (url.protocol !== "https:" && !(url.protocol === "http:" && givenBy === "operator"))
    return no("The address must begin with https://.")
  if (url.username !== "" || url.password !== "") return no("The address must not hold a name or a password.")
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "")
  const isLiteral = isIP(host) !== 0
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port)
  if (givenBy === "user") {
    if (!ports.has(port)) return no(`The port must be ${[...ports].join(" or ")}.`)
    if (!isLiteral && (!host.includes(".") || localName.test(host)))
      return no("The address must name a host of the public internet.")
  }
  return Either.right({
    secure: url.protocol === "https:",
    host,
    isLiteral,
    port,
    path: `${url.pathname}${url.search}`
  })
}
