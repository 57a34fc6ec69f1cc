import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

it.scopedLive(
  "ladder of five: levels buy once each on the way down, the target sells it all, no level after that, and it begins anew",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* on.create("ladder-of-five")
      const done = Effect.map(on.executions(rule.id), (all) =>
        all
          .filter(({ kind, outcome }) => kind !== "exit" && outcome === "executed")
          .map(({ kind, level }) => `${kind} ${level}`)
      )
      const bought = (...buys: ReadonlyArray<string>) =>
        on.becomes("buys", done, (all) => all.toSorted().join() === buys.join())

      yield* on.trade("BTCUSDT", "58800.00")
      yield* bought("entry 0")
      yield* on.trade("BTCUSDT", "57950.00")
      assert.deepStrictEqual(yield* done, ["entry 0"], "less than 1.5 % below")
      yield* on.trade("BTCUSDT", "57900.00")
      yield* bought("entry 0", "level 1")
      yield* on.trade("BTCUSDT", "58100.00")
      yield* on.trade("BTCUSDT", "57900.00")
      assert.deepStrictEqual(yield* done, ["entry 0", "level 1"], "a level buys once")
      yield* on.trade("BTCUSDT", "53900.00")
      yield* bought("entry 0", "level 1", "level 2", "level 3", "level 4")

      const held = yield* on.api.trading.getRulePosition({ path: { id: rule.id } })
      const target = Decimal.quantise(
        Decimal.percentOf(held.averageCost ?? Decimal.zero, Decimal.unsafe("103")),
        Decimal.unsafe("0.01"),
        "ceil"
      )
      yield* on.becomes(
        "the target",
        on.api.trading.listOrders({ urlParams: { status: "open" } }),
        ({ items: [one] }) => Decimal.equals(one?.price ?? Decimal.zero, target)
      )
      const before = yield* agree(on, rule.id)
      assert.deepStrictEqual(
        before.open.map(({ price, quantity, side, type }) =>
          [side, type, ...[price, quantity].map((one) => Decimal.format(one ?? Decimal.zero))].join(" ")
        ),
        [`sell limit ${Decimal.format(target)} ${Decimal.format(held.quantity)}`],
        "one target rests, over everything that is held"
      )

      yield* on.trade("BTCUSDT", Decimal.format(Decimal.add(target, Decimal.unsafe("30"))))
      const sold = yield* on.becomes(
        "sold",
        on.api.trading.getRulePosition({ path: { id: rule.id } }),
        ({ quantity }) => Decimal.isZero(quantity)
      )
      assert.isTrue(Decimal.isPositive(sold.realisedPnl))
      const lastCycle = Effect.sync(() => on.events.findLast((event) => event.type === "cycle.changed"))
      yield* on.becomes("the cycle's end", lastCycle, (event) => event?.data.state === "closed")

      yield* on.trade("BTCUSDT", "52000.00")
      assert.notInclude(yield* done, "level 5")
      assert.strictEqual((yield* done).filter((one) => one.startsWith("entry")).length, 1, "its cooldown lasts")
      yield* on.advance(61_000)
      yield* on.trade("BTCUSDT", "51990.00")
      yield* bought("entry 0", "entry 0", "level 1", "level 2", "level 3", "level 4")
      const all = yield* on.executions(rule.id)
      const entries = all.filter(({ kind, outcome }) => kind === "entry" && outcome === "executed")
      assert.strictEqual(new Set(entries.map(({ cycleId }) => cycleId)).size, 2, "a second cycle")
      assert.notInclude(yield* done, "level 5")
      assert.strictEqual((yield* on.api.trading.getRule({ path: { id: rule.id } })).state, "active")
      assert.match(yield* on.explain(rule.id), /It bought|It sold|sent an order/)
      yield* agree(on, rule.id)
    }),
  240_000
)
