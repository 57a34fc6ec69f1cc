import type { Entry } from "./Draft.ts"
import type { Actor, Scene } from "./Scene.ts"

const limits = {
  total: null,
  perDay: null,
  perWeek: null,
  perMonth: null,
  perBuyMin: null,
  perBuyMax: null,
  maxExecutions: null,
  maxExecutionsPerDay: null,
  cooldown: "PT0S",
  reserveQuote: null,
  maxPositionQuote: null,
  maxOpenOrders: null
}

const document = (scene: Scene, body: Entry): Entry => ({
  id: scene.id("rule"),
  version: 1,
  state: "active",
  pauseReason: null,
  note: null,
  tags: [],
  mode: "trade",
  gates: [],
  waitForGates: "PT10M",
  maxPrice: null,
  ladder: null,
  execution: { type: "protectedMarket", maxSlippageBps: 50 },
  exit: null,
  timezone: "UTC",
  startAt: null,
  endAt: null,
  ...body,
  limits: { ...limits, ...Object(body["limits"]) },
  createdAt: scene.iso(),
  updatedAt: scene.iso()
})

const computed = { next: null, spent: { day: "0", week: "0", month: "0", total: "0" } }
export const shown = (rule: Entry): Entry => ({ ...rule, computed })

/** A rule, asked for and acknowledged. */
export const makeRule = (scene: Scene, actor: Actor, key: string, body: Entry): Entry => {
  const rule = document(scene, body)
  scene.call(actor, "POST", "/trading/rules", { key, body }, () => {
    actor.rules.push(rule)
    scene.event(actor, "rule.changed", String(rule["id"]), rule)
    return [201, shown(rule)]
  })
  return rule
}

/** Pause, resume, edit, archive: a change that is told and acknowledged. */
export const changeRule = (
  scene: Scene,
  actor: Actor,
  rule: Entry,
  ask: { readonly method: string; readonly path: string; readonly key?: string; readonly body?: Entry },
  fields: Entry
): void =>
  scene.call(actor, ask.method, ask.path, ask, () => {
    Object.assign(rule, fields, { updatedAt: scene.iso() })
    scene.event(actor, "rule.changed", String(rule["id"]), rule)
    return [200, shown(rule)]
  })

export const fire = (
  scene: Scene,
  actor: Actor,
  rule: Entry,
  slot: string,
  of: {
    readonly kind?: string
    readonly level?: number
    readonly cycleId?: unknown
    readonly requestedQuote?: string
  } = {}
): Entry => {
  const execution: Entry = {
    id: scene.id("exe"),
    ruleId: rule["id"],
    ruleVersion: rule["version"],
    cycleId: of.cycleId ?? scene.id("cyc"),
    kind: of.kind ?? "entry",
    level: of.level ?? 0,
    slot,
    triggeredAt: scene.iso(),
    state: "running",
    outcome: null,
    reason: null,
    requestedQuote: of.requestedQuote ?? null,
    orders: [],
    executedQuantity: "0",
    executedQuote: "0",
    averagePrice: null,
    slippageBps: null,
    latency: { decideMs: null, submitMs: null, fillMs: null }
  }
  actor.executions.push(execution)
  scene.event(actor, "execution.changed", String(execution["id"]), execution)
  return execution
}

export const settle = (
  scene: Scene,
  actor: Actor,
  execution: Entry,
  outcome: string,
  reason: string | null,
  order?: Entry
): void => {
  Object.assign(execution, {
    state: "done",
    outcome,
    reason: reason === null ? null : { code: reason, text: reason, params: {} },
    executedQuantity: order?.["executedQuantity"] ?? "0",
    executedQuote: order?.["executedQuote"] ?? "0"
  })
  scene.event(actor, "execution.changed", String(execution["id"]), execution)
  actor.decisions.push({
    rule: execution["ruleId"],
    data: {
      at: scene.iso(),
      ruleId: execution["ruleId"],
      ruleVersion: execution["ruleVersion"],
      trigger: "schedule.every",
      operands: [],
      gates: [],
      budget: [],
      sizing: null,
      outcome: reason === null ? "fire" : "skip",
      reason: execution["reason"]
    }
  })
}
