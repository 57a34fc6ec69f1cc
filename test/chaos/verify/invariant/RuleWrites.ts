import { itemsOf } from "../journal/Client.ts"
import type { Line } from "../journal/Lines.ts"
import { type Execution, executionOf, type Rule, ruleOf } from "../journal/Rules.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import { canonical, type Json, number } from "../Reading.ts"
import type { Check, Run, Violation } from "../Run.ts"

/**
 * I1, durability of rules: each rule that an answer showed is still there with at least that version and says at that version
 * what was acknowledged; an archived one stays archived; what a firing was shown to be or to have done stands. A key makes
 * one rule.
 */
export const ruleWrites: Check = function* (run) {
  for (const { record } of run.users) {
    yield* rules(run, record)
    yield* creations(run, record)
    yield* executions(run, record)
  }
}

interface Shown<A> extends Kept<A> {
  readonly isWrite: boolean
}

const shownBy = function* <A>(
  run: Run,
  user: string,
  looksLike: (value: Json) => boolean,
  read: (value: Json) => A
): Iterable<Shown<A>> {
  for (const { answer, method, user: asker } of run.client.calls) {
    if (asker !== user || answer?.data == null) continue
    for (const item of itemsOf(answer.data))
      if (looksLike(item)) yield { line: answer.line, value: read(item), isWrite: method !== "GET" && !answer.replayed }
  }
}

const idBegins = (prefix: string, field: string) => (value: Json) =>
  typeof value["id"] === "string" && value["id"].startsWith(prefix) && field in value

/** What its owner wrote: all but what the service finds out by itself. */
const written = ({ raw }: Rule): string => {
  const { computed: _computed, pauseReason: _pauseReason, state: _state, updatedAt: _updatedAt, ...document } = raw
  return canonical(document)
}

const rules = function* (run: Run, { events, rules: kept, user }: UserRecord): Iterable<Violation> {
  const byId = new Map(kept.map((each) => [each.value.id, each]))
  const told = new Map<string, Array<Kept<Rule>>>()
  for (const { line, value } of events) {
    if (value.type !== "rule.changed") continue
    const name = `${value.objectId} ${number(value.data, "version")}`
    told.set(name, [...(told.get(name) ?? []), { line, value: ruleOf(value.data) }])
  }
  for (const { isWrite, line, value } of shownBy(run, user, idBegins("rule_", "trigger"), ruleOf)) {
    const now = byId.get(value.id)
    if (now === undefined) {
      yield { text: `${value.id} was shown to ${user} and is gone`, lines: [line] }
      continue
    }
    const lines = [line, now.line]
    if (now.value.version < value.version)
      yield { text: `${value.id} went back from version ${value.version} to ${now.value.version}`, lines }
    if (value.state === "archived" && now.value.state !== "archived")
      yield { text: `${value.id} was archived and is ${now.value.state}`, lines }
    const its = told.get(`${value.id} ${value.version}`) ?? []
    const [first] = its
    if (first === undefined) yield { text: `nothing tells of version ${value.version} of ${value.id}`, lines }
    else if (written(first.value) !== written(value))
      yield { text: `version ${value.version} of ${value.id} is not what was shown`, lines: [line, first.line] }
    if (isWrite && !its.some((each) => each.value.state === value.state))
      yield { text: `nothing tells that ${value.id} became ${value.state}`, lines }
    if (now.value.version === value.version && written(now.value) !== written(value))
      yield { text: `${value.id} changed without a new version`, lines }
  }
}

const creations = function* (run: Run, { rules: kept, user }: UserRecord): Iterable<Violation> {
  const made = new Map<string, { readonly id: string; readonly line: Line }>()
  for (const { answer, body, key, method, path, user: asker } of run.client.calls) {
    if (asker !== user || method !== "POST" || path !== "/trading/rules" || answer?.data == null || body === null)
      continue
    const { id } = ruleOf(answer.data)
    const before = made.get(key ?? "")
    if (before !== undefined && before.id !== id)
      yield { text: `the key ${key} made two rules`, lines: [before.line, answer.line] }
    made.set(key ?? "", { id, line: answer.line })
    const rule = kept.find(({ value }) => value.id === id)
    if (rule !== undefined && rule.value.version === 1)
      for (const name of ["name", "symbol"])
        if (rule.value.raw[name] !== body[name])
          yield { text: `${id} has another ${name} than was asked for`, lines: [answer.line, rule.line] }
  }
  const asked = new Set(
    run.client.calls
      .filter(({ method, path, user: asker }) => asker === user && method === "POST" && path === "/trading/rules")
      .map(({ key }) => key)
  )
  if (kept.length > asked.size)
    yield { text: `${user} asked for ${asked.size} rules and has ${kept.length}`, lines: kept.map(({ line }) => line) }
}

const executions = function* (run: Run, { executions: kept, user }: UserRecord): Iterable<Violation> {
  const byId = new Map(kept.map((each) => [each.value.id, each]))
  for (const shown of shownBy(run, user, idBegins("exe_", "slot"), executionOf)) {
    const now = byId.get(shown.value.id)
    if (now === undefined) yield { text: `${shown.value.id} was shown to ${user} and is gone`, lines: [shown.line] }
    else yield* undone(shown, now)
  }
}

const undone = function* (shown: Kept<Execution>, now: Kept<Execution>): Iterable<Violation> {
  const was = shown.value
  const is = now.value
  const lines = [shown.line, now.line]
  for (const name of ["ruleId", "ruleVersion", "cycleId", "kind", "level", "slot", "triggeredAt"] as const)
    if (was[name] !== is[name]) yield { text: `${was.id} has another ${name} than it had`, lines }
  if (was.state === "done" && is.state !== "done") yield { text: `${was.id} was over and is not`, lines }
  if (is.executedQuantity < was.executedQuantity || is.executedQuote < was.executedQuote)
    yield { text: `${was.id} had bought more than it has`, lines }
  if (was.orders.some((id) => !is.orders.includes(id))) yield { text: `${was.id} lost an order`, lines }
  // An outcome that was told stands, unless what was not known became known, or a late fill came.
  const mayChange = was.outcome === null || was.outcome === "unknown" || is.outcome === "executed"
  if (!mayChange && was.outcome !== is.outcome)
    yield { text: `${was.id} was ${was.outcome} and is ${is.outcome}`, lines }
}
