import { isIP } from "node:net"
import { within } from "../domain/AddressRange.ts"

/** Every block of the special-purpose registries, and multicast: none of them is somebody's server on the internet. */
const special4 = within([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4"
])

/**
 * The only block from which addresses of the internet are given out. What lies outside is local, multicast, or an IPv4
 * address in disguise (`::ffff:a.b.c.d`, `64:ff9b::a.b.c.d`).
 */
const global6 = within(["2000::/3"])
const special6 = within(["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"])

/** Whether a request may go there for somebody who is not the operator: the addresses of this network may not. */
export const isPublicAddress = (address: string): boolean => {
  if (address.includes("%")) return false
  const version = isIP(address)
  return version === 4 ? !special4(address) : version === 6 && global6(address) && !special6(address)
}
