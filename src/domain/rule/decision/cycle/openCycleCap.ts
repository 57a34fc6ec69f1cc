import { Duration } from "effect"
import { reason, type Reason } from "../../../Reason.ts"
import { formatDuration, formatInstant, type Instant } from "../../../Time.ts"
import type { Cycle } from "../../shape/Cycle.ts"

/** What a rule's cycles stand at. */
export interface Cycles {
  /** The cycle that is open, if any. */
  readonly open: boolean
  /** Cycles that have come to their end. */
  readonly ended: number
  readonly lastEndedAt: Instant | null
}

/** What a firing may do: begin a cycle, add to the open one, or nothing, and why. */
export type Opening = { readonly into: "new" | "open"; readonly refusal: null } | { readonly refusal: Reason }

export const openCycleCap = (cycle: Cycle, cycles: Cycles, now: Instant): Opening => {
  if (cycles.open)
    return cycle.whileOpen === "add" ? { into: "open", refusal: null } : { refusal: reason("CYCLE_OPEN") }
  if (cycle.maxCycles !== null && cycles.ended >= cycle.maxCycles)
    return { refusal: reason("CAP_CYCLES", { limit: String(cycle.maxCycles) }) }
  if (cycles.lastEndedAt !== null) {
    const until = cycles.lastEndedAt + Duration.toMillis(cycle.cooldown)
    if (now < until)
      return {
        refusal: reason("COOLDOWN", { cooldown: formatDuration(cycle.cooldown), until: formatInstant(until) })
      }
  }
  return { into: "new", refusal: null }
}
