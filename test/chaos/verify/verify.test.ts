import { assert, describe, it } from "vitest"
import { check } from "./Checking.ts"
import { linesOf } from "./journal/Lines.ts"
import { clientOf } from "./journal/Client.ts"
import { runOf } from "./Run.ts"
import { goodRun } from "./selftest/GoodRun.ts"
import { defects, selfTest, tableOf } from "./selftest/SelfTest.ts"

const line = (n: number, more: object) => `${JSON.stringify({ at: n, n, ...more })}\n`

describe("The checker of chaos runs", () => {
  it("finds nothing in a run that kept every promise", () => {
    assert.deepStrictEqual(check(runOf(goodRun())), [])
  })

  it("finds each of at least thirty planted defects by what is meant to find it", () => {
    const outcomes = selfTest(goodRun())
    assert.isAtLeast(outcomes.length, 30)
    assert.deepStrictEqual(
      outcomes.filter(({ fate }) => fate !== "found").map(({ defect, text }) => `${defect.name}: ${text}`),
      []
    )
    assert.match(tableOf(outcomes), new RegExp(`${defects.length} found, 0 missed$`))
  })

  it("tries every invariant", () => {
    const tried = new Set(defects.map(({ foundBy }) => foundBy))
    assert.deepStrictEqual(
      ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13", "I14", "unreadable"].filter(
        (one) => ![...tried].some((each) => each === one)
      ),
      []
    )
  })

  it("leaves out a torn last line of the load generator's journal, and says so", () => {
    const { lines, notes } = linesOf("C", `${line(1, { kind: "run" })}{"at":2,"n":2,"ki`)
    assert.strictEqual(lines.length, 1)
    assert.match(notes[0] ?? "", /C:2 is torn/)
  })

  it("refuses a torn line of the exchange or the service, and a broken line anywhere else", () => {
    assert.throws(() => linesOf("E", `{"_tag":"ticked","at":1}\n{"_tag`), /E:2 is torn/)
    assert.throws(() => linesOf("S", `{"kind":"service"}\n{"ki`), /S:2 is torn/)
    assert.throws(() => linesOf("C", `{"at":1,\n${line(2, { kind: "run" })}`), /C:1 is not one JSON object/)
  })

  it("refuses a journal with a line taken out, or of a kind it does not know", () => {
    const read = (text: string) => clientOf(linesOf("C", text))
    assert.throws(() => read(line(1, { kind: "run" }) + line(3, { kind: "quiet" })), /C:2 is not number 2/)
    assert.throws(() => read(line(1, { kind: "rumour" })), /unknown kind "rumour"/)
    assert.throws(() => read(line(1, { kind: "noAnswer", id: 7 })), /answers what nobody asked/)
  })
})
