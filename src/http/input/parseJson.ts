import { Effect } from "effect"
import { MalformedJson } from "../../api/Errors.ts"

/** Deeper than any rule; a schema's error message for thousands of levels would overflow the stack. */
const maxDepth = 20
/** Far more than the largest rule has. A schema tells every fault, so each value costs; thousands would cost a second. */
const maxValues = 1_000

/**
 * JSON as I-JSON (RFC 7493) wants it: parsers disagree about duplicate names and half surrogate pairs, and control
 * characters break logs. An empty body is no JSON either.
 */
export const parseJson = (text: string): Effect.Effect<unknown, MalformedJson> =>
  Effect.suspend(() => {
    // What reading the bytes as UTF-8 leaves where they are something else.
    if (text.includes("\ufffd")) return Effect.fail(new MalformedJson({ message: "The body is not UTF-8." }))
    const fault = lexicalFault(text)
    if (fault !== null) return Effect.fail(new MalformedJson({ message: fault }))
    return Effect.try({
      try: (): unknown => JSON.parse(text),
      catch: () => new MalformedJson({ message: text === "" ? "The body is empty." : "The body is not JSON." })
    })
  })

interface Level {
  /** Names met so far; null in an array. */
  readonly names: Set<string> | null
  expectsName: boolean
}

const string = /"(?:[^"\\]|\\.)*"/y

/** One pass over the tokens. What is no JSON at all is left to the parser. */
const lexicalFault = (text: string): string | null => {
  const levels: Array<Level> = []
  let commas = 0
  for (let i = 0; i < text.length; i++) {
    const level = levels.at(-1)
    switch (text[i]) {
      case "{":
      case "[":
        levels.push({ names: text[i] === "{" ? new Set() : null, expectsName: text[i] === "{" })
        if (levels.length > maxDepth) return `The body is nested deeper than ${maxDepth} levels.`
        break
      case "}":
      case "]":
        levels.pop()
        break
      case ",":
        if (++commas >= maxValues) return `The body has more than ${maxValues} values.`
        if (level !== undefined) level.expectsName = level.names !== null
        break
      case '"': {
        string.lastIndex = i
        const token = string.exec(text)?.[0]
        if (token === undefined) return "The body is not JSON."
        const fault = stringFault(token, level)
        if (fault !== null) return fault
        i += token.length - 1
        break
      }
    }
  }
  return null
}

const stringFault = (token: string, level: Level | undefined): string | null => {
  const value = unescape(token)
  if (value === null) return "The body is not JSON."
  if (!/^[^\p{Cs}]*$/u.test(value)) return "A text has half of a surrogate pair."
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(value)) return "A text has control characters."
  if (level?.names == null || !level.expectsName) return null
  level.expectsName = false
  if (level.names.has(value)) return `The name "${value.slice(0, 40)}" occurs twice in one object.`
  level.names.add(value)
  return null
}

const escapes = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/g
const named: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }

const unescape = (token: string): string | null => {
  const inner = token.slice(1, -1)
  if (!inner.includes("\\")) return inner
  if (inner.replace(escapes, "").includes("\\")) return null
  return inner.replace(escapes, (_, hex: string | undefined, short: string | undefined) =>
    hex === undefined ? (named[short ?? ""] ?? short ?? "") : String.fromCharCode(Number.parseInt(hex, 16))
  )
}
