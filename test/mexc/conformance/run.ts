import { assert } from "@effect/vitest"
import { Effect, Logger, LogLevel } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { differences } from "./differences.ts"
import type { FaultCase } from "./faultCases.ts"
import { begin, operator, planFaults, scenario, until } from "./scenario.ts"
import { symbol, user, world } from "./world.ts"

const deafening = new Set<string>(["silentStream", "halfOpenStream", "listenKeyDeath", "missingPush"])

/** The venue wants nothing from this address: an order is refused before it is sent, and may be repeated later. */
const isStopped = Effect.gen(function* () {
  const orders = yield* Orders
  const body = { symbol, side: "buy", type: "market", quoteAmount: Decimal.unsafe("50"), waitMs: 0 } as const
  const failure = yield* Effect.flip(
    orders.place(user, body, { idempotencyKey: "key-stopped-0123456789", bodyHash: "stopped" })
  )
  assert.strictEqual(failure._tag, "EXCHANGE_RATE_LIMITED")
})

/** The day of everything under faults: they must have happened, and both sides must agree when they are over. */
export const runUnder = ({ atEnd, faults, lost = 0 }: Omit<FaultCase, "name">) =>
  Effect.gen(function* () {
    const { control } = yield* operator
    const firedOf = Effect.map(control("GET", "/paper/v1/faults"), ({ body }) => {
      const states: ReadonlyArray<{ readonly type: string; readonly fired: number }> = body.faults
      return (type: string) => states.find((state) => state.type === type)?.fired ?? 0
    })
    yield* begin
    if (atEnd !== true) yield* planFaults(faults)
    const intents = yield* scenario
    if (atEnd === true) {
      yield* planFaults(faults)
      yield* isStopped
      const before = yield* firedOf
      yield* isStopped
      const after = yield* firedOf
      for (const { type } of faults) assert.strictEqual(after(type), before(type))
    }
    // A drop is part of every day, unless nothing passes that could bring it about.
    const isDeaf = faults.some(({ type }) => deafening.has(type))
    yield* until("the faults have happened", firedOf, (fired) =>
      [...faults, { type: "dropStream" }].every(({ type }) =>
        type === "dropStream"
          ? isDeaf || fired(type) > faults.filter((fault) => fault.type === type).length
          : fired(type) > 0
      )
    )
    yield* control("DELETE", "/paper/v1/faults")
    yield* until("both sides agree", differences(intents), (found) => found.length === 0)
    const orders = yield* Effect.flatMap(Orders, ({ list }) => list(user, { limit: 500 }))
    assert.strictEqual(orders.items.filter(({ status }) => status === "unknown" || status === "pending").length, lost)
  }).pipe(Effect.provide(world), Logger.withMinimumLogLevel(LogLevel.None))
