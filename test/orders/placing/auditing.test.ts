import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { sha256 } from "../../../src/domain/audit/chain.ts"
import type { PlaceOrder } from "../../../src/domain/order/PlaceOrder.ts"
import { Halts } from "../../../src/orders/limits/Halts.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { OrdersRepo } from "../../../src/orders/OrdersRepo.ts"
import { actingAs } from "../../../src/store/audit/acting.ts"
import { Audit } from "../../../src/store/Audit.ts"
import { checkTrail } from "../../../src/store/AuditCheck.ts"
import { FakeVenue } from "../kit/FakeVenue.ts"
import { withVenue } from "../kit/layers.ts"
import { addUsers, ann, bob, btc, d } from "../kit/orders.ts"
import { ruleOrder } from "../kit/ruleOrder.ts"

const buy: PlaceOrder = { symbol: btc, side: "buy", type: "market", quoteAmount: d("50"), waitMs: 2_000 }
const key = (n: number, body = "a") => ({ idempotencyKey: `key-${String(n).padStart(16, "0")}`, bodyHash: body })

const layer = Layer.provideMerge(Audit.layer, withVenue)

const start = Effect.gen(function* () {
  yield* addUsers
  return { audit: yield* Audit, orders: yield* Orders, repo: yield* OrdersRepo, venue: yield* FakeVenue }
})

const told = (action: "orderDecided" | "orderRefused") =>
  Effect.flatMap(Audit, (audit) => Effect.map(audit.list(ann, { action, limit: 500 }), ({ items }) => items))

/** Every order has one entry, and every entry its order. */
const oneEach = Effect.gen(function* () {
  const orders = yield* (yield* OrdersRepo).list(ann, { limit: 500 }, null)
  const decided = yield* told("orderDecided")
  const sorted = (ids: ReadonlyArray<string | null>) => ids.map(String).toSorted()
  assert.deepStrictEqual(sorted(decided.map(({ objectId }) => objectId)), sorted(orders.map(({ id }) => id)))
  assert.deepStrictEqual((yield* checkTrail(yield* Audit)).breaks, [])
  return decided
})

const halt = (halted: boolean) =>
  Effect.flatMap(Halts, (halts) =>
    halts.set(ann, "user", { halted, scope: "entries", cancelOpen: false, reason: null })
  )

describe("The audit trail of orders", () => {
  it.live("has one entry for each order of a person, with who asked, however often the request comes", () =>
    Effect.gen(function* () {
      const { orders } = yield* start
      const by = { via: "apiKey", credentialId: "0123456789abcdef" } as const
      const asAnn = actingAs(() => ({ by, requestId: "r-1", address: "203.0.113.7" }))
      const place = asAnn(orders.place(ann, buy, key(1)))
      const first = yield* place
      const second = yield* place
      assert.deepStrictEqual([second.order.id, second.replayed], [first.order.id, true])
      yield* asAnn(orders.place(ann, buy, key(2)))
      const decided = yield* oneEach
      assert.strictEqual(decided.length, 2)
      assert.deepInclude(decided[1], { objectId: first.order.id, by, requestId: "r-1", address: "203.0.113.7" })
      assert.deepInclude(decided[1]?.detail, { origin: "manual", symbol: "BTCUSDT", side: "buy", quoteAmount: "50" })
    }).pipe(Effect.provide(layer))
  )

  it.live("has one entry for each order of a rule, with what the rule saw and the hash of its decision", () =>
    Effect.gen(function* () {
      const { orders } = yield* start
      // As in the fiber of a rule that a request has started.
      const place = actingAs(() => ({
        by: { via: "apiKey", credentialId: "k" },
        requestId: "r-1",
        address: "203.0.113.7"
      }))(orders.placeForRule(ruleOrder))
      yield* Effect.all([place, place], { concurrency: 2 })
      yield* place
      yield* orders.placeForRule({ ...ruleOrder, slot: "stop", kind: "exit", type: "market", quantity: d("1") })
      yield* orders.placeForRule({ ...ruleOrder, attempt: 1, wait: Duration.zero })
      const decided = yield* oneEach
      assert.deepStrictEqual(
        decided.map(({ detail }) => `${detail["origin"]} ${detail["kind"]} ${detail["slot"]}`),
        ["rule entry 2026-03-01T09:00:00.000Z~1", "exit exit stop", "rule entry 2026-03-01T09:00:00.000Z"]
      )
      const entry = decided[2] ?? assert.fail("no entry")
      assert.deepStrictEqual(entry.by, { via: "rule", credentialId: ruleOrder.ruleId })
      assert.deepStrictEqual([entry.requestId, entry.address], [null, null])
      assert.deepInclude(entry.detail, { trigger: "price.level", seen: "last 98 below 100", atMost: "50" })
      assert.strictEqual(
        entry.after,
        sha256(
          '{"at":"2026-03-01T09:00:00.000Z","ruleId":"rule_01hzy3v7k2m4n6p8q0r2s4t6w8","ruleVersion":1,"trigger":"price.level",' +
            '"operands":[{"label":"last","value":"98","op":"below","threshold":"100","pass":true,"asOf":null}],"gates":[],"budget":[],' +
            '"sizing":{"asked":"50","capped":"50","rounded":null,"final":"50"},"outcome":"fire","reason":null}'
        )
      )
    }).pipe(Effect.provide(layer))
  )

  it.live("has an entry for an order that never left, and another for the one that its key made later", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      venue.mood = { type: "unreachable" }
      yield* Effect.flip(orders.place(ann, buy, key(1)))
      venue.mood = { type: "fill" }
      yield* orders.place(ann, buy, key(1))
      assert.strictEqual((yield* oneEach).length, 2)
    }).pipe(Effect.provide(layer))
  )

  it.live("has none where no order came to be, but tells what was refused and why", () =>
    Effect.gen(function* () {
      const { audit, orders } = yield* start
      yield* Effect.flip(orders.place(ann, { ...buy, quoteAmount: d("0.5") }, key(1)))
      yield* Effect.flip(orders.placeForRule({ ...ruleOrder, withIntent: Effect.fail("capped" as const) }))
      yield* halt(true)
      yield* Effect.flip(orders.place(ann, buy, key(2)))
      yield* Effect.flip(orders.placeForRule(ruleOrder))
      assert.deepStrictEqual(yield* oneEach, [])
      const refused = yield* told("orderRefused")
      assert.deepStrictEqual(
        refused.map(({ by, detail, objectId, result }) => [by.via, objectId, result, detail["code"]]),
        [
          ["rule", ruleOrder.ruleId, "refused", "TRADING_HALTED"],
          ["service", null, "refused", "TRADING_HALTED"],
          ["service", null, "refused", "BELOW_MINIMUM"]
        ]
      )
      assert.deepStrictEqual((yield* audit.list(bob, { limit: 10 })).items, [])
    }).pipe(Effect.provide(layer))
  )

  it.live("does not grow with each repetition of a refusal", () =>
    Effect.gen(function* () {
      const { orders } = yield* start
      yield* halt(true)
      for (let n = 0; n < 30; n++) yield* Effect.flip(orders.place(ann, buy, key(n)))
      for (let n = 0; n < 30; n++) yield* Effect.flip(orders.placeForRule({ ...ruleOrder, slot: `slot-${n}` }))
      const refused = yield* told("orderRefused")
      assert.deepStrictEqual(
        [refused.filter(({ by }) => by.via === "rule").length, refused.filter(({ by }) => by.via !== "rule").length],
        [1, 10]
      )
    }).pipe(Effect.provide(layer))
  )
})
