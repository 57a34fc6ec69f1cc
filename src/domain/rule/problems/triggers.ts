import { Duration } from "effect"
import * as Decimal from "../../Decimal.ts"
import type { DropFrom } from "../Trigger.ts"
import { type Check, type RuleProblem, when } from "./Check.ts"

const shortestInterval = Duration.seconds(1)
/** As far back as one-minute candles are read for a window. */
const longestWindow = Duration.days(30)

const windowProblems = (from: DropFrom): ReadonlyArray<RuleProblem> =>
  when(
    "window" in from &&
      (Duration.lessThan(from.window, "1 minute") || Duration.greaterThan(from.window, longestWindow)),
    "trigger.from.window",
    "expected a window from PT1M to P30D"
  )

export const triggerProblems: Check = ({ trigger: on, limits, maxPrice }) => {
  switch (on.type) {
    case "schedule.every":
      return when(Duration.lessThan(on.every, shortestInterval), "trigger.every", "expected at least one second")
    case "schedule.calendar":
      return [
        ...when(on.on.type !== "daily" && on.on.days.length === 0, "trigger.on.days", "name at least one day"),
        ...when(on.at.length === 0, "trigger.at", `name at least one time such as "09:00"`),
        ...when(on.at.length > 96, "trigger.at", "at most 96 times a day; use schedule.every for intervals")
      ]
    case "price.level":
    case "price.drop":
      return [
        ...when(
          on.type === "price.drop" && Decimal.greaterOrEqual(on.percent, Decimal.hundred),
          "trigger.percent",
          "expected less than 100"
        ),
        ...(on.type === "price.drop" ? windowProblems(on.from) : []),
        ...when(
          on.rearm === "cooldown" && Duration.toMillis(limits.cooldown) === 0,
          "limits.cooldown",
          "rearm `cooldown` needs a cooldown above zero, else every trade would fire the rule"
        )
      ]
    case "price.rebound":
      return [
        ...when(
          Decimal.greaterOrEqual(on.afterDropPercent, Decimal.hundred),
          "trigger.afterDropPercent",
          "expected less than 100"
        ),
        ...windowProblems(on.from),
        ...when(
          on.expireAfter !== null && Duration.lessThan(on.expireAfter, "1 second"),
          "trigger.expireAfter",
          "expected at least one second"
        )
      ]
    case "listing.tradable":
      return when(
        maxPrice === null,
        "maxPrice",
        "a new listing has no price yet, so the rule needs the most it may pay"
      )
    case "balance.available":
    case "signal":
    case "manual":
      return []
  }
}
