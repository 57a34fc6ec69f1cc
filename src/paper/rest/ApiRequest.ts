import type { Decimal } from "../../domain/Decimal.ts"
import type { PaperAccount } from "../Requests.ts"
import { jsonParameters } from "./JsonParameters.ts"

/** A request as the routes see it: raw text for the signature, decoded parameters for everything else. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  /** Exactly as received, without `?`. */
  readonly query: string
  readonly body: string
  readonly contentType: string
  readonly apiKey: string | null
  /** The header `X-Paper-Fault`, as received. */
  readonly wish: string | null
  /** The counting address of the caller. */
  readonly ip: string
  /** Query and body together; on a clash the query wins. */
  readonly parameters: ReadonlyMap<string, string>
}

export interface SignedRequest extends ApiRequest {
  readonly account: PaperAccount
  /** A planned fault: the part of the wanted amount that may fill at once. */
  readonly atMost?: Decimal
}

/** Splits form text without `+`-as-space leniency: the venue signs and reads RFC 3986 escapes. */
export const parseParameters = (query: string, body: string): ReadonlyMap<string, string> => {
  const inJson = jsonParameters(body)
  const parameters = new Map(inJson)
  for (const text of inJson === null ? [body, query] : [query]) {
    for (const pair of text === "" ? [] : text.split("&")) {
      const at = pair.indexOf("=")
      const name = unescape(at === -1 ? pair : pair.slice(0, at))
      if (name !== "") parameters.set(name, at === -1 ? "" : unescape(pair.slice(at + 1)))
    }
  }
  return parameters
}

const wellFormed = /^(?:[^%]|%[0-9A-Fa-f]{2})*$/

/** Text with broken escapes stays as it came; the signature decides about it. */
const unescape = (text: string): string =>
  text.includes("%") && wellFormed.test(text) ? Buffer.from(bytesOf(text)).toString("utf8") : text

const bytesOf = (text: string): ReadonlyArray<number> => {
  const bytes: Array<number> = []
  const raw = Buffer.from(text, "utf8")
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i] ?? 0
    if (byte !== 0x25) bytes.push(byte)
    else {
      bytes.push(Number.parseInt(raw.toString("latin1", i + 1, i + 3), 16))
      i += 2
    }
  }
  return bytes
}
