import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { beginning, type Head, type Linked, linked } from "../../../src/domain/audit/chain.ts"
import { ChainCheck, UserChainCheck } from "../../../src/domain/audit/ChainCheck.ts"

interface Told {
  readonly user: string | null
  readonly text: string
}

type Row = Told & Linked

const chained = (told: ReadonlyArray<Told>): ReadonlyArray<Row> => {
  let all = beginning
  const heads = new Map<string, Head>()
  return told.map(({ text, user }) => {
    const row = linked(all, user === null ? null : (heads.get(user) ?? beginning), text)
    all = row
    if (user !== null && row.userSeq !== null && row.userHash !== null)
      heads.set(user, { seq: row.userSeq, hash: row.userHash })
    return { ...row, user, text }
  })
}

/** The place of the first row that does not follow; -1: all do. */
const firstBad = (rows: ReadonlyArray<Row>): number => {
  const check = new ChainCheck()
  return rows.findIndex((row) => check.take(row, row.user) !== null)
}

const told = fc.record({ user: fc.constantFrom("ann", "bob", null), text: fc.string() })
const trail = fc.array(told, { minLength: 2, maxLength: 40 }).map(chained)
const placed = trail.chain((rows) => fc.tuple(fc.constant(rows), fc.nat(rows.length - 1)))

describe("The chain of the audit trail", () => {
  it("holds for what was appended, whoever it is about", () =>
    fc.assert(fc.property(trail, (rows) => firstBad(rows) === -1)))

  it("shows a changed text at its place", () =>
    fc.assert(
      fc.property(placed, ([rows, at]) => {
        const changed = rows.map((row, i) => (i === at ? { ...row, entry: `${row.entry}.` } : row))
        assert.strictEqual(firstBad(changed), at)
      })
    ))

  it("shows a removed entry at the one after it; nothing comes after the last", () =>
    fc.assert(
      fc.property(placed, ([rows, at]) => {
        assert.strictEqual(firstBad(rows.toSpliced(at, 1)), at === rows.length - 1 ? -1 : at)
      })
    ))

  it("shows an entry that was put in, and linked well, at the one after it", () =>
    fc.assert(
      fc.property(placed, told, ([rows, at], forged) => {
        const forgery = chained([...rows.slice(0, at), forged]).slice(-1)
        assert.strictEqual(firstBad(rows.toSpliced(at, 0, ...forgery)), at + 1)
      })
    ))

  it("shows two entries that changed places at the first of them", () =>
    fc.assert(
      fc.property(placed, fc.nat(), ([rows, at], n) => {
        const other = (at + 1 + (n % (rows.length - 1))) % rows.length
        const swapped = rows.map((row, i) => (i === at ? rows[other] : i === other ? rows[at] : row) ?? row)
        assert.strictEqual(firstBad(swapped), Math.min(at, other))
      })
    ))

  it("shows a change of a user's chain that the chain of everything was made to fit", () =>
    fc.assert(
      fc.property(placed, ([rows, at]) => {
        const row = rows[at] ?? assert.fail("no row")
        fc.pre(row.user !== null)
        const before = at === 0 ? beginning : (rows[at - 1] ?? beginning)
        // As if the user's chain began here.
        const forged = { ...row, ...linked(before, { seq: 7, hash: row.hash }, row.entry) }
        assert.strictEqual(firstBad(rows.with(at, forged)), at)
      })
    ))

  it("goes on after what is wrong, and begins in the middle at a head it is given", () =>
    fc.assert(
      fc.property(placed, ([rows, at]) => {
        const check = new ChainCheck()
        const changed = rows.map((row, i) => (i === at ? { ...row, entry: `${row.entry}.` } : row))
        assert.strictEqual(changed.filter((row) => check.take(row, row.user) !== null).length, 1)
        const later = new ChainCheck(rows[at])
        assert.isTrue(rows.slice(at + 1).every((row) => later.take(row, row.user) === null))
      })
    ))

  it("shows a changed place in a user's chain also where that is followed from the middle on", () =>
    fc.assert(
      fc.property(placed, ([rows, at]) => {
        const row = rows[at] ?? assert.fail("no row")
        fc.pre(row.user !== null && at > 0)
        const later = new ChainCheck(rows[at - 1])
        assert.isNotNull(later.take({ ...row, userHash: row.hash }, row.user))
      })
    ))

  it("holds for one user alone, and shows what is missing of it", () =>
    fc.assert(
      fc.property(trail, (rows) => {
        const mine = rows.flatMap(({ entry, user, userHash, userSeq }) =>
          user === "ann" && userSeq !== null && userHash !== null
            ? [{ entry, head: { seq: userSeq, hash: userHash } }]
            : []
        )
        const bad = (of: typeof mine) => {
          const check = new UserChainCheck()
          return of.findIndex(({ entry, head }) => check.take(entry, head) !== null)
        }
        assert.strictEqual(bad(mine), -1)
        if (mine.length > 2) assert.strictEqual(bad(mine.toSpliced(1, 1)), 1)
      })
    ))
})
