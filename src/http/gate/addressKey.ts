/**
 * Whom an address stands for. Who has one IPv6 address has at least the 2^64 of its network, so these count as one; an
 * IPv4 client of a socket for both families comes as `::ffff:…` and is the same one.
 */
export const addressKey = (address: string): string => {
  if (!address.includes(":")) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [before = "", after = ""] = address.replace(/%.*$/, "").toLowerCase().split("::")
  const left = before === "" ? [] : before.split(":")
  const right = after === "" ? [] : after.split(":")
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0")
  const network = [...left, ...zeros, ...right].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""))
  return `${network.join(":")}::/64`
}
