import { Option } from "effect"

/** A number so long that a JavaScript number may not hold all its digits. */
const suspicious = /[[:,\s-]\d[\d.]{15,}/
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

const quoteLong = (token: string): string => (token.length >= 16 && !token.startsWith('"') ? `"${token}"` : token)

/**
 * JSON in which long numbers come as text, digit for digit: the documentation prints order ids as numbers, and some
 * have eighteen digits. Our fields read text and numbers alike.
 */
export const parseJson = (text: string): Option.Option<unknown> =>
  Option.liftThrowable((): unknown => JSON.parse(suspicious.test(text) ? text.replace(tokens, quoteLong) : text))()
