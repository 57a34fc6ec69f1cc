import { assert } from "@effect/vitest"
import { Effect, Logger, LogLevel } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { differences } from "./differences.ts"
import type { FaultCase } from "./faultCases.ts"
import { begin, operator, planFaults, scenario, until } from "./scenario.ts"
import { symbol, user, world } from "./world.ts"

interface State {
  readonly type: string
  readonly left: number | null
  readonly fired: number
}

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
    const states = Effect.map(control("GET", "/paper/v1/faults"), ({ body }): ReadonlyArray<State> => body.faults)
    const firedOf = Effect.map(states, (all) => (type: string) => all.find((state) => state.type === type)?.fired ?? 0)
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
    const missing = Effect.map(states, (all) =>
      all.filter(({ fired, left, type }) => {
        const planned = faults.filter((fault) => fault.type === type)
        if (type === "dropStream") return !isDeaf && fired <= planned.length
        // One that lasts has no number left; what is counted must all have happened, unless the client stopped at the first.
        return planned.length > 0 && (fired === 0 || (atEnd !== true && (left ?? 0) > 0))
      })
    )
    yield* until("the faults have happened", missing, (found) => found.length === 0)
    yield* control("DELETE", "/paper/v1/faults")
    yield* until("both sides agree", differences(intents), (found) => found.length === 0)
    const orders = yield* Effect.flatMap(Orders, ({ list }) => list(user, { limit: 500 }))
    assert.strictEqual(orders.items.filter(({ status }) => status === "unknown" || status === "pending").length, lost)
  }).pipe(Effect.provide(world), Logger.withMinimumLogLevel(LogLevel.None))
