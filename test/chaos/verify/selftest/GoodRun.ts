import { sections, statusPaths } from "../collecting/Sections.ts"
import { plain, sum } from "../Exact.ts"
import { entryOf, hashOf, noHash } from "../journal/Trail.ts"
import type { Journals } from "../Run.ts"
import type { Entry } from "./Draft.ts"
import { finished } from "./Draft.ts"
import { type Actor, Scene } from "./Scene.ts"
import { manyAtOnce, waitsForPrice } from "./Crowds.ts"
import { everyTenSeconds, ladderAndExit, manualOrders, worldOutside } from "./Stories.ts"

/** A small run in which everything is as promised: the ground in which defects are planted. */
export const goodRun = (): Journals => {
  const scene = new Scene()
  scene.note({ kind: "run", seed: 1 })
  scene.note({ kind: "started", pid: 1, readyMs: 500 })
  const [ann, bob, cyd] = ["ann", "bob", "cyd"].map((name) => scene.actor(name))
  if (ann === undefined || bob === undefined || cyd === undefined) throw new Error("there are three users")
  for (const actor of [ann, bob, cyd]) {
    scene.pay(actor, "USDT", "10000", "opening")
    scene.pay(actor, "BTC", "0.02", "deposit")
    scene.note({ kind: "stream", user: actor.name, after: null })
    scene.note({ kind: "snapshot", user: actor.name, seq: 0, data: { seq: 0, orders: [], rules: [] } })
  }
  manualOrders(scene, ann)
  everyTenSeconds(scene, ann)
  ladderAndExit(scene, bob)
  worldOutside(scene, cyd)
  manyAtOnce(scene, bob, ann)
  waitsForPrice(scene, cyd)
  scene.note({ kind: "faultsOff" })
  for (const actor of [ann, bob, cyd]) {
    const body = { halted: true, scope: "all", cancelOpen: true, reason: "the run is over" }
    scene.call(actor, "PUT", "/trading/halt", { body }, () => {
      actor.halt = { halted: true, scope: "all", by: "user", reason: "the run is over", since: scene.iso() }
      scene.event(actor, "halt.changed", `local_${actor.name}`, actor.halt)
      return [200, actor.halt]
    })
  }
  scene.note({ kind: "quiet", quietMs: 1, byHand: 0, trouble: null })
  scene.note({ kind: "collected" })
  return finished({ client: scene.client, exchange: [...scene.exchange, sums(scene)], service: service(scene) })
}

const counters = {
  requests: 100,
  refusedByLimit: 0,
  refusedByBan: 0,
  bans: 0,
  maxIpWeight: 120,
  maxUidWeight: 60,
  maxOrdersPerSecond: 3
}

const sums = (scene: Scene): Entry => ({
  _tag: "sums",
  accounts: {
    accounts: scene.actors.map(({ accountId, balances, name }) => ({
      accountId,
      accessKey: `key${name}`,
      balances: [...balances].map(([asset, value]) => ({ asset, free: plain(value), locked: "0" }))
    }))
  },
  counters: {
    ...counters,
    ordersAccepted: scene.exchange.filter(({ _tag }) => _tag === "orderAccepted").length
  },
  faults: { faults: [] }
})

const service = (scene: Scene): Array<Entry> => {
  const lines: Array<Entry> = [{ kind: "service", users: scene.actors.map(({ name }) => name) }]
  for (const actor of scene.actors) {
    const user = actor.name
    lines.push({ kind: "asked", user, time: scene.iso(scene.now + 1_000) })
    const kept = keptOf(scene, actor)
    for (const section of sections) {
      for (const line of kept[section]) lines.push({ kind: section, user, ...line })
      const end = section === "events" ? { seq: actor.events.length, gap: null } : { seq: null }
      lines.push({ kind: "section", user, name: section, count: 0, ...end })
    }
  }
  for (const path of statusPaths) lines.push({ kind: "status", path, data: { status: "up" } })
  return [...lines, { kind: "end", lines: 0 }]
}

const keptOf = (scene: Scene, actor: Actor): Readonly<Record<(typeof sections)[number], ReadonlyArray<Entry>>> => {
  const total = (asset: string) => plain(actor.balances.get(asset) ?? 0n)
  const inBooks = [...actor.books].map(([book, quantity]) => ({ book, quantity: plain(quantity) }))
  const manual = plain((actor.balances.get("BTC") ?? 0n) - sum(actor.books.values()))
  const each = (values: ReadonlyArray<Entry>) => values.map((data) => ({ data }))
  return {
    account: [{ data: { userId: `local_${actor.name}` } }],
    settings: [{ data: { costBasis: "average" } }],
    orders: each(actor.orders),
    fills: actor.fills,
    rules: each(actor.rules.map((rule) => ({ ...rule, computed: {} }))),
    executions: each(actor.executions),
    decisions: actor.decisions,
    positions: [
      {
        data: {
          items: [
            {
              symbol: "BTCUSDT",
              quantity: total("BTC"),
              incomplete: false,
              books: [{ book: "manual", quantity: manual }, ...inBooks]
            }
          ]
        }
      }
    ],
    wallet: [
      {
        data: {
          venue: "paper",
          asOf: scene.iso(),
          assets: [...actor.balances.keys()].map((asset) => ({
            asset,
            free: total(asset),
            locked: "0",
            reserved: "0",
            available: total(asset),
            total: total(asset)
          }))
        }
      }
    ],
    transactions: each(actor.transactions),
    halt: [{ data: actor.halt }],
    limits: [{ data: actor.limits }],
    audit: each(trailOf(scene, actor)).toReversed(),
    events: each(actor.events)
  }
}

const trailOf = (scene: Scene, actor: Actor): ReadonlyArray<Entry> => {
  const user = `local_${actor.name}`
  const told = (action: string, objectId: unknown, via: string): Entry => ({
    at: scene.iso(),
    user,
    by: { via, credentialId: null },
    action,
    objectId,
    requestId: null,
    address: null,
    result: "done",
    before: null,
    after: null,
    detail: {}
  })
  const made = actor.orders.filter(({ origin }) => Object(origin)["type"] !== "external")
  let hash = noHash
  return [
    told("keyCreated", "0123456789abcdef", "operator"),
    told("credentialsSet", "crd_1", "apiKey"),
    ...made.map(({ id }) => told("orderDecided", id, "service"))
  ].map((entry, index) => {
    hash = hashOf(hash, index + 1, entryOf(entry))
    return { ...entry, seq: index + 1, hash }
  })
}
