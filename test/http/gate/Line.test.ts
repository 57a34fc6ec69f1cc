import { assert, describe, it } from "@effect/vitest"
import { Line } from "../../../src/http/gate/Line.ts"
import type { Rank } from "../../../src/http/gate/traffic.ts"

/** A line whose turns the test ends, and what it served. */
const makeLine = () => {
  let next: Array<() => void> = []
  const served: Array<string> = []
  const line = new Line((run) => void next.push(run))
  const ask = (rank: Rank | null, name: string) => line.enter(rank, () => void served.push(name))
  const endTurn = () => {
    const now = next
    next = []
    for (const run of now) run()
  }
  return { ask, endTurn, line, served }
}

describe("The line", () => {
  it("serves who comes alone at once, and then one in each turn, the more important first", () => {
    const { ask, endTurn, served } = makeLine()
    ask("lists", "list 1")
    assert.deepStrictEqual(served, ["list 1"])
    ask("lists", "list 2")
    ask("reads", "read 1")
    ask("edits", "edit 1")
    ask("reads", "read 2")
    assert.deepStrictEqual(served, ["list 1"])
    for (const expected of ["edit 1", "read 1", "read 2", "list 2"]) {
      endTurn()
      assert.strictEqual(served.at(-1), expected)
    }
    endTurn()
    ask("lists", "list 3")
    assert.strictEqual(served.at(-1), "list 3")
  })

  it("is passed by orders, by what stops something, and by who looks whether the service lives", () => {
    const { ask, line, served } = makeLine()
    for (let n = 0; n < 100; n++) ask("lists", "list")
    ask("orders", "an order")
    ask("stops", "a halt")
    ask(null, "liveness")
    assert.deepStrictEqual(served, ["list", "an order", "a halt", "liveness"])
    assert.isFalse(line.isFull("orders") || line.isFull("stops"))
  })

  it("goes on when one of those who are served throws", () => {
    const { ask, endTurn, line, served } = makeLine()
    assert.throws(() =>
      line.enter("lists", () => {
        throw new Error("a bug")
      })
    )
    ask("lists", "list")
    endTurn()
    assert.deepStrictEqual(served, ["list"])
  })
})
