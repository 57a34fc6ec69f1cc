import { Duration } from "effect"
import { type RuleDocument, waitDefault } from "../Rule.ts"
import type { RuleProblem } from "./problems/Check.ts"

/** A part of a rule's document that the engine may not run yet, by the name its owner knows it by. */
export type Feature =
  | "price.rebound"
  | "balance.available"
  | "listing.tradable"
  | "signal"
  | "min24hQuoteVolume"
  | "minImprovementOverLastBuy"
  | "timeWindow"
  | "waitForGates"
  | "percentOfFreeQuote"
  | "valueAveraging"
  | "execution.limit"
  | "ladder"
  | "exit"
  | "cycle"
  | "limits.maxPositionQuote"
  | "limits.maxOpenOrders"

/** What is read and refused: an entry leaves in the change that makes the engine run it. */
export const notYetRunnable: ReadonlySet<Feature> = new Set<Feature>()

interface Use {
  readonly feature: Feature
  readonly path: string
}

const isOtherCycle = ({ afterExit, cooldown, maxCycles, whileOpen }: RuleDocument["cycle"]): boolean =>
  afterExit !== "complete" || whileOpen !== "ignore" || maxCycles !== null || Duration.toMillis(cooldown) > 0

/** Every part of the document that is not in every version. */
const uses = (rule: RuleDocument): ReadonlyArray<Use> => {
  const { trigger, size, limits } = rule
  const found: Array<Use> = []
  const use = (feature: Feature, path: string, used: boolean) => {
    if (used) found.push({ feature, path })
  }
  for (const type of ["price.rebound", "balance.available", "listing.tradable", "signal"] as const)
    use(type, "trigger.type", trigger.type === type)
  rule.gates.forEach((gate, i) => {
    for (const type of ["min24hQuoteVolume", "minImprovementOverLastBuy", "timeWindow"] as const)
      use(type, `gates.${i}.type`, gate.type === type)
  })
  use("waitForGates", "waitForGates", !Duration.equals(rule.waitForGates, waitDefault(trigger)))
  for (const type of ["percentOfFreeQuote", "valueAveraging"] as const) use(type, "size.type", size.type === type)
  use("execution.limit", "execution.type", rule.execution.type === "limit")
  use("ladder", "ladder", rule.ladder !== null)
  use("exit", "exit", rule.exit !== null)
  use("cycle", "cycle", isOtherCycle(rule.cycle))
  use("limits.maxPositionQuote", "limits.maxPositionQuote", limits.maxPositionQuote !== null)
  use("limits.maxOpenOrders", "limits.maxOpenOrders", limits.maxOpenOrders !== null)
  return found
}

export const unavailable = (
  rule: RuleDocument,
  refused: ReadonlySet<Feature> = notYetRunnable
): ReadonlyArray<RuleProblem> =>
  uses(rule).flatMap(({ feature, path }) =>
    refused.has(feature) ? [{ path, message: `\`${feature}\` is not available in this version` }] : []
  )
