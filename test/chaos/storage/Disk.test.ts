import { assert, describe, it } from "vitest"
import { Disk, diceOf } from "./Disk.ts"
import type { Call } from "./recording.ts"

const root = "/data"
const call = (kind: string, file: string, offset = 0, text: string | Buffer = ""): Call => ({
  kind,
  file,
  offset,
  bytes: Buffer.from(text),
  end: 0
})

const made = () => {
  const disk = new Disk(root)
  disk.apply(call("O", "1/3", 1, `${root}/a`))
  disk.apply(call("O", "1/4", 0, root))
  return disk
}

/** What a file can hold after a cut, over many cuts; `none` when it is not there. */
const outcomes = (disk: Disk, name = "a") =>
  new Set(Array.from({ length: 300 }, (_, seed) => disk.cut(diceOf(seed)).get(name)?.toString() ?? "none"))

describe("The disk of the power cuts", () => {
  it("may lose or keep what was not synced, and keeps what was", () => {
    const disk = made()
    disk.apply(call("S", "1/4"))
    disk.apply(call("W", "1/3", 0, "old"))
    assert.deepStrictEqual(outcomes(disk), new Set(["", "old"]))
    disk.apply(call("S", "1/3"))
    assert.deepStrictEqual(outcomes(disk), new Set(["old"]))
    disk.apply(call("W", "1/3", 0, "new"))
    assert.deepStrictEqual(outcomes(disk), new Set(["old", "new"]))
  })

  it("may forget a new file whose folder was not synced, whatever was synced of the file", () => {
    const disk = made()
    disk.apply(call("W", "1/3", 0, "text"))
    disk.apply(call("S", "1/3"))
    assert.deepStrictEqual(outcomes(disk), new Set(["none", "text"]))
    disk.apply(call("S", "1/4"))
    assert.deepStrictEqual(outcomes(disk), new Set(["text"]))
  })

  it("may bring back a file that was removed", () => {
    const disk = made()
    disk.apply(call("S", "1/4"))
    disk.apply(call("D", "", 0, `${root}/a`))
    assert.deepStrictEqual(outcomes(disk), new Set(["", "none"]))
    disk.apply(call("S", "1/4"))
    assert.deepStrictEqual(outcomes(disk), new Set(["none"]))
  })

  it("tears a write between sectors, never within one", () => {
    const disk = made()
    disk.apply(call("S", "1/4"))
    disk.apply(call("W", "1/3", 0, "x".repeat(1_024)))
    disk.apply(call("S", "1/3"))
    disk.apply(call("W", "1/3", 256, "y".repeat(512)))
    const [x, y] = ["x".repeat(256), "y".repeat(256)]
    assert.deepStrictEqual(outcomes(disk), new Set([x + x + x + x, x + y + y + x, x + y + x + x, x + x + y + x]))
  })

  it("orders nothing that was not synced: the later of two writes may stay without the earlier", () => {
    const disk = made()
    disk.apply(call("S", "1/4"))
    disk.apply(call("W", "1/3", 0, "1"))
    disk.apply(call("W", "1/3", 1, "2"))
    assert.deepStrictEqual(outcomes(disk), new Set(["", "1", "12", "\0" + "2"]))
  })

  it("gives a file that another process opens by the same name, and one that took over a name", () => {
    const disk = made()
    disk.apply(call("O", "2/9", 0, `${root}/a`))
    disk.apply(call("W", "2/9", 0, "theirs"))
    disk.apply(call("S", "1/3"))
    disk.apply(call("R", "", 0, `${root}/a\0${root}/b`))
    disk.apply(call("S", "1/4"))
    assert.deepStrictEqual([outcomes(disk), outcomes(disk, "b")], [new Set(["none"]), new Set(["theirs"])])
  })
})
