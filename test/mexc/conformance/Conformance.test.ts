import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { differences } from "./differences.ts"
import { begin, operator, scenario, until } from "./scenario.ts"
import { truthOf } from "./truth.ts"
import { world } from "./world.ts"

describe("our side of the venue", () => {
  it.live(
    "agrees with the exchange's own record after a day of everything",
    () =>
      Effect.gen(function* () {
        yield* begin
        const intents = yield* scenario
        yield* until("both sides agree", differences(intents), (found) => found.length === 0)
        const { orders } = yield* truthOf(yield* operator)
        const statuses = intents.map(({ clientOrderId, name, said }) => [
          name,
          said === "refused" ? said : orders.find((order) => order.clientOrderId === clientOrderId)?.status
        ])
        assert.deepStrictEqual(statuses, [
          ["marketBuy", "filled"],
          ["protectedBuy", "filled"],
          ["restingBuy", "cancelled"],
          ["patientBuy", "filled"],
          ["Kill", "cancelled"],
          ["Fill", "filled"],
          ["Post", "cancelled"],
          ["Take", "cancelled"],
          ["limitSell", "filled"],
          ["lastBuy", "filled"]
        ])
      }).pipe(Effect.provide(world)),
    60_000
  )
})
