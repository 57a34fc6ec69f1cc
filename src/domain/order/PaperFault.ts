import { Either, Schema } from "effect"
import * as Decimal from "../Decimal.ts"

/** What the sender of one order wants the paper exchange to do to it. */
export type OrderWish =
  | { readonly type: "timeoutAfterAccept" }
  | { readonly type: "reject"; readonly code: number }
  | { readonly type: "partial"; readonly fraction: Decimal.Decimal }

const expected =
  "expected timeoutAfterAccept, reject:<code> such as reject:30005, or partial:<fraction> such as partial:0.4"

export const readWish = (text: string): Either.Either<OrderWish, string> => {
  if (text === "timeoutAfterAccept") return Either.right({ type: text })
  const code = /^reject:(-?[1-9]\d{0,5})$/.exec(text)?.[1]
  if (code !== undefined) return Either.right({ type: "reject", code: Number(code) })
  const part = /^partial:(0\.\d{1,18})$/.exec(text)?.[1]
  const fraction = part === undefined ? Decimal.zero : Decimal.unsafe(part)
  return Decimal.isPositive(fraction) ? Either.right({ type: "partial", fraction }) : Either.left(expected)
}

/** The header `X-Paper-Fault` as a caller writes it; the paper exchange reads what it means. */
export const PaperFault = Schema.String.pipe(
  Schema.filter((text) => Either.match(readWish(text), { onLeft: (why) => why, onRight: () => true }))
).annotations({
  identifier: "PaperFault",
  description:
    "One order's misbehaviour, on the paper exchange only: timeoutAfterAccept (booked, never answered), reject:<code>, partial:<fraction> (at most this part is filled at once).",
  jsonSchema: {
    type: "string",
    pattern: "^(timeoutAfterAccept|reject:-?[1-9]\\d{0,5}|partial:0\\.\\d{1,18})$",
    examples: ["timeoutAfterAccept", "reject:30005", "partial:0.4"]
  }
})
