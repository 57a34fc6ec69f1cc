import type { Heard } from "../journal/Client.ts"
import { orderOf } from "../journal/Orders.ts"
import type { Event } from "../journal/Rules.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import { canonical, objects } from "../Reading.ts"
import type { Check, Run, Violation } from "../Run.ts"

/**
 * I10, events: a user's events are numbered from 1 without a hole or a repetition, in the order of time; streams and lists
 * told nothing else, before or after a crash; a stream goes on where it broke off; the last event of an order, a rule or a
 * firing is what it looks like now.
 */
export const events: Check = function* (run) {
  for (const { record } of run.users) {
    yield* numbered(record)
    const told = new Map(record.events.map((kept) => [kept.value.seq, kept]))
    yield* streamed(run, record, told)
    yield* listed(run, record, told)
    yield* latest(record)
  }
}

const numbered = function* ({ events: all, eventsEnd, seq, user }: UserRecord): Iterable<Violation> {
  for (const [index, { line, value }] of all.entries()) {
    if (value.seq !== index + 1)
      return yield { text: `the events of ${user} go from ${index} to ${value.seq}`, lines: [line] }
    const before = all[index - 1]
    if (before !== undefined && before.value.at > value.at)
      yield { text: `an event of ${user} is older than the one before it`, lines: [before.line, line] }
  }
  if (seq !== all.length) yield { text: `the events of ${user} end at ${all.length} of ${seq}`, lines: [eventsEnd] }
}

const streamed = function* (
  run: Run,
  { user }: UserRecord,
  told: ReadonlyMap<number, Kept<Event>>
): Iterable<Violation> {
  let last: number | null = null
  for (const heard of run.client.heard) {
    if (heard.user !== user) continue
    if (heard.what === "gap") yield { text: `a stream of ${user} had a gap`, lines: [heard.line] }
    if (heard.what === "snapshot") last = heard.seq
    if (heard.what !== "event" || heard.seq === null) continue
    if (last !== null && heard.seq !== last + 1)
      yield { text: `a stream of ${user} went from ${last} to ${heard.seq}`, lines: [heard.line] }
    last = heard.seq
    yield* same(heard, told.get(heard.seq))
  }
}

const same = function* (heard: Heard, kept: Kept<Event> | undefined): Iterable<Violation> {
  const { value } = heard.line
  if (kept === undefined)
    yield { text: `the event ${heard.seq} of ${heard.user} was told and is gone`, lines: [heard.line] }
  else if (
    kept.value.type !== value["type"] ||
    kept.value.objectId !== value["objectId"] ||
    canonical(kept.value.data) !== canonical(value["data"])
  )
    yield { text: `the event ${heard.seq} of ${heard.user} was told differently`, lines: [heard.line, kept.line] }
}

const listed = function* (run: Run, { user }: UserRecord, told: ReadonlyMap<number, Kept<Event>>): Iterable<Violation> {
  for (const { answer, path, user: asker } of run.client.calls) {
    if (asker !== user || path !== "/account/events" || answer?.data == null) continue
    for (const event of objects(answer.data, "items")) {
      const kept = told.get(Number(event["seq"]))
      if (kept === undefined || canonical(kept.value.raw) !== canonical(event))
        yield { text: `the event ${String(event["seq"])} of ${user} was listed differently`, lines: [answer.line] }
    }
  }
}

const latest = function* ({ events: all, executions, orders, rules, user }: UserRecord): Iterable<Violation> {
  const last = new Map<string, Kept<Event>>()
  for (const kept of all) last.set(`${kept.value.type} ${kept.value.objectId}`, kept)
  const stale = (
    what: string,
    kept: { readonly line: Kept<Event>["line"] },
    event: Kept<Event> | undefined
  ): Violation => ({
    text: `the last event of ${what} of ${user} is not what it is now`,
    lines: [kept.line, ...(event === undefined ? [] : [event.line])]
  })
  for (const kept of orders) {
    const event = last.get(`order.changed ${kept.value.id}`)
    if (event === undefined || canonical(orderOf(event.value.data).raw) !== canonical(kept.value.raw))
      yield stale(kept.value.id, kept, event)
  }
  for (const kept of rules) {
    const event = last.get(`rule.changed ${kept.value.id}`)
    const { computed: _, ...document } = kept.value.raw
    if (event === undefined || canonical(event.value.data) !== canonical(document))
      yield stale(kept.value.id, kept, event)
  }
  for (const kept of executions) {
    const event = last.get(`execution.changed ${kept.value.id}`)
    // A firing may have gone on while the record was made.
    if (event === undefined || (kept.value.state === "done" && event.value.data["outcome"] !== kept.value.outcome))
      yield stale(kept.value.id, kept, event)
  }
}
