import { Duration } from "effect"
import * as Decimal from "../../Decimal.ts"
import { expandLadder, worstOfCycle } from "../decision/cycle/expandLadder.ts"
import { largestSize } from "../decision/wish.ts"
import { type Check, when } from "./Check.ts"

const text = Decimal.format

/** A level that the venue would refuse at the present price would never be bought. */
const tooSmall: Check = (rule, { symbol, ask }) => {
  const { ladder } = rule
  const largest = largestSize(rule.size)
  if (ladder === null || largest === null || symbol === null || ask === null || !Decimal.isPositive(ask)) return []
  const isDeep = ladder.levels.some(({ offsetPercent }) => Decimal.greaterOrEqual(offsetPercent, Decimal.hundred))
  if (isDeep) return []
  return expandLadder({ averagePrice: ask, size: largest }, ladder, rule, symbol).flatMap(({ level, refusal }) =>
    when(
      refusal?.code === "BELOW_MIN_NOTIONAL",
      `ladder.levels.${level - 1}.sizeMultiplier`,
      `makes the level smaller than the venue's minimum for ${symbol.symbol}, once rounded down to its steps`
    )
  )
}

export const ladderProblems: Check = (rule, context) => {
  const { symbol, ask } = context
  const { ladder, limits, size } = rule
  if (ladder === null) return []
  const { total } = limits
  const worst = worstOfCycle(rule, symbol, ask)
  return [
    ...ladder.levels.flatMap(({ offsetPercent }, i) => {
      const before = ladder.levels[i - 1]
      const path = `ladder.levels.${i}.offsetPercent`
      return [
        ...when(Decimal.greaterOrEqual(offsetPercent, Decimal.hundred), path, "expected less than 100"),
        ...when(
          before !== undefined && Decimal.lessOrEqual(offsetPercent, before.offsetPercent),
          path,
          "must be more than that of the level before, because offsets count from the base buy"
        )
      ]
    }),
    ...tooSmall(rule, context),
    ...when(
      largestSize(size) === null && limits.perBuyMax === null,
      "size.max",
      "a ladder needs a size with a maximum, so that its worst case is known"
    ),
    ...when(
      total !== null && worst !== null && Decimal.lessThan(total, worst),
      "limits.total",
      `is less than the ${worst === null ? "" : text(worst)} that the base buy and all levels can take`
    ),
    ...when(
      rule.cycle.whileOpen === "add",
      "cycle.whileOpen",
      "`add` is for rules without a ladder, whose levels already add to the open cycle"
    )
  ]
}

export const exitProblems: Check = ({ exit }) => {
  if (exit === null) return []
  const { execution, stopLoss, takeProfit, trailing } = exit
  const { escalate, maxSlippageBps } = execution
  const shares = Decimal.sum(takeProfit.map(({ closePercent }) => closePercent))
  return [
    ...when(
      takeProfit.length === 0 && stopLoss === null && trailing === null,
      "exit",
      "give takeProfit, stopLoss or trailing; without an exit leave it out"
    ),
    ...when(
      Decimal.greaterThan(shares, Decimal.hundred),
      "exit.takeProfit",
      `closes ${text(shares)} percent in all, which is more than there is`
    ),
    ...when(
      stopLoss !== null && Decimal.greaterOrEqual(stopLoss.lossPercent, Decimal.hundred),
      "exit.stopLoss.lossPercent",
      "expected less than 100"
    ),
    ...when(
      trailing !== null && Decimal.greaterOrEqual(trailing.deltaPercent, Decimal.hundred),
      "exit.trailing.deltaPercent",
      "expected less than 100"
    ),
    ...when(
      escalate !== null && escalate.maxBps < maxSlippageBps,
      "exit.execution.escalate.maxBps",
      "is below maxSlippageBps, which the first attempt allows already"
    ),
    ...when(
      escalate !== null && Duration.lessThan(escalate.every, "1 second"),
      "exit.execution.escalate.every",
      "expected at least one second"
    )
  ]
}

export const cycleProblems: Check = ({ cycle, exit, ladder }) => [
  ...when(
    exit === null && cycle.afterExit === "restart",
    "cycle.afterExit",
    "`restart` follows an exit, and the rule has none"
  ),
  ...when(
    exit === null && ladder === null && cycle.maxCycles !== null,
    "cycle.maxCycles",
    "counts cycles of a ladder or an exit, and the rule has neither; use limits.maxExecutions"
  )
]
