import type { Issue } from "@effect/platform/HttpApiError"
import {
  type ApiError,
  type Detail,
  IdempotencyKeyRequired,
  NotFound,
  PreconditionRequired,
  SymbolNotFound,
  ValidationFailed
} from "../../api/Errors.ts"
import { closest } from "../../domain/closest.ts"
import type { Route } from "../gate/Routes.ts"

/** More faults than a person would read at once. */
const maxDetails = 20

type SchemaIssue = typeof Issue.Type

/** What a request that does not decode is answered: the faults by path, or the code the contract gives that fault. */
export const refusedInput = (issues: ReadonlyArray<SchemaIssue>, route: Route | null): ApiError => {
  const first = issues[0]
  const path = first?.path.join(".") ?? ""
  if (first?._tag === "Missing" && path === "idempotency-key") {
    return new IdempotencyKeyRequired({
      message:
        "This write needs an Idempotency-Key header of 16 to 64 printable ASCII characters: any text of yours, the same again when you repeat the request."
    })
  }
  if (first?._tag === "Missing" && path === "if-match") {
    return new PreconditionRequired({
      message: "This update needs an If-Match header with the version it was made from."
    })
  }
  // In a URL a symbol names the thing asked for; in a body it is a field like any other.
  const isInUrl = route !== null && (!route.takesBody || route.path.includes("/:symbol"))
  if (isInUrl && first !== undefined && /^symbols?(\.|$)/.test(path) && first._tag !== "Missing") {
    return new SymbolNotFound({ message: `Symbols are upper-case pairs such as "BTCUSDT".` })
  }
  // Nothing can have an id of another form.
  if (first !== undefined && path === "id" && first._tag !== "Missing" && first._tag !== "Unexpected") {
    return new NotFound({ message: `Nothing has such an id: ${first.message.slice(0, 200)}.` })
  }
  const details = toDetails(issues)
  return new ValidationFailed({ message: summary(details), details })
}

/** A union reports one fault per member: each path is told once, with all that would have been right there. */
const toDetails = (issues: ReadonlyArray<SchemaIssue>): ReadonlyArray<Detail> => {
  const byPath = new Map<string, ReadonlyArray<SchemaIssue>>()
  for (const issue of issues) {
    const path = issue.path.map(String).join(".").slice(0, 200)
    const known = byPath.get(path)
    if (known === undefined && byPath.size === maxDetails) break
    byPath.set(path, [...(known ?? []), issue])
  }
  return [...byPath].map(([path, found]) => ({ path, message: sentence(found) }))
}

const sentence = (issues: ReadonlyArray<SchemaIssue>): string => {
  const [issue] = issues
  if (issue === undefined || issue._tag === "Missing") return "is missing"
  if (issue._tag === "Unexpected") return unexpected(String(issue.path.at(-1)), issue.message)
  const mismatches = issues.map(({ message }) => mismatch.exec(message))
  const actual = mismatches[0]?.[2]
  if (actual === undefined) return issue.message.replaceAll("\n", " ").slice(0, 500)
  const expected = [...new Set(mismatches.flatMap((found) => found?.[1] ?? []))].filter((what) => what !== "undefined")
  // The usual mistake with amounts.
  const quoted = expected.includes("string") && /^-?[\d.]+$/.test(actual) ? `; write "${actual}"` : ""
  return `expected ${expected.join(" or ")}, got ${actual}${quoted}`.slice(0, 500)
}

const mismatch = /^Expected ([^\n]+), actual ([^\n]+)$/

/** The schema library lists the names it knows in its message: `is unexpected, expected: "a" | "b"`. */
const unexpected = (name: string, message: string): string => {
  const known = [...message.matchAll(/"([^"]+)"/g)].flatMap((match) => match[1] ?? [])
  const near = closest(name, known)
  return near === null ? "is not known here" : `is not known here; did you mean "${near}"?`
}

const summary = (details: ReadonlyArray<Detail>): string => {
  const [first] = details
  if (first === undefined) return "The request does not fit the contract."
  const where = first.path === "" ? "The request" : first.path
  return details.length === 1
    ? `${where}: ${first.message}`
    : `${where}: ${first.message} (and ${details.length - 1} more)`
}
