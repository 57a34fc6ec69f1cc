import * as Decimal from "../Decimal.ts"
import type { Decision, Execution } from "../order/Execution.ts"
import { displayInstant } from "./display.ts"

type Ended = Pick<
  Execution,
  "outcome" | "reason" | "executedQuantity" | "executedQuote" | "averagePrice" | "state" | "kind"
>

const text = Decimal.format

/** What became of the order that was sent. */
const ending = (execution: Ended): string => {
  const { averagePrice, executedQuantity, executedQuote, kind, outcome, reason, state } = execution
  const deal = kind === "exit" ? "sold" : "bought"
  const traded = `${text(executedQuantity)} for ${text(executedQuote)}${averagePrice === null ? "" : `, ${text(averagePrice)} on average`}`
  const why = reason === null ? "" : ` ${reason.text}`
  if (state === "running" && outcome === null)
    return Decimal.isPositive(executedQuantity)
      ? `It has ${deal} ${traded} so far.`
      : "The order has not come to its end yet."
  switch (outcome) {
    case null:
      return ""
    case "executed":
      return `It ${deal} ${traded}.${why}`
    case "failed":
      return `Nothing was ${deal}.${why}`
    case "unknown":
      return `What became of the order is not proven yet; nothing further is sent until the venue tells.${why}`
    case "skipped":
      return `It was not sent after all.${why}`
    case "shadow":
      return ""
  }
}

const decided = ({ outcome, reason, sizing, trigger }: Decision): string => {
  const sells = trigger.startsWith("exit.")
  const amount = sizing?.final == null || !Decimal.isPositive(sizing.final) ? null : text(sizing.final)
  switch (outcome) {
    case "fire":
      if (sells) return "The rule sent an order to sell."
      return amount === null ? "The rule sent an order." : `The rule sent an order for at most ${amount}.`
    case "shadow":
      return `The rule would have bought${amount === null ? "" : ` for at most ${amount}`}; it is in shadow mode.`
    case "skip":
      return `The rule did not ${sells ? "sell" : "buy"}: ${reason?.text ?? "no reason was recorded."}`
  }
}

/** A decision as sentences: what was seen, what was decided, why, and what became of it. */
export const explain = (decision: Decision, timezone: string, execution: Ended | null = null): string => {
  const seen = decision.operands.map(
    ({ label, value, op, threshold }) =>
      `${label} was ${value ?? "unknown"}${threshold === null ? "" : ` (${op} ${threshold})`}`
  )
  const failed = decision.gates
    .filter((gate) => !gate.pass)
    .map((gate) => `${gate.type} ${gate.value ?? "unknown"} against ${gate.limit}`)
  const full = decision.budget
    .filter((line) => !line.pass)
    .map((line) => `${line.cap}: ${line.used} of ${line.limit} used, ${line.asked} asked`)
  const became = decision.outcome === "fire" && execution !== null ? ending(execution) : ""
  return [
    `At ${displayInstant(decision.at, timezone)} (version ${decision.ruleVersion}) ${decision.trigger} was evaluated.`,
    ...(seen.length === 0 ? [] : [`${seen.join("; ")}.`]),
    decided(decision),
    ...(became === "" ? [] : [became]),
    ...(failed.length === 0 ? [] : [`Gates: ${failed.join("; ")}.`]),
    ...(full.length === 0 ? [] : [`Limits: ${full.join("; ")}.`])
  ].join(" ")
}
