import type { Call } from "../journal/Client.ts"
import type { Line } from "../journal/Lines.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import { canonical, type Json, object } from "../Reading.ts"
import type { Check, Run, Violation } from "../Run.ts"

/**
 * I1, durability of what is replaced as a whole (halt, limits): the value at the end, and each value that was read, is that
 * of an acknowledged write that no later acknowledged one replaced, or of one nobody knows the answer of.
 */
export const registers: Check = function* (run) {
  for (const { record } of run.users) for (const register of all) yield* values(run, record, register)
}

interface Register {
  readonly name: string
  readonly path: string
  readonly kept: (record: UserRecord) => Kept<Json>
  /** What is compared of a value that was asked for, and of one that was shown. */
  readonly asked: (body: Json) => string
  readonly shown: (data: Json) => string
  readonly initial: string
}

const haltOf = (halted: unknown, scope: unknown, reason: unknown): string =>
  halted === true ? canonical([true, scope ?? "entries", reason ?? null]) : canonical([false])

const limitsOf = (value: Json): string => {
  const user = "user" in value ? object(value, "user") : {}
  const names = ["perDay", "perWeek", "perMonth", "maxOpenOrders"]
  return canonical([names.map((name) => user[name] ?? null), value["assets"] ?? []])
}

const all: ReadonlyArray<Register> = [
  {
    name: "halt",
    path: "/trading/halt",
    kept: ({ halt }) => halt,
    asked: (body) => haltOf(body["halted"], body["scope"], body["reason"]),
    shown: (data) => haltOf(data["halted"], data["scope"], data["reason"]),
    initial: haltOf(false, null, null)
  },
  {
    name: "limits",
    path: "/trading/limits",
    kept: ({ limits }) => limits,
    asked: limitsOf,
    shown: limitsOf,
    initial: limitsOf({})
  }
]

const values = function* (run: Run, record: UserRecord, register: Register): Iterable<Violation> {
  const calls = run.client.calls.filter(({ path, user }) => user === record.user && path === register.path)
  const writes = calls.filter(({ method }) => method === "PUT")
  const judge = function* (shown: Json, line: Line, askedN: number, n: number): Iterable<Violation> {
    const last = writes.findLast(({ answer }) => answer?.data != null && answer.n < askedN)
    const possible = writes.filter((write) => mayHold(write, last, n))
    const expected = [
      ...possible.map(({ body }) => register.asked(body ?? {})),
      ...(last === undefined ? [register.initial] : [])
    ]
    if (!expected.includes(register.shown(shown)))
      yield {
        text: `the ${register.name} of ${record.user} is not what was written last`,
        lines: [line, ...possible.map(({ answer, ask }) => answer?.line ?? ask)]
      }
  }
  for (const { answer, askedN, body, method } of calls) {
    if (answer?.data == null || answer.replayed) continue
    if (method === "GET") yield* judge(answer.data, answer.line, askedN, answer.n)
    else if (register.asked(body ?? {}) !== register.shown(answer.data))
      yield { text: `the ${register.name} of ${record.user} was answered otherwise than asked`, lines: [answer.line] }
  }
  const kept = register.kept(record)
  yield* judge(kept.value, kept.line, Infinity, Infinity)
}

/** Begun before the value was shown and not certainly replaced by the last write that was acknowledged before. */
const mayHold = (write: Call, last: Call | undefined, n: number): boolean => {
  if (write.askedN > n || (write.answer !== null && write.answer.status >= 400)) return false
  if (last === undefined || write === last) return true
  return write.askedN > last.askedN || (write.answer !== null && write.answer.n > last.askedN)
}
