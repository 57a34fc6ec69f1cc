import { assert, it } from "@effect/vitest"
import { afterBalance, balanceStep, freshBalance } from "../../../../src/domain/rule/decision/balance.ts"
import { d } from "../fixtures.ts"

const trigger = { type: "balance.available", asset: "USDT", atLeast: d("100") } as const

/** Reads one balance after another; `bought` says which firings bought. */
const walk = (balances: ReadonlyArray<number>, bought: (i: number) => boolean) => {
  let state = freshBalance
  const fired: Array<number> = []
  balances.forEach((free, i) => {
    const step = balanceStep(trigger, state, d(String(free)))
    state = step.fires ? afterBalance(bought(i), d(String(free))) : step.state
    if (step.fires) fired.push(i)
  })
  return fired
}

it("a deposit is swept once, however much of it is left or comes back", () => {
  assert.deepStrictEqual(
    walk([99.99, 500, 450, 450.3, 600, 20, 120, 10], () => true),
    [1, 6]
  )
})

it("a firing that bought nothing is tried again at the next inflow", () => {
  assert.deepStrictEqual(
    walk([500, 500, 499, 501, 501], (i) => i === 3),
    [0, 3]
  )
})
