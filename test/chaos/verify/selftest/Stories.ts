import type { Entry } from "./Draft.ts"
import type { Actor, Scene } from "./Scene.ts"
import { accept, close, doubt, fill, intend, know, refuse, send, type Terms } from "./SceneOrders.ts"
import { changeRule, fire, makeRule, settle } from "./SceneRules.ts"

const buy: Terms = { side: "buy", type: "limit", price: "50000", quantity: "0.001" }
const body = { symbol: "BTCUSDT", side: "buy", type: "limit", price: "50000", quantity: "0.001" }
const orders = "/trading/orders"

const listed = (items: ReadonlyArray<Entry>): Entry => ({ items: [...items], nextCursor: null })

/** Orders by hand: executed in two parts, repeated after a crash, refused, and one whose answer was lost. */
export const manualOrders = (scene: Scene, ann: Actor): void => {
  scene.call(ann, "PUT", "/trading/limits", { body: { user: { perDay: "500", maxOpenOrders: 3 } } }, () => {
    ann.limits = { ...ann.limits, user: { perDay: "500", perWeek: null, perMonth: null, maxOpenOrders: 3 } }
    scene.event(ann, "limits.changed", "local_ann", ann.limits)
    return [200, ann.limits]
  })
  scene.read(ann, "/trading/limits", ann.limits)
  const first = intend(scene, ann, buy)
  scene.call(ann, "POST", orders, { key: "ann-000000000001", body }, () => {
    send(scene, ann, first)
    return [201, first]
  })
  fill(scene, ann, first, "0.0004")
  scene.read(ann, `${orders}/${String(first["id"])}`, first)
  fill(scene, ann, first, "0.0006")
  scene.read(ann, orders, listed(ann.orders))
  scene.read(ann, `${orders}/${String(first["id"])}/fills`, listed(ann.fills.map(({ data }) => Object(data))))

  const second = intend(scene, ann, buy)
  scene.call(ann, "POST", orders, { key: "ann-000000000002", body }, () => {
    send(scene, ann, second, false)
    return null
  })
  scene.note({ kind: "killed", why: "submit", sinceSubmitMs: 3 })
  scene.note({ kind: "started", pid: 2, readyMs: 600 })
  know(scene, ann, second)
  fill(scene, ann, second, "0.001")
  scene.call(ann, "POST", orders, { key: "ann-000000000002", body }, () => [201, second], true)

  scene.call(ann, "POST", orders, { key: "ann-000000000003", body }, () => {
    refuse(scene, ann, intend(scene, ann, buy))
    return [422, { code: "INSUFFICIENT_BALANCE", message: "The balance is too small." }]
  })

  const lost = intend(scene, ann, buy)
  scene.call(ann, "POST", orders, { key: "ann-000000000004", body }, () => {
    send(scene, ann, lost, false)
    doubt(scene, ann, lost)
    return [202, lost]
  })
  know(scene, ann, lost)
  scene.call(ann, "DELETE", `${orders}/${String(lost["id"])}`, {}, () => {
    close(scene, ann, lost)
    return [200, lost]
  })
  scene.read(ann, "/account/transactions", listed(ann.transactions))
}

/** A rule of the clock: bought, skipped, unknown for two slots, halted, paused and resumed. */
export const everyTenSeconds = (scene: Scene, ann: Actor): void => {
  const rule = makeRule(scene, ann, "ann-000000000005", {
    name: "every ten seconds",
    symbol: "BTCUSDT",
    trigger: { type: "schedule.every", every: "PT10S", anchor: null },
    size: { type: "quote", amount: "60" },
    limits: { total: "300", perDay: "200", maxExecutionsPerDay: 2 }
  })
  const born = Date.parse(String(rule["createdAt"]))
  const slot = (index: number): string => {
    scene.now = Math.max(scene.now, born + index * 10_000 + 2)
    return scene.iso(born + index * 10_000)
  }
  const bought = fire(scene, ann, rule, slot(1), { requestedQuote: "60" })
  const order = intend(scene, ann, { ...buy, type: "immediateOrCancel", rule, execution: bought })
  send(scene, ann, order)
  fill(scene, ann, order, "0.001")
  settle(scene, ann, bought, "executed", null, order)

  settle(scene, ann, fire(scene, ann, rule, slot(2)), "skipped", "COOLDOWN")

  const doubted = fire(scene, ann, rule, slot(3), { requestedQuote: "60" })
  const unknown = intend(scene, ann, { ...buy, type: "immediateOrCancel", rule, execution: doubted })
  send(scene, ann, unknown, false)
  doubt(scene, ann, unknown)
  settle(scene, ann, fire(scene, ann, rule, slot(4)), "skipped", "UNKNOWN_PENDING")
  know(scene, ann, unknown)
  fill(scene, ann, unknown, "0.001")
  settle(scene, ann, doubted, "executed", null, unknown)

  halt(scene, ann, { halted: true, scope: "entries", cancelOpen: true, reason: "looking" })
  settle(scene, ann, fire(scene, ann, rule, slot(5)), "skipped", "HALTED")
  scene.read(ann, "/trading/halt", ann.halt)
  halt(scene, ann, { halted: false })

  const path = `/trading/rules/${String(rule["id"])}`
  changeRule(scene, ann, rule, { method: "POST", path: `${path}/pause` }, { state: "paused" })
  scene.wait(20_000)
  changeRule(scene, ann, rule, { method: "POST", path: `${path}/resume` }, { state: "active" })
  settle(scene, ann, fire(scene, ann, rule, slot(8)), "skipped", "CAP_DAY")
  scene.read(ann, `${path}/decisions`, listed(ann.decisions.map(({ data }) => Object(data))))
  changeRule(scene, ann, rule, { method: "DELETE", path }, { state: "archived" })
  ann.books.clear()
  scene.read(ann, "/trading/executions", listed(ann.executions))
  scene.read(ann, "/account/events", { ...listed(ann.events), seq: ann.events.length, gap: null })
}

export const halt = (scene: Scene, actor: Actor, ask: Entry): void =>
  scene.call(actor, "PUT", "/trading/halt", { body: ask }, () => {
    actor.halt =
      ask["halted"] === true
        ? { halted: true, scope: ask["scope"], by: "user", reason: ask["reason"], since: scene.iso() }
        : { halted: false, scope: null, by: null, reason: null, since: null }
    scene.event(actor, "halt.changed", `local_${actor.name}`, actor.halt)
    return [200, actor.halt]
  })

/** A cycle: an entry by hand, a resting level, a target, and a stop sent twice. */
export const ladderAndExit = (scene: Scene, bob: Actor): void => {
  const rule = makeRule(scene, bob, "bob-000000000001", {
    name: "ladder",
    symbol: "BTCUSDT",
    trigger: { type: "manual" },
    size: { type: "quote", amount: "60" },
    ladder: { levels: [{ offsetPercent: "2", sizeMultiplier: "1" }], place: "resting", maxActive: null },
    exit: { takeProfit: [{ gainPercent: "1", closePercent: "50", as: "resting" }] },
    limits: { total: "200", maxExecutions: 1 }
  })
  const entry = fire(scene, bob, rule, "run-0123456789abcdef", { requestedQuote: "60" })
  scene.call(bob, "POST", `/trading/rules/${String(rule["id"])}/run`, { key: "bob-000000000002" }, () => [201, entry])
  const base = intend(scene, bob, { ...buy, type: "immediateOrCancel", rule, execution: entry })
  send(scene, bob, base)
  fill(scene, bob, base, "0.001")
  settle(scene, bob, entry, "executed", null, base)
  const cycle = { cycleId: entry["cycleId"] }
  const level = fire(scene, bob, rule, "l1", { ...cycle, kind: "level", level: 1, requestedQuote: "60" })
  const resting = intend(scene, bob, { ...buy, price: "49000", rule, execution: level })
  send(scene, bob, resting)
  fill(scene, bob, resting, "0.0005")
  close(scene, bob, resting)
  settle(scene, bob, level, "executed", null, resting)
  const target = fire(scene, bob, rule, "x1", { ...cycle, kind: "exit", level: 1 })
  const sale = intend(scene, bob, { ...buy, side: "sell", price: "50500", quantity: "0.0007", rule, execution: target })
  send(scene, bob, sale)
  fill(scene, bob, sale, "0.0007")
  settle(scene, bob, target, "executed", null, sale)
  const stop = fire(scene, bob, rule, "x0", { ...cycle, kind: "exit", level: 0 })
  for (const price of ["48000", "47900"]) {
    const again = intend(scene, bob, { ...buy, side: "sell", price, quantity: "0.0006", rule, execution: stop })
    send(scene, bob, again)
    if (price === "48000") close(scene, bob, again)
    else fill(scene, bob, again, "0.0006")
    if (price !== "48000") settle(scene, bob, stop, "executed", null, again)
  }
  scene.read(bob, "/trading/rules", listed([{ ...rule, computed: {} }]))
  halt(scene, bob, { halted: true, scope: "all", cancelOpen: true, reason: "enough" })
  scene.wait(5_000)
}

/** Money that comes without a word, and an order of the exchange's own pages. */
export const worldOutside = (scene: Scene, cyd: Actor): void => {
  scene.pay(cyd, "USDT", "25", "adjustment")
  const foreign = intend(scene, cyd, { ...buy, external: true })
  accept(scene, cyd, foreign, null)
  know(scene, cyd, foreign)
  fill(scene, cyd, foreign, "0.001")
  const own = intend(scene, cyd, { ...buy, side: "sell", price: "51000" })
  scene.call(cyd, "POST", orders, { key: "cyd-000000000001", body: { ...body, side: "sell", price: "51000" } }, () => {
    send(scene, cyd, own)
    return [201, own]
  })
  fill(scene, cyd, own, "0.0003")
  scene.call(cyd, "DELETE", `${orders}/${String(own["id"])}`, {}, () => {
    close(scene, cyd, own)
    return [200, own]
  })
}
