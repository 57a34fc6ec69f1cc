import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { plan } from "../../../../src/autobuy/cycle/plan/plan.ts"
import { stepName } from "../../../../src/autobuy/cycle/plan/Snapshot.ts"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import { d, symbolInfo } from "../../../domain/rule/fixtures.ts"
import { Model } from "./Model.ts"

const targets = (as: "resting" | "watched") => [
  { gainPercent: "2", closePercent: "40", as },
  { gainPercent: "4", closePercent: "60", as }
]
const rules = [
  { exit: { takeProfit: targets("resting"), stopLoss: { lossPercent: "6" } } },
  {
    ladder: { count: 3, stepPercent: "1", sizeScale: "2" },
    exit: { takeProfit: targets("resting"), stopLoss: { lossPercent: "6" } }
  },
  {
    ladder: { count: 3, stepPercent: "1", place: "resting", maxActive: 2 },
    exit: { takeProfit: targets("watched"), stopLoss: { lossPercent: "8" } }
  },
  {
    ladder: { count: 2, stepPercent: "2", place: "resting" },
    exit: { stopLoss: { lossPercent: "5" }, trailing: { armPercent: "2", deltaPercent: "1" } }
  }
]

type Fate = "all" | "part" | "nothing" | "refused" | "lostPlaced" | "lostNever"

/** One thing that happens to the cycle, and how the next request fares. */
const event = fc.record({
  move: fc.integer({ min: -300, max: 300 }),
  share: fc.constantFrom(0.3, 1),
  fate: fc.constantFrom<Fate>("all", "all", "part", "nothing", "refused", "lostPlaced", "lostNever"),
  cancels: fc.boolean(),
  resolves: fc.boolean(),
  elapsed: fc.constantFrom(0, 1_000, 15_000, 90_000),
  owner: fc.constantFrom("nothing", "nothing", "nothing", "pause", "resume", "sell"),
  crash: fc.boolean()
})
type Event = typeof event extends fc.Arbitrary<infer A> ? A : never

const begin = (changes: Readonly<Record<string, unknown>>): Model => {
  const model = new Model({ limits: { total: "1000" }, ...changes }, "100000")
  const quantity = d("0.0005")
  const entry = model.place(
    { kind: "entry", level: 0, slot: "n1", type: "immediateOrCancel", price: model.price, quantity },
    null
  )
  model.fill(entry, 1, model.price)
  return model
}

/** Does the one step that is planned now; true when it changed something. */
const advance = (model: Model, { cancels, fate }: Pick<Event, "cancels" | "fate">): boolean => {
  const snapshot = model.snapshot()
  const step = plan(snapshot)
  switch (step.do) {
    case "wait":
      return false
    case "remember":
      model.memory = step.memory
      return true
    case "exit":
      assert.isNull(model.memory.exiting, "decided twice")
      model.memory = { ...model.memory, exiting: step.exiting }
      return true
    case "cancel":
      for (const id of step.orders) {
        const one = model.sent.find(({ order }) => order.id === id)
        if (one !== undefined && cancels) model.end(one)
      }
      return cancels
    case "close":
      assert.deepStrictEqual(model.open, [], "closed over an open order")
      model.closed = step.reason.code
      return true
    case "send": {
      const { ask } = step
      assert.isFalse(
        snapshot.open.some(({ order }) => order.status === "unknown"),
        "an order is sent while another is unknown"
      )
      const name = (one: { kind: string; level: number; slot: string }) => `${one.slot} ${one.kind} ${one.level}`
      assert.isFalse(
        model.sent.some((one) => name(one) === name(ask)),
        `${name(ask)} was sent before`
      )
      if (ask.kind === "exit")
        assert.isTrue(
          Decimal.lessOrEqual(ask.quantity ?? Decimal.zero, model.free),
          "an exit asks for more than is free of the rule's book"
        )
      else assert.isNull(model.memory.exiting, "a level is bought while the cycle is being sold")
      if (fate === "refused") {
        model.refused.add(stepName(ask.kind, ask.level))
        return true
      }
      const isLost = fate === "lostPlaced" || fate === "lostNever"
      const one = model.place(ask, isLost ? { placed: fate === "lostPlaced" } : null)
      if (isLost) return true
      if (ask.type !== "limit") {
        if (fate !== "nothing") model.fill(one, fate === "part" ? 0.4 : 1, model.price)
        model.end(one)
      }
      return true
    }
  }
}

const happen = (model: Model, event: Event): void => {
  model.price = Decimal.quantise(
    Decimal.multiply(model.price, Decimal.plusBps(event.move)),
    symbolInfo.priceTick,
    "floor"
  )
  model.now += event.elapsed
  model.match(event.share)
  // The pause after a refusal is over, or a crash forgot it.
  if (event.elapsed > 0 || event.crash) model.refused.clear()
  if (event.resolves)
    for (const one of model.sent)
      if (one.hidden !== null) {
        const { placed } = one.hidden
        one.hidden = null
        one.order = { ...one.order, status: placed ? "open" : "rejected" }
        if (placed && one.order.type !== "limit") {
          model.fill(one, 1, model.price)
          model.end(one)
        }
      }
  if (event.owner === "pause") model.ruleState = "paused"
  if (event.owner === "resume") model.ruleState = "active"
  if (event.owner === "sell" && Decimal.isPositive(model.free))
    model.taken = Decimal.add(
      model.taken,
      Decimal.quantise(Decimal.multiply(model.free, d("0.3")), symbolInfo.quantityStep, "floor")
    )
  for (let steps = 0; model.closed === null && advance(model, event); steps++)
    assert.isBelow(steps, 100, "the cycle never comes to rest")
}

const well: Omit<Event, "move"> = {
  share: 1,
  fate: "all",
  cancels: true,
  resolves: true,
  elapsed: 90_000,
  owner: "nothing",
  crash: false
}

describe("a cycle's plan", () => {
  it("through any prices, faults, pauses and crashes sells what was bought at most, each name once, and ends", () => {
    fc.assert(
      fc.property(fc.constantFrom(...rules), fc.array(event, { maxLength: 60 }), (changes, events) => {
        const model = begin(changes)
        for (const one of events) if (model.closed === null) happen(model, one)
        // However it went, a fall that the venue goes along with ends it.
        for (let i = 0; model.closed === null && i < 40; i++) happen(model, { ...well, move: i < 12 ? -300 : 0 })
        assert.isNotNull(model.closed, "it does not end")
        const { bought, sold } = model.lots
        assert.isTrue(Decimal.lessOrEqual(Decimal.add(sold, model.taken), bought), "more sold than bought")
        const left = Decimal.multiply(model.book, model.price)
        assert.isTrue(Decimal.lessThan(left, symbolInfo.minNotional), "something worth an order is left")
      }),
      { numRuns: 400 }
    )
  })
})
