import { check, type Found } from "../Checking.ts"
import { Unreadable } from "../Reading.ts"
import { type Journals, runOf } from "../Run.ts"
import type { Defect } from "./Defect.ts"
import { draftOf, finished } from "./Draft.ts"
import { moneyDefects } from "./MoneyDefects.ts"
import { orderDefects } from "./OrderDefects.ts"
import { recordDefects } from "./RecordDefects.ts"
import { ruleDefects } from "./RuleDefects.ts"
import { timingDefects } from "./TimingDefects.ts"
import { trailDefects } from "./TrailDefects.ts"

export const defects: ReadonlyArray<Defect> = [
  ...orderDefects,
  ...moneyDefects,
  ...ruleDefects,
  ...timingDefects,
  ...trailDefects,
  ...recordDefects
]

export type Fate = "found" | "missed" | "no occasion"

export interface Outcome {
  readonly defect: Defect
  readonly fate: Fate
  /** What was found instead, or the sentence that found it. */
  readonly text: string
}

const name = ({ invariant, text }: Found): string => `${invariant}: ${text}`

/** Plants each defect alone, and asks that it be found by what is meant to find it: beyond what was wrong before. */
export const selfTest = (journals: Journals): ReadonlyArray<Outcome> => {
  const before = new Set(check(runOf(journals)).map(name))
  return defects.map((defect) => {
    const draft = draftOf(journals)
    if (!defect.plant(draft)) return { defect, fate: "no occasion", text: "" }
    const told = toldOf(finished(draft)).filter((each) => !before.has(each))
    const mark = `${defect.foundBy}: `
    const found = told.find((each) => each.startsWith(mark) && defect.says.test(each))
    return found === undefined
      ? { defect, fate: "missed", text: told.slice(0, 3).join(" | ") }
      : { defect, fate: "found", text: found }
  })
}

const toldOf = (journals: Journals): ReadonlyArray<string> => {
  try {
    return check(runOf(journals)).map(name)
  } catch (failure) {
    if (failure instanceof Unreadable) return [`unreadable: ${failure.message}`]
    throw failure
  }
}

export const tableOf = (outcomes: ReadonlyArray<Outcome>): string => {
  const width = Math.max(...outcomes.map(({ defect }) => defect.name.length))
  const rows = outcomes.map(
    ({ defect, fate, text }) =>
      `${defect.name.padEnd(width)}  ${defect.foundBy.padEnd(10)}  ${fate.padEnd(11)}  ${text.slice(0, 110)}`
  )
  const count = (fate: Fate) => outcomes.filter((outcome) => outcome.fate === fate).length
  const without = count("no occasion")
  return [
    ...rows,
    ...(without === 0 ? [] : [`${without} without an occasion in these journals`]),
    `${count("found")} found, ${count("missed")} missed`
  ].join("\n")
}
