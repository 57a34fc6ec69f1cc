import { Effect, Option, Schedule } from "effect"
import { Conflict } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import type { RuleState } from "../../domain/Rule.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Books } from "../../portfolio/Books.ts"
import { Ledger } from "../../portfolio/Ledger.ts"
import { Database } from "../../store/Database.ts"
import { Ownership } from "../../store/Ownership.ts"
import { Cycles } from "../cycle/Cycles.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import { makeStopping } from "../firing/stopping.ts"
import type { RuleRow } from "../record/rows.ts"
import { RuleMarket } from "../RuleMarket.ts"
import { RulesRepo } from "../RulesRepo.ts"
import { RuleSupervisor } from "../RuleSupervisor.ts"
import { bookOf } from "../record/bookOf.ts"
import { makeComputed } from "../view/computed.ts"
import { findRule } from "./findRule.ts"

const conflict = (message: string) => new Conflict({ message })
const again = (message: string) => new Conflict({ message, retryable: true })

/** How long a request waits for lots to be sold, or for waiting orders to be cancelled, before it has to be repeated. */
const patience = "10 seconds"
const looking = Schedule.spaced("100 millis")

/** The end of a rule. Its lots are sold, or become the owner's own, before nobody looks after them any more. */
export const makeArchiving = Effect.gen(function* () {
  const database = yield* Database
  const ownership = yield* Ownership
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const supervisor = yield* RuleSupervisor
  const cycles = yield* Cycles
  const books = yield* Books
  const ledger = yield* Ledger
  const market = yield* RuleMarket
  const clock = yield* MarketClock
  const show = yield* makeComputed
  const setState = yield* makeStopping

  /** Refused when the rule left the state it was read in. */
  const move = Effect.fnUntraced(function* (row: RuleRow, state: RuleState) {
    const to = { state, reason: reason("BY_USER"), at: yield* clock.now }
    const moved = yield* setState(row.user_id, row.rule_id, [row.state], to)
    if (!moved) return yield* conflict("The rule has just changed its state; read it again.")
  })

  /** Less than the venue would take back is dust, which stays in its book. */
  const holdsLots = Effect.fnUntraced(function* (row: RuleRow) {
    const { quantity } = yield* books.lots(row.user_id, row.symbol, bookOf(row.rule_id))
    if (!Decimal.isPositive(quantity)) return false
    const listed = yield* market.symbol(row.symbol)
    const last = yield* market.last(row.symbol)
    if (listed === null || Option.isNone(listed) || last === null) return true
    return Decimal.greaterOrEqual(Decimal.multiply(quantity, last.price), listed.value.minNotional)
  })

  const hasOpenCycle = (row: RuleRow) => Effect.map(cycles.openOf(row.user_id, row.rule_id), Option.isSome)
  const isBusy = (row: RuleRow) =>
    Effect.map(executions.running(row.user_id, row.rule_id), (running) => running.length > 0)

  /** Nothing more is bought; then the position is given up, and what waits at the venue with it. */
  const giveUp = Effect.fnUntraced(function* (row: RuleRow, lots: "release" | "close") {
    if (row.state === "active") yield* move(row, "paused")
    yield* supervisor.refresh(row.user_id, row.rule_id)
    if ((yield* hasOpenCycle(row)) || (lots === "close" && (yield* holdsLots(row)))) yield* cycles.end(row, lots)
    const open = Effect.flatMap(hasOpenCycle(row), (isOpen) => (isOpen ? Effect.succeed(true) : isBusy(row)))
    const over = yield* Effect.repeat(open, { schedule: looking, while: (isOpen) => isOpen }).pipe(
      Effect.timeoutOption(patience)
    )
    if (Option.isNone(over))
      return yield* again("The rule's orders are being ended and its lots dealt with; repeat the request in a moment.")
    return yield* findRule(rules, row.user_id, row.rule_id)
  })

  return Effect.fn("Rules.archive")(function* (userId: UserId, id: RuleId, lots?: "release" | "close") {
    yield* ownership.assertOwner
    const row = yield* findRule(rules, userId, id)
    if (row.state === "archived") return yield* show(row)
    if (lots === undefined) {
      if (yield* hasOpenCycle(row))
        return yield* conflict(
          "A cycle of the rule is open; `?lots=close` sells its position, `?lots=release` keeps it."
        )
      if (yield* isBusy(row))
        return yield* conflict("An order of the rule has no proven end yet; pause the rule and archive it afterwards.")
      if (yield* holdsLots(row))
        return yield* conflict(
          `The rule holds ${row.symbol}: \`?lots=close\` sells it, \`?lots=release\` makes it part of your manual book.`
        )
    }
    const last = lots === undefined ? row : yield* giveUp(row, lots)
    yield* database.write(
      Effect.gen(function* () {
        yield* move(last, "archived")
        if (lots === "release") yield* ledger.release(userId, row.symbol, bookOf(id))
      })
    )
    yield* supervisor.refresh(userId, id)
    return yield* show(yield* findRule(rules, userId, id))
  })
})
