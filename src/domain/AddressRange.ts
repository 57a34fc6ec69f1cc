import { Schema } from "effect"
import { BlockList, isIP } from "node:net"

interface Block {
  readonly address: string
  readonly bits: number
  readonly family: "ipv4" | "ipv6"
}

const blockOf = (text: string): Block | null => {
  const [address = "", bits, ...rest] = text.split("/")
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes("%")) return null
  const all = version === 4 ? 32 : 128
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= all)) return null
  return { address, bits: bits === undefined ? all : Number(bits), family: version === 4 ? "ipv4" : "ipv6" }
}

/** An address of the internet, or a block of them: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`. */
export const AddressRange = Schema.String.pipe(
  Schema.filter((text) => blockOf(text) !== null, {
    identifier: "AddressRange",
    message: () => `expected an address or a block of addresses such as "203.0.113.7" or "2001:db8::/32"`,
    jsonSchema: { examples: ["203.0.113.7", "2001:db8::/32"] }
  })
)

/** IPv4 clients of a socket for both families come as `::ffff:…`. */
const plain = (address: string): string =>
  address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address

/** Whether an address lies in one of the ranges; in none of no ranges. */
export const within = (ranges: ReadonlyArray<string>): ((address: string) => boolean) => {
  const list = new BlockList()
  for (const text of ranges) {
    const block = blockOf(text)
    if (block !== null) list.addSubnet(block.address, block.bits, block.family)
  }
  return (address) => {
    const asked = plain(address)
    const version = isIP(asked)
    return version !== 0 && list.check(asked, version === 4 ? "ipv4" : "ipv6")
  }
}
