import type { Line } from "../journal/Lines.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import { canonical, type Json, objects, text } from "../Reading.ts"
import type { Check, Run, Violation } from "../Run.ts"

/**
 * I1, durability of what is only ever added: each fill, ledger entry and decision that a read showed is still there, word for
 * word, and the answers' event numbers never go back.
 */
export const appendOnly: Check = function* (run) {
  for (const { record } of run.users) {
    yield* unchanged(run, record)
    yield* places(run, record)
  }
}

interface Kind {
  readonly name: string
  readonly isOf: (path: string) => boolean
  readonly kept: (record: UserRecord) => ReadonlyArray<Kept<Json>>
  readonly nameOf: (value: Json) => string
}

const byId = (value: Json): string => text(value, "id")

const kinds: ReadonlyArray<Kind> = [
  { name: "fill", isOf: (path) => path.endsWith("/fills"), kept: ({ fills }) => fills, nameOf: byId },
  {
    name: "ledger entry",
    isOf: (path) => path === "/account/transactions",
    kept: ({ transactions }) => transactions,
    nameOf: byId
  },
  // A decision has no name of its own: it is all it says.
  {
    name: "decision",
    isOf: (path) => path.endsWith("/decisions"),
    kept: ({ decisions }) => decisions,
    nameOf: canonical
  }
]

const unchanged = function* (run: Run, record: UserRecord): Iterable<Violation> {
  for (const { isOf, kept, name, nameOf } of kinds) {
    const known = new Map<string, Kept<Json>>(kept(record).map((each) => [nameOf(each.value), each]))
    for (const { answer, method, path, user } of run.client.calls) {
      if (user !== record.user || method !== "GET" || answer?.data == null || !isOf(path)) continue
      for (const item of objects(answer.data, "items")) {
        const now = known.get(nameOf(item))
        if (now === undefined) yield { text: `a ${name} was shown to ${user} and is gone`, lines: [answer.line] }
        else if (canonical(now.value) !== canonical(item))
          yield { text: `a ${name} of ${user} was shown differently`, lines: [answer.line, now.line] }
      }
    }
  }
}

const places = function* (run: Run, { eventsEnd, seq, user }: UserRecord): Iterable<Violation> {
  const seen: Array<{ readonly n: number; readonly seq: number; readonly line: Line }> = []
  for (const { answer, askedN, user: asker } of run.client.calls.toSorted(
    (a, b) => (a.answer?.n ?? 0) - (b.answer?.n ?? 0)
  )) {
    if (asker !== user || answer === null || answer.seq === null) continue
    const before = seen.findLast(({ n }) => n < askedN)
    if (before !== undefined && before.seq > answer.seq)
      yield {
        text: `the events of ${user} went back from ${before.seq} to ${answer.seq}`,
        lines: [before.line, answer.line]
      }
    if (answer.seq > seq)
      yield { text: `${user} was told of event ${answer.seq}, there are ${seq}`, lines: [answer.line, eventsEnd] }
    const highest = seen.at(-1)
    if (highest === undefined || answer.seq >= highest.seq)
      seen.push({ n: answer.n, seq: answer.seq, line: answer.line })
  }
}
