import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Rules } from "../../../src/autobuy/Rules.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Audit } from "../../../src/store/Audit.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { ann, btc } from "../../orders/kit/orders.ts"
import { temporaryFolder } from "../../kit/TestDatabase.ts"
import { buy, eventually, executions, held, is, life, makeRule, resting, stateOf, venue } from "./kit.ts"

const start = Effect.gen(function* () {
  const at = yield* venue
  yield* at.price(100_000)
  return { at, folder: yield* temporaryFolder }
})

const guarded = {
  ladder: { count: 2, stepPercent: "1", place: "resting" },
  exit: { takeProfit: [{ gainPercent: "3" }], stopLoss: { lossPercent: "5" } }
}

/** What the audit trail has of cancels, each with its side and whether the rule is said to ask. */
const cancelsTold = Effect.flatMap(Audit, (audit) =>
  Effect.map(audit.list(ann, { action: "orderCancelAsked", limit: 50 }), ({ items }) =>
    items.map(({ by, detail }) => `${by.via} ${detail["cause"]} ${detail["side"]}`).toSorted()
  )
).pipe(Effect.provide(Audit.layer))

const buys = (orders: ReadonlyArray<string>) => orders.filter((one) => one.startsWith("buy"))

describe("a rule that is paused", () => {
  it.scopedLive("takes its levels from the venue, keeps its target, and puts the levels back when it is resumed", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const rules = yield* Rules
          const id = yield* makeRule(guarded)
          yield* buy(id)
          yield* eventually("all rest", resting(id), (orders) => orders.length === 3)
          yield* rules.pause(ann, id)
          yield* eventually(
            "only the target rests",
            resting(id),
            (orders) => orders.length === 1 && buys(orders).length === 0
          )
          yield* at.price(98_500)
          yield* rules.resume(ann, id)
          yield* eventually(
            "both levels are dealt with",
            executions(id),
            (all) => all.filter((one) => one === "level 1 executed").length === 1
          )
          yield* eventually("the other level rests", resting(id), (orders) => buys(orders).length === 1)
        })
      )
    })
  )

  it.scopedLive("still stops its loss", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule(guarded)
          yield* buy(id)
          yield* eventually("all rest", resting(id), (orders) => orders.length === 3)
          yield* (yield* Rules).pause(ann, id)
          yield* eventually("only the target rests", resting(id), (orders) => buys(orders).length === 0)
          yield* at.price(90_000)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
          assert.strictEqual(yield* held(id), "0")
          assert.strictEqual((yield* executions(id)).includes("level 1 executed"), false)
          // The target was in the way of the stop, which nobody asked for.
          assert.deepStrictEqual(yield* cancelsTold, ["rule ruleStopped buy", "rule ruleStopped buy"])
        })
      )
    })
  )
})

describe("a cycle that is open", () => {
  it.scopedLive("lets further firings be ignored, and the next one begin after it when the rule restarts", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({
            exit: { takeProfit: [{ gainPercent: "2" }] },
            cycle: { afterExit: "restart", maxCycles: 2 }
          })
          yield* buy(id)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          assert.strictEqual((yield* buy(id)).reason?.code, "CYCLE_OPEN")
          yield* at.price(102_500)
          yield* eventually("sold", held(id), is("0"))
          yield* eventually("the next begins", buy(id), ({ reason }) => reason === null)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          yield* at.price(105_000)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLES"))
        })
      )
    })
  )

  it.scopedLive("takes further entries where the rule says so, and sells all of them", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({ exit: { takeProfit: [{ gainPercent: "2" }] }, cycle: { whileOpen: "add" } })
          const first = yield* buy(id)
          yield* at.price(99_000)
          const second = yield* buy(id)
          assert.strictEqual(second.cycleId, first.cycleId)
          yield* at.price(103_000)
          yield* eventually("the end", stateOf(id), is("completed COMPLETED_CYCLE"))
          assert.strictEqual(yield* held(id), "0")
        })
      )
    })
  )

  it.scopedLive("finishes on the version it began with", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const rules = yield* Rules
          const id = yield* makeRule({ exit: { takeProfit: [{ gainPercent: "2" }] } })
          yield* buy(id)
          yield* eventually("the target rests", resting(id), (orders) => orders.length === 1)
          const before = yield* resting(id)
          const {
            computed: _,
            id: __,
            version,
            state: ___,
            pauseReason: _p,
            createdAt: _c,
            updatedAt: _u,
            ...document
          } = yield* rules.get(ann, id)
          yield* rules.update(ann, id, { ...document, ladder: null, exit: null, state: null }, version, {
            idempotencyKey: "an-edit-while-it-is-open",
            bodyHash: "b"
          })
          yield* Effect.sleep("300 millis")
          assert.deepStrictEqual(yield* resting(id), before)
          yield* at.price(103_000)
          yield* eventually("sold", held(id), is("0"))
        })
      )
    })
  )
})

describe("archiving a rule that holds lots", () => {
  const open = Effect.gen(function* () {
    const id = yield* makeRule(guarded)
    yield* buy(id)
    yield* eventually("all rest", resting(id), (orders) => orders.length === 3)
    return id
  })
  const manual = Effect.flatMap(Books, (books) =>
    Effect.map(books.lots(ann, btc, "manual"), ({ quantity, totalCost }) => [
      Decimal.format(quantity),
      Decimal.format(totalCost)
    ])
  )

  it.scopedLive("is refused unless it is said what becomes of them", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* open
          const refused = yield* Effect.flip((yield* Rules).archive(ann, id))
          assert.strictEqual(refused._tag, "CONFLICT")
          assert.strictEqual(yield* stateOf(id), "active")
        })
      )
    })
  )

  it.scopedLive("sells them when told to close", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* open
          const rule = yield* (yield* Rules).archive(ann, id, "close")
          assert.strictEqual(rule.state, "archived")
          assert.strictEqual(yield* held(id), "0")
          assert.deepStrictEqual(yield* resting(id), [])
          assert.include(yield* cancelsTold, "rule ruleStopped sell")
        })
      )
    })
  )

  it.scopedLive("makes them the owner's own at their cost when told to release, and a rebuild agrees", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* open
          const books = yield* Books
          const before = yield* books.lots(ann, btc, `rule:${id}`)
          const rule = yield* (yield* Rules).archive(ann, id, "release")
          assert.strictEqual(rule.state, "archived")
          assert.deepStrictEqual(yield* resting(id), [])
          assert.strictEqual(yield* held(id), "0")
          assert.deepStrictEqual(yield* manual, [Decimal.format(before.quantity), Decimal.format(before.totalCost)])
          yield* (yield* Ledger).rebuild(ann)
          assert.strictEqual(yield* held(id), "0")
          assert.deepStrictEqual(yield* manual, [Decimal.format(before.quantity), Decimal.format(before.totalCost)])
        })
      )
    })
  )
})
