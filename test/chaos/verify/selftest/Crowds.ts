import type { Entry } from "./Draft.ts"
import type { Actor, Scene } from "./Scene.ts"
import { changeRule, fire, makeRule, settle } from "./SceneRules.ts"

/** Evaluated and recorded, and nothing is sent. */
const shadow = (name: string, trigger: Entry, more: Entry = {}): Entry => ({
  name,
  mode: "shadow",
  symbol: "BTCUSDT",
  trigger,
  size: { type: "quote", amount: "10" },
  limits: { total: "100000" },
  ...more
})

const every = 60_000
const crowd = 60

/** One user has sixty firings due at a moment, another one: hers is among the first. */
export const manyAtOnce = (scene: Scene, bob: Actor, ann: Actor): void => {
  const due = (Math.floor(scene.now / every) + 1) * every
  const trigger = { type: "schedule.every", every: "PT1M", anchor: "2020-01-01T00:00:00.000Z" }
  const body = shadow("at once", trigger, { endAt: scene.iso(due + 1) })
  const rules = Array.from({ length: crowd }, (_, n) => makeRule(scene, bob, `bob-at-once-${String(n + 10)}`, body))
  const hers = makeRule(scene, ann, "ann-at-once-0001", body)
  const early = makeRule(scene, ann, "ann-early-000001", shadow("early", { type: "manual" }))
  scene.now = due - 10_000
  settle(scene, ann, fire(scene, ann, early, "run-00000000000000aa"), "shadow", null)
  scene.now = due
  for (const [n, rule] of rules.entries()) {
    settle(scene, bob, fire(scene, bob, rule, scene.iso(due)), "shadow", null)
    if (n === 3) settle(scene, ann, fire(scene, ann, hers, scene.iso(due)), "shadow", null)
  }
}

/** A rule waits for a price and fires whenever it comes; its owner looks at the price. */
export const waitsForPrice = (scene: Scene, cyd: Actor): void => {
  const mark = (price: string, ms: number) => {
    scene.fact({ _tag: "marked", symbol: "BTCUSDT", price, versionCeiling: "1" })
    const asOf = scene.iso()
    scene.read(cyd, "/market/tickers/BTCUSDT", { symbol: "BTCUSDT", last: price, asOf, source: "ws", stale: false })
    scene.wait(ms)
  }
  const trigger = { type: "price.level", side: "crossesBelow", price: "50000" }
  const rule = makeRule(scene, cyd, "cyd-waits-0001", shadow("waits", trigger))
  scene.wait(10_000)
  for (const slot of ["n1", "n2"]) {
    mark("50100", 6_000)
    mark("49900", 20)
    settle(scene, cyd, fire(scene, cyd, rule, slot), "shadow", null)
    mark("49890", 1_000)
    mark("49880", 12_000)
  }
  const path = `/trading/rules/${String(rule["id"])}`
  changeRule(scene, cyd, rule, { method: "DELETE", path }, { state: "archived" })
}
