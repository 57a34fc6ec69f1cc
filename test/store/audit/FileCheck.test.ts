import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc } from "effect"
import { beginning, type Head, linked } from "../../../src/domain/audit/chain.ts"
import { FileWriter } from "../../../src/store/audit/auditFile.ts"
import { FileCheck } from "../../../src/store/audit/FileCheck.ts"

const entryOf = (user: string | null, n: number): string =>
  JSON.stringify({
    at: "2026-03-01T09:00:00.000Z",
    user,
    by: { via: "operator", credentialId: null },
    action: "haltChanged",
    objectId: null,
    requestId: `request-${n}`,
    address: "203.0.113.7",
    result: "done",
    before: null,
    after: null,
    detail: { reason: `a look — Überprüfung, line\nbreak and "quotes" ${n}`, halted: "true" }
  })

const people = ["local_ann", "local_bob", null] as const

/** A file of so many entries, of everything or of one user, and the head after each entry of it. */
const fileOf = (entries: number, user: string | null = null) => {
  const writer = new FileWriter("install", user)
  const lines = [writer.first()]
  const kept: Array<Head> = []
  const heads = new Map<string, Head>()
  let all = beginning
  for (let n = 0; n < entries; n++) {
    const whose = people[n % people.length] ?? null
    const row = linked(all, whose === null ? null : (heads.get(whose) ?? beginning), entryOf(whose, n))
    all = { seq: row.seq, hash: row.hash }
    const mine = { seq: row.userSeq ?? 0, hash: row.userHash ?? "" }
    if (whose !== null) heads.set(whose, mine)
    if (user !== null && whose !== user) continue
    lines.push(writer.entry(row))
    kept.push(user === null ? all : mine)
  }
  return { lines: [...lines, writer.last()], kept }
}

const check = (file: string | Uint8Array, kept?: Head, chunk = 4096) => {
  const bytes = Buffer.from(file)
  const reader = new FileCheck(kept)
  for (let at = 0; at < bytes.length; at += chunk) if (!reader.push(bytes.subarray(at, at + chunk))) break
  return reader.end()
}

const problemOf = (...asked: Parameters<typeof check>): string =>
  Either.match(check(...asked), { onLeft: (problem) => problem, onRight: () => "good" })

describe("An exported audit trail", () => {
  it("is good as it was written, in whatever pieces it is read", () => {
    for (const user of [null, "local_ann"]) {
      const { kept, lines } = fileOf(30, user)
      for (const chunk of [1, 7, 4096]) {
        const found = Either.getOrThrow(check(lines.join(""), undefined, chunk))
        assert.deepStrictEqual([found.user, found.entries, found.head], [user, kept.length, kept.at(-1)])
      }
    }
    assert.deepStrictEqual(Either.getOrThrow(check(fileOf(0).lines.join(""))).head, beginning)
  })

  for (const user of [null, "local_ann"])
    it(`shows each of 1,000 changed bits anywhere in it, ${user === null ? "of everything" : "of one user"}`, () => {
      const bytes = Buffer.from(fileOf(20, user).lines.join(""))
      let found = 0
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
          const changed = Uint8Array.from(bytes)
          changed[at] = (changed[at] ?? 0) ^ (1 << bit)
          const problem = problemOf(changed)
          found += problem === "good" ? 0 : 1
          assert.match(problem, /^line \d+/, `bit ${bit} of byte ${at}`)
        }),
        { numRuns: 1_000 }
      )
      assert.strictEqual(found, 1_000)
    })

  it("shows every other byte at every place, newlines, first and last line included", () => {
    const bytes = Buffer.from(fileOf(2).lines.join(""))
    for (let at = 0; at < bytes.length; at++)
      for (const other of [0x00, 0x0a, 0x0d, 0x20, 0x22, 0x30, 0x41, 0x5c, 0x61, 0x7d, 0xc3, 0xff]) {
        if (bytes[at] === other) continue
        const changed = Uint8Array.from(bytes)
        changed[at] = other
        assert.notStrictEqual(problemOf(changed), "good", `byte ${at} as ${other}`)
      }
  })

  it("shows each byte that was put in or left out, also a space that means nothing", () => {
    const bytes = Buffer.from(fileOf(2).lines.join(""))
    for (let at = 0; at <= bytes.length; at++) {
      const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
      for (const put of [" ", "\n", "0"])
        assert.notStrictEqual(problemOf(Buffer.concat([before, Buffer.from(put), after])), "good", `${put} at ${at}`)
      if (at < bytes.length)
        assert.notStrictEqual(problemOf(Buffer.concat([before, after.subarray(1)])), "good", `without ${at}`)
    }
  })

  it("shows a byte that is no text where the text says that something could not be read", () => {
    const writer = new FileWriter("install", null)
    const entry = entryOf(null, 1).replace("look", "\ufffd")
    const file = [writer.first(), writer.entry(linked(beginning, null, entry)), writer.last()].join("")
    assert.strictEqual(problemOf(file), "good")
    const bytes = Uint8Array.from(Buffer.from(file))
    // Half of another character: readers that are lenient show the same.
    bytes[bytes.indexOf(0xef)] = 0xf0
    assert.match(problemOf(bytes), /^line 2 \(entry 1\): it is not written as it was exported/)
  })

  it("names the entry that was changed, and what is wrong with the file", () => {
    const { lines } = fileOf(9)
    const changed = lines.with(4, (lines[4] ?? "").replace("203.0.113.7", "203.0.113.8"))
    assert.match(problemOf(changed.join("")), /^line 5 \(entry 4\): its text or the one before was changed/)
    assert.match(problemOf(lines.toSpliced(4, 1).join("")), /^line 5 \(entry 4\): it is number 5 where 4 follows/)
    assert.match(problemOf(lines.with(4, "{}\n").join("")), /^line 5 \(entry 4\): it is not an entry/)
    assert.match(
      problemOf(lines.with(4, (lines[4] ?? "").replace(",", ", ")).join("")),
      /not written as it was exported/
    )
    assert.match(problemOf(lines.slice(1).join("")), /^line 1: it is not the first line/)
    assert.match(problemOf(""), /^line 1: the file ends in the middle/)
    assert.match(problemOf(lines.slice(0, 6).join("")), /^line 7: the file ends in the middle/)
    assert.match(problemOf([...lines, "\n"].join("")), /^line 12: something follows the last line/)
    assert.match(problemOf("x".repeat(2_000_000)), /^line 1: it is longer than any line/)
  })

  it("of another user does not pass for one's own", () => {
    const { lines } = fileOf(9, "local_ann")
    const renamed = [(lines[0] ?? "").replace("local_ann", "local_bob"), ...lines.slice(1)]
    assert.match(problemOf(renamed.join("")), /^line 2 \(entry 1\): it is about another user/)
  })

  it("whose end was cut off, and another last line written, is told by a head that was kept", () => {
    const whole = fileOf(9)
    const cut = fileOf(6).lines.join("")
    assert.strictEqual(problemOf(cut), "good")
    for (const kept of whole.kept.slice(0, 6)) assert.strictEqual(problemOf(cut, kept), "good")
    assert.match(problemOf(cut, whole.kept[7]), /ends at entry 6; the head that was kept is of entry 8/)
  })

  it("that was written anew from some entry on is told by a head that was kept", () => {
    const { kept, lines } = fileOf(9)
    const other = { seq: 5, hash: "0".repeat(64) }
    assert.strictEqual(problemOf(lines.join(""), kept[4]), "good")
    assert.match(problemOf(lines.join(""), other), /^line 6 \(entry 5\).*written anew/)
  })
})
