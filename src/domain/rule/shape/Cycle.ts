import { Duration, Schema } from "effect"
import { IsoDuration } from "../../Time.ts"
import { AtLeastOne, orNull, withDefault } from "./fields.ts"

/** What follows a position that was sold: the rule is completed, or waits for its trigger again. */
export const AfterExit = Schema.Literal("complete", "restart").annotations({ identifier: "AfterExit" })

/** What a firing does while a cycle is open: nothing, or another entry into the same cycle. */
export const WhileOpen = Schema.Literal("ignore", "add").annotations({ identifier: "WhileOpen" })

/** An entry, its levels and its exits are one cycle. `cooldown` runs from its end; `maxCycles` completes the rule. */
export const Cycle = Schema.Struct({
  afterExit: withDefault(AfterExit, "complete"),
  cooldown: withDefault(IsoDuration, Duration.zero),
  maxCycles: orNull(AtLeastOne),
  whileOpen: withDefault(WhileOpen, "ignore")
}).annotations({ identifier: "Cycle" })
export interface Cycle extends Schema.Schema.Type<typeof Cycle> {}

export const defaultCycle: Cycle = {
  afterExit: "complete",
  cooldown: Duration.zero,
  maxCycles: null,
  whileOpen: "ignore"
}
