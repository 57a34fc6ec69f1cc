import { appendOnly } from "./invariant/AppendOnly.ts"
import { caps } from "./invariant/Caps.ts"
import { duplicateOrders } from "./invariant/DuplicateOrders.ts"
import { events } from "./invariant/Events.ts"
import { exits } from "./invariant/Exits.ts"
import { fills } from "./invariant/Fills.ts"
import { halts } from "./invariant/Halts.ts"
import { lostOrders } from "./invariant/LostOrders.ts"
import { money } from "./invariant/Money.ts"
import { orderReads } from "./invariant/OrderReads.ts"
import { rate } from "./invariant/Rate.ts"
import { registers } from "./invariant/Registers.ts"
import { ruleBooks } from "./invariant/RuleBooks.ts"
import { ruleWrites } from "./invariant/RuleWrites.ts"
import { schedule } from "./invariant/Schedule.ts"
import { trail } from "./invariant/Trail.ts"
import { turns } from "./invariant/Turns.ts"
import { unknownBlocks } from "./invariant/UnknownBlocks.ts"
import { userLimits } from "./invariant/UserLimits.ts"
import { wakes } from "./invariant/Wakes.ts"
import type { Check, Invariant, Run, Violation } from "./Run.ts"

export interface Found extends Violation {
  readonly invariant: Invariant
}

/** What is promised of a run (docs/reliability.md), by the files that check it. */
const checks: ReadonlyArray<readonly [Invariant, Check]> = [
  ["I1", orderReads],
  ["I1", ruleWrites],
  ["I1", registers],
  ["I1", appendOnly],
  ["I2", lostOrders],
  ["I3", duplicateOrders],
  ["I4", fills],
  ["I5", money],
  ["I5", ruleBooks],
  ["I6", schedule],
  ["I7", caps],
  ["I7", userLimits],
  ["I7", halts],
  ["I8", unknownBlocks],
  ["I9", rate],
  ["I10", events],
  ["I11", exits],
  ["I12", wakes],
  ["I13", turns],
  ["I14", trail]
]

export const check = (run: Run): ReadonlyArray<Found> =>
  checks.flatMap(([invariant, each]) => [...each(run)].map((violation) => ({ invariant, ...violation })))
