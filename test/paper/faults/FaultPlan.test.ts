import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { catalogue } from "../../../src/paper/faults/Catalogue.ts"
import { Fault, selectorNames } from "../../../src/paper/faults/Fault.ts"
import { readFaultPlan } from "../../../src/paper/faults/FaultPlan.ts"

const problem = (plan: unknown): string =>
  Either.match(readFaultPlan(typeof plan === "string" ? plan : JSON.stringify(plan)), {
    onLeft: (why) => why,
    onRight: () => "fine"
  })
const of = (fault: unknown) => problem({ faults: [fault] })

describe("a plan of faults", () => {
  it("is read with what it leaves out", () => {
    const plan = {
      faults: [
        { type: "delayAnswer", count: 2 },
        { type: "latePush", probability: 0.5, delayMs: 20 }
      ]
    }
    assert.deepStrictEqual(Either.getOrThrow(readFaultPlan(JSON.stringify(plan))), [
      { type: "delayAnswer", count: 2, delayMs: 1_000, when: "after" },
      { type: "latePush", probability: 0.5, delayMs: 20 }
    ])
  })

  it("that is no plan is told so", () => {
    assert.match(problem("{"), /expected JSON/)
    assert.match(problem([]), /expected \{"faults"/)
    assert.match(problem({ faults: [], fault: [] }), /^fault: unknown/)
    assert.match(of("dropStream"), /^faults\[0\]: expected an object/)
  })

  it("names the type that was probably meant", () => {
    assert.strictEqual(
      of({ type: "dropAfterBoking" }),
      'faults[0].type: unknown "dropAfterBoking"; did you mean "dropAfterBooking"?'
    )
    assert.match(of({ type: "earthquake" }), /^faults\[0\]\.type: unknown "earthquake"; known: dropBeforeBooking, /)
    assert.match(of({}), /^faults\[0\]\.type: expected one of dropBeforeBooking, /)
  })

  it("names the parameter that was probably meant, and what it may be", () => {
    assert.strictEqual(
      of({ type: "delayAnswer", delayMS: 5 }),
      'faults[0].delayMS: unknown for delayAnswer; did you mean "delayMs"?'
    )
    assert.match(of({ type: "delayAnswer", delayMs: -5 }), /^faults\[0\]\.delayMs: .*\(0–600000, default 1000\)$/)
    assert.match(of({ type: "rejectOrder" }), /^faults\[0\]\.code: is missing \(required\)$/)
    assert.match(of({ type: "serverError", count: 0 }), /^faults\[0\]\.count: /)
    assert.match(of({ type: "serverError", probability: 1.5 }), /^faults\[0\]\.probability: /)
    assert.match(of({ type: "partialFill", fraction: "1" }), /^faults\[0\]\.fraction: expected a fraction below 1/)
    assert.match(
      of({ type: "filterChange", symbol: "BTCUSDT", change: { status: "7" } }),
      /^faults\[0\]\.change\.status: /
    )
  })

  it("can hold every type, and the catalogue tells each parameter", () => {
    const members = Fault.members.map(({ fields }) => ({
      type: String(fields.type.literals[0]),
      parameters: Object.keys(fields).filter((name) => name !== "type" && !selectorNames.includes(name))
    }))
    assert.deepStrictEqual(members.map(({ type }) => type).sort(), Object.keys(catalogue).sort())
    const told = new Map(Object.entries(catalogue).map(([type, { parameters }]) => [type, Object.keys(parameters)]))
    for (const { parameters, type } of members)
      assert.deepStrictEqual(told.get(type)?.toSorted(), parameters.sort(), type)
  })
})
