import { Effect, Option } from "effect"
import { reason, type Reason } from "../../../domain/Reason.ts"
import { formatInstant } from "../../../domain/Time.ts"
import { MarketClock } from "../../../MarketClock.ts"
import { Database } from "../../../store/Database.ts"
import { Events } from "../../../store/Events.ts"
import { makeStopping } from "../../firing/stopping.ts"
import { RulesRepo } from "../../RulesRepo.ts"
import type { CycleRow, Exiting } from "../../record/cycle/CycleRow.ts"
import { CyclesRepo } from "../../record/cycle/CyclesRepo.ts"
import type { Rows } from "./reading.ts"
import * as Decimal from "../../../domain/Decimal.ts"

const words = { stopLoss: "The stop loss", trailing: "The trailing stop" } as const

/** What is decided once and for ever about a cycle: that it is given up, and that it has ended. */
export const makeEnding = Effect.gen(function* () {
  const database = yield* Database
  const cycles = yield* CyclesRepo
  const rules = yield* RulesRepo
  const events = yield* Events
  const clock = yield* MarketClock
  const setState = yield* makeStopping

  /** Decided and told in one transaction; a stop that another has decided already stays as it was. */
  const giveUp = Effect.fnUntraced(function* (row: CycleRow, exiting: Exiting) {
    yield* database.write(
      Effect.gen(function* () {
        const found = yield* cycles.find(row.user_id, row.cycle_id)
        if (Option.isNone(found) || found.value.state !== "open" || found.value.memory.exiting !== null) return
        yield* cycles.remember(found.value, { ...found.value.memory, exiting })
        if (exiting.cause !== "stopLoss" && exiting.cause !== "trailing") return
        const rule = yield* rules.find(row.user_id, row.rule_id)
        const name = Option.match(rule, { onNone: () => "", onSome: ({ document }) => document.name })
        const price = exiting.price === null ? "" : ` at ${Decimal.format(exiting.price)}`
        yield* events.append(row.user_id, {
          type: "notice.stopFired",
          objectId: row.cycle_id,
          data: {
            text: `${words[exiting.cause]} of ${row.symbol} fired${price} (${formatInstant(exiting.at)}); the position is being sold.`,
            ruleId: row.rule_id,
            ruleName: name,
            symbol: row.symbol,
            cycleId: row.cycle_id
          }
        })
      })
    )
  })

  /** The end of a cycle and what it means for its rule commit together. */
  const close = Effect.fnUntraced(function* ({ cycle, document }: Rows, end: { reason: Reason; bought: boolean }) {
    const at = yield* clock.now
    const { afterExit, maxCycles } = document.cycle
    yield* database.write(
      Effect.gen(function* () {
        yield* cycles.close(cycle, { ...end, at })
        if (!end.bought || document.exit === null) return
        const made = yield* cycles.completed(cycle.user_id, cycle.rule_id)
        const why =
          afterExit === "complete"
            ? reason("COMPLETED_CYCLE")
            : maxCycles !== null && made >= maxCycles
              ? reason("COMPLETED_CYCLES", { limit: String(maxCycles) })
              : null
        if (why === null) return
        yield* setState(cycle.user_id, cycle.rule_id, ["active", "paused"], {
          state: "completed",
          reason: why,
          at
        })
      })
    )
  })

  return { giveUp, close }
})
