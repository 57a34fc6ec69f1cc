import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Either, FastCheck as fc } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { cancel } from "../../../src/paper/engine/orders/Cancelling.ts"
import { place } from "../../../src/paper/engine/orders/Placing.ts"
import { start } from "../kit/engineModel.ts"

const types = ["limit", "immediateOrCancel", "fillOrKill", "limitMaker"] as const

/** Prices strictly within the spread of the simulated book, where accounts meet only each other. */
const order = fc.record({
  account: fc.constantFrom("1", "2", "3", "4"),
  side: fc.constantFrom("buy" as const, "sell" as const),
  type: fc.constantFrom(...types),
  ticks: fc.integer({ min: 59_998, max: 60_002 }),
  // Steps of 0.0001: worth at least the minimum of 1 USDT, small enough to be funded throughout.
  quantity: fc.integer({ min: 170, max: 2_000 })
})
const action = fc.oneof(
  { weight: 6, arbitrary: order },
  { weight: 1, arbitrary: fc.record({ cancelPick: fc.nat(30) }) }
)
type Wanted = typeof order extends fc.Arbitrary<infer A> ? A : never

interface Resting extends Wanted {
  readonly index: number
  left: number
}

/** What matching is, said once more with integers and lists: best price first, then who came first. */
class Reference {
  resting: Array<Resting> = []
  readonly trades: Array<string> = []

  place(wanted: Wanted, index: number): void {
    const isBuy = wanted.side === "buy"
    const facing = this.resting
      .filter((each) => each.side !== wanted.side && (isBuy ? each.ticks <= wanted.ticks : each.ticks >= wanted.ticks))
      .sort((a, b) => (isBuy ? a.ticks - b.ticks : b.ticks - a.ticks) || a.index - b.index)
    const available = facing.reduce((sum, each) => sum + each.left, 0)
    if (wanted.type === "limitMaker" && facing.length > 0) return
    if (wanted.type === "fillOrKill" && available < wanted.quantity) return
    let left = wanted.quantity
    for (const maker of facing) {
      const quantity = Math.min(left, maker.left)
      if (quantity === 0) break
      maker.left -= quantity
      left -= quantity
      this.trades.push(`${index} takes ${quantity} of ${maker.index} at ${maker.ticks}`)
    }
    this.resting = this.resting.filter((each) => each.left > 0)
    if (left > 0 && (wanted.type === "limit" || wanted.type === "limitMaker")) {
      this.resting.push({ ...wanted, index, left })
    }
  }

  cancel(index: number): void {
    this.resting = this.resting.filter((each) => each.index !== index)
  }
}

const steps = (value: Decimal.Decimal, places: number) => Number(BigDecimal.scale(value, places).value)

describe("between accounts", () => {
  it("the better price trades first, then the older order, exactly as a second, simpler matching says", () => {
    let trades = 0
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => {
        const world = start()
        const reference = new Reference()
        const indexOf = new Map<string, number>()
        const idOf = new Map<number, { readonly id: string; readonly account: string }>()
        for (const [index, each] of actions.entries()) {
          if ("cancelPick" in each) {
            const target = reference.resting[each.cancelPick % Math.max(1, reference.resting.length)]
            if (target === undefined) continue
            const { account, id: orderId } = idOf.get(target.index) ?? { account: "1", id: "none" }
            const answer = world.run(() => cancel(world.engine, account, "ABCUSDT", { orderId }, index + 10))
            assert.isTrue(Either.isRight(answer), "what rests can be cancelled")
            reference.cancel(target.index)
            continue
          }
          const { account, quantity, side, ticks, type } = each
          const request = {
            symbol: "ABCUSDT",
            side,
            type,
            quantity: BigDecimal.make(BigInt(quantity), 4),
            price: BigDecimal.make(BigInt(ticks), 3),
            quoteOrderQty: null,
            clientOrderId: null
          }
          const placed = Either.getOrThrow(world.run(() => place(world.engine, account, request, index + 10)))
          indexOf.set(placed.id, index)
          idOf.set(index, { id: placed.id, account })
          reference.place(each, index)
        }
        const sides = world.facts.filter((fact) => fact._tag === "filled")
        const makers = new Map(sides.filter((fill) => fill.maker).map((fill) => [fill.tradeId.split("X")[0], fill]))
        const seen = sides
          .filter((fill) => !fill.maker)
          .map((taker) => {
            const maker = makers.get(taker.tradeId.split("X")[0])
            const [by, of] = [indexOf.get(taker.orderId), indexOf.get(maker?.orderId ?? "")]
            return `${by} takes ${steps(taker.quantity, 4)} of ${of} at ${steps(taker.price, 3)}`
          })
        assert.deepStrictEqual(seen, reference.trades)
        trades += seen.length
        const open = [...world.engine.ledger.accounts.values()].flatMap((account) =>
          [...account.open.values()].map(({ order: { executedQuantity, id, quantity } }) => [
            indexOf.get(id),
            steps(Decimal.subtract(quantity, executedQuantity), 4)
          ])
        )
        assert.sameDeepMembers(
          open,
          reference.resting.map(({ index, left }) => [index, left])
        )
      }),
      { numRuns: 200 }
    )
    // Of some 770, which is chance.
    assert.isAbove(trades, 500, "the streams do trade")
  })
})
