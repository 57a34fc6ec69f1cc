import { Redacted } from "effect"
import { createHmac } from "node:crypto"

export type Parameters = ReadonlyArray<readonly [name: string, value: string]>

// encodeURIComponent leaves these alone, RFC 3986 and the venue do not.
const strictly = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** Upper-case escapes, `%20` for a blank: the venue signs the very bytes it receives. */
export const encodeQuery = (parameters: Parameters): string =>
  parameters.map(([name, value]) => `${strictly(name)}=${strictly(value)}`).join("&")

/** Lower-case hex of HMAC-SHA256; upper case is not accepted. */
export const sign = (secretKey: Redacted.Redacted, text: string): string =>
  createHmac("sha256", Redacted.value(secretKey)).update(text, "utf8").digest("hex")

/** The query string with its signature last. */
export const signedQuery = (secretKey: Redacted.Redacted, parameters: Parameters): string => {
  const query = encodeQuery(parameters)
  return `${query}&signature=${sign(secretKey, query)}`
}
