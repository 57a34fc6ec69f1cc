import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Layer } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { holds, type PriceBound } from "../../src/domain/rule/decision/levels.ts"
import { TriggerIndex } from "../../src/autobuy/TriggerIndex.ts"
import { btc, d } from "../domain/rule/fixtures.ts"
import { FakeMarket } from "./kit/FakeMarket.ts"
import { world } from "./kit/world.ts"

const index = TriggerIndex.layer.pipe(Layer.provideMerge(world()))
const bound = (comparison: PriceBound["comparison"], price: number | string): PriceBound => ({
  comparison,
  price: d(String(price))
})

describe("the trigger index", () => {
  it.scoped("wakes the rules a tick hits and no others", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const book = yield* (yield* TriggerIndex).of(btc)
      const woken: Array<string> = []
      const arm = (name: string, ...bounds: ReadonlyArray<PriceBound>) =>
        book.arm(bounds, (tick) => woken.push(`${name}@${Decimal.format(tick.price)}`))
      yield* market.tick(100)
      arm("low", bound("atOrBelow", 90))
      arm("lower", bound("atOrBelow", 80))
      arm("strict", bound("below", 90))
      arm("high", bound("atOrAbove", 110))
      const cancel = arm("gone", bound("atOrBelow", 95))
      cancel()
      yield* market.tick(95)
      assert.deepStrictEqual(woken, [])
      yield* market.tick(90)
      assert.deepStrictEqual(woken, ["low@90"])
      yield* market.tick(89)
      assert.deepStrictEqual(woken, ["low@90", "strict@89"])
      yield* market.tick(89)
      yield* market.tick(111)
      assert.deepStrictEqual(woken, ["low@90", "strict@89", "high@111"])
      assert.strictEqual((yield* (yield* TriggerIndex).stats).armed, 1)
    }).pipe(Effect.provide(index))
  )

  it.scoped("a rule that arms when the price is there already wakes at once", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      yield* market.tick(85)
      const book = yield* (yield* TriggerIndex).of(btc)
      const woken: Array<string> = []
      book.arm([bound("atOrBelow", 90)], () => woken.push("woken"))
      assert.deepStrictEqual(woken, ["woken"])
    }).pipe(Effect.provide(index))
  )

  it.scoped("follows a symbol once, and only while somebody looks at it", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const indexes = yield* TriggerIndex
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* indexes.of(btc)
          yield* indexes.of(btc)
          assert.strictEqual(yield* market.followers, 1)
        })
      )
      assert.strictEqual(yield* market.followers, 0)
    }).pipe(Effect.provide(index))
  )

  it.scoped("no crossing tick leaves an armed rule unwoken, whatever is armed and cancelled in between", () =>
    Effect.gen(function* () {
      const indexes = yield* TriggerIndex
      const book = yield* indexes.of(btc)
      const feed = yield* FakeMarket
      const comparisons = ["atOrBelow", "atOrAbove", "below", "above"] as const
      const bounds = fc
        .tuple(fc.constantFrom(...comparisons), fc.integer({ min: 1, max: 9 }))
        .map(([comparison, price]) => bound(comparison, price))
      const oneOrTwo = fc.array(bounds, { minLength: 1, maxLength: 2 })
      const steps = fc.array(
        fc.oneof(
          fc.record({ arm: fc.array(oneOrTwo, { minLength: 1, maxLength: 1 }) }),
          // As many as a start arms, which are sorted in together.
          fc.record({ arm: fc.array(oneOrTwo, { minLength: 16, maxLength: 40 }) }),
          fc.record({ cancel: fc.nat(60) }),
          fc.record({ tick: fc.integer({ min: 1, max: 9 }) })
        ),
        { maxLength: 60 }
      )
      for (const program of fc.sample(steps, { numRuns: 150, seed: 7 })) {
        const armed = new Map<number, { bounds: ReadonlyArray<PriceBound>; cancel: () => void }>()
        const woken = new Set<number>()
        let next = 0
        for (const step of program) {
          if ("arm" in step) {
            for (const bounds of step.arm) {
              const id = next++
              const cancel = book.arm(bounds, () => void woken.add(id))
              const last = book.last()
              const hit = last !== null && bounds.some((one) => holds(one, last.price))
              assert.strictEqual(woken.has(id), hit)
              if (!hit) armed.set(id, { bounds, cancel })
            }
          } else if ("cancel" in step) {
            armed.get(step.cancel)?.cancel()
            armed.delete(step.cancel)
          } else {
            const before = new Set(woken)
            yield* feed.tick(step.tick)
            for (const [id, { bounds }] of armed) {
              const hit = bounds.some((one) => holds(one, d(String(step.tick))))
              assert.strictEqual(woken.has(id), hit, `rule ${id}`)
              if (hit) armed.delete(id)
            }
            for (const id of woken) assert.isTrue(before.has(id) || !armed.has(id))
          }
        }
        for (const { cancel } of armed.values()) cancel()
        assert.strictEqual((yield* indexes.stats).armed, 0)
      }
    }).pipe(Effect.provide(index))
  )
})
