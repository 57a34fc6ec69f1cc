import { Effect, Either, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { AuditEntry } from "../domain/audit/AuditEntry.ts"
import { beginning, type Head } from "../domain/audit/chain.ts"
import { ChainCheck } from "../domain/audit/ChainCheck.ts"
import type { Audit, AuditRow } from "./Audit.ts"

export interface Break {
  readonly seq: number
  readonly problem: string
}

export interface Checked {
  readonly entries: number
  readonly head: Head
  /** Entries that do not fit, in order. */
  readonly breaks: ReadonlyArray<Break>
}

const rowsAtOnce = 500
/** A trail that was replaced as a whole has as many as entries; nobody reads them all. */
const mostBreaks = 100

const decode = Schema.decodeUnknownEither(Schema.parseJson(AuditEntry))

/** What is searched for must be what is hashed, or an entry could be hidden from its user. */
const columnsDiffer = (row: AuditRow): string | null => {
  const read = decode(row.entry)
  if (Either.isLeft(read)) return "its text is not an entry"
  const { action, at, objectId, user } = read.right
  return user === row.user && at === row.at && action === row.action && objectId === row.objectId
    ? null
    : "it is stored under another user, time, action or object than its text says"
}

/** Breaks that the operator has seen, by the numbers of their entries. */
export const acceptedBreaks = ({ ofInstallation }: Pick<Audit["Type"], "ofInstallation">) =>
  Effect.map(
    ofInstallation("auditBreakAccepted", mostBreaks),
    (found) => new Set(found.map(({ objectId }) => Number(objectId)))
  )

/** Follows the stored trail, from its beginning or only its last entries. Entries appended meanwhile are followed too. */
export const checkTrail = Effect.fn("checkTrail")(function* (
  { after, head }: Pick<Audit["Type"], "after" | "head">,
  last: number | null = null
): Effect.fn.Return<Checked, DatabaseUnavailable> {
  const before = last === null ? 0 : Math.max(0, (yield* head(null)).seq - last)
  const [start] = before === 0 ? [] : yield* after(before - 1, 1)
  const from = start === undefined ? beginning : { seq: start.seq, hash: start.hash }
  const check = new ChainCheck(from)
  const breaks: Array<Break> = []
  let entries = 0
  for (;;) {
    const rows = yield* after(check.head.seq, rowsAtOnce)
    for (const row of rows) {
      entries += 1
      const problem = check.take(row, row.user) ?? columnsDiffer(row)
      if (problem !== null && breaks.length < mostBreaks) breaks.push({ seq: row.seq, problem })
    }
    if (rows.length < rowsAtOnce) return { entries, head: check.head, breaks }
    yield* Effect.yieldNow()
  }
})
