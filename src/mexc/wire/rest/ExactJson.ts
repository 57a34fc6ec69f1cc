import { Option } from "effect"

/** A number so long that a JavaScript number may not hold all its digits. */
const suspicious = /(?:^|[[:,\s-])\d[\d.]{15,}/
const longFrom = 16

const quote = 34
const backslash = 92
const numberSigns = new Set([..."0123456789.eE+-"].map((sign) => sign.charCodeAt(0)))

/** Past the closing quote of the text that opens at `from`. */
const endOfText = (json: string, from: number): number => {
  let at = from + 1
  while (at < json.length && json.charCodeAt(at) !== quote) at += json.charCodeAt(at) === backslash ? 2 : 1
  return at + 1
}

const endOfNumber = (json: string, from: number): number => {
  let at = from
  while (at < json.length && numberSigns.has(json.charCodeAt(at))) at++
  return at
}

// By hand, because a pattern for texts of some megabytes overflows the stack.
const quoteLongNumbers = (json: string): string => {
  let written = ""
  let from = 0
  let at = 0
  while (at < json.length) {
    const code = json.charCodeAt(at)
    if (code === quote) at = endOfText(json, at)
    else if (code === 45 || (code > 47 && code < 58)) {
      const end = endOfNumber(json, at)
      if (end - at >= longFrom) {
        written += `${json.slice(from, at)}"${json.slice(at, end)}"`
        from = end
      }
      at = end
    } else at++
  }
  return written + json.slice(from)
}

/**
 * JSON in which long numbers come as text, digit for digit: the documentation prints order ids as numbers, and some
 * have eighteen digits. Our fields read text and numbers alike.
 */
export const parseJson = (text: string): Option.Option<unknown> =>
  Option.liftThrowable((): unknown => JSON.parse(suspicious.test(text) ? quoteLongNumbers(text) : text))()
