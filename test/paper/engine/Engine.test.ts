import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Engine } from "../../../src/paper/engine/Engine.ts"
import { isOpen } from "../../../src/paper/engine/ledger/Account.ts"
import { cancel } from "../../../src/paper/engine/orders/Cancelling.ts"
import { place as placeOrder } from "../../../src/paper/engine/orders/Placing.ts"
import type { PlaceRequest } from "../../../src/paper/Requests.ts"
import { actions, listing, options, start, throughDisk, visible, type Action } from "../kit/engineModel.ts"

const ceil8 = (value: Decimal.Decimal) => Decimal.round(value, 8, "ceil")

type World = ReturnType<typeof start>

const checkEach = (invariant: (world: World) => void, engineOptions = options) =>
  fc.assert(
    fc.property(actions, (all: ReadonlyArray<Action>) => {
      const world = start(engineOptions)
      for (const action of all) {
        world.apply(action)
        invariant(world)
      }
    }),
    { numRuns: 100 }
  )

const forAll = (invariant: (world: World) => void, engineOptions = options) =>
  fc.assert(
    fc.property(actions, (all: ReadonlyArray<Action>) => {
      const world = start(engineOptions)
      all.forEach(world.apply)
      invariant(world)
    }),
    { numRuns: 100 }
  )

/** Balances as deposits and fills explain them, computed apart from the ledger. */
const explained = (world: World, accountId: string, asset: string): Decimal.Decimal => {
  let total = asset === "USDT" ? Decimal.unsafe("3000") : Decimal.unsafe("40")
  for (const fact of world.facts) {
    if (fact._tag !== "filled" || fact.accountId !== accountId) continue
    const sign = (fact.side === "buy") === (asset === "ABC") ? Decimal.one : Decimal.negate(Decimal.one)
    const moved = asset === "ABC" ? fact.quantity : Decimal.multiply(fact.price, fact.quantity)
    total = Decimal.add(total, Decimal.multiply(sign, moved))
    if (fact.feeAsset === asset) total = Decimal.subtract(total, fact.fee)
  }
  return total
}

for (const feeIn of ["quote", "received"] as const) {
  const engineOptions = { ...options, feeIn }
  describe(`whatever accounts do, with fees in the ${feeIn} asset`, () => {
    it("no balance is ever negative", () => {
      checkEach(({ engine }) => {
        for (const account of engine.ledger.accounts.values()) {
          for (const [asset, { free, locked }] of account.balances) {
            assert.isFalse(Decimal.isNegative(free), `${account.id} ${asset} free ${Decimal.format(free)}`)
            assert.isFalse(Decimal.isNegative(locked), `${account.id} ${asset} locked ${Decimal.format(locked)}`)
          }
        }
      }, engineOptions)
    })

    it("every balance is deposits plus fills minus fees, to the last digit", () => {
      forAll((world) => {
        for (const account of world.engine.ledger.accounts.values()) {
          for (const [asset, { free, locked }] of account.balances) {
            const total = Decimal.format(Decimal.add(free, locked))
            assert.strictEqual(total, Decimal.format(explained(world, account.id, asset)))
          }
        }
      }, engineOptions)
    })

    it("what is locked is what the open orders need for their rest", () => {
      checkEach(({ engine }) => {
        for (const account of engine.ledger.accounts.values()) {
          const needed = { ABC: Decimal.zero, USDT: Decimal.zero }
          for (const { order } of account.open.values()) {
            const rest = Decimal.subtract(order.quantity, order.executedQuantity)
            const value = Decimal.multiply(order.price, rest)
            const fee = feeIn === "quote" ? ceil8(Decimal.multiply(value, listing.takerFeeRate)) : Decimal.zero
            if (order.side === "sell") needed.ABC = Decimal.add(needed.ABC, rest)
            else needed.USDT = Decimal.add(needed.USDT, Decimal.add(value, fee))
          }
          for (const asset of ["ABC", "USDT"] as const) {
            const locked = account.balances.get(asset)?.locked ?? Decimal.zero
            assert.strictEqual(Decimal.format(locked), Decimal.format(needed[asset]))
          }
        }
      }, engineOptions)
    })
  })
}

describe("the book", () => {
  it("is never crossed", () => {
    checkEach(({ engine }) => {
      const book = engine.markets.get("ABCUSDT")?.book
      const bid = book?.best("buy")
      const ask = book?.best("sell")
      if (bid != null && ask != null) assert.isTrue(Decimal.lessThan(bid[0], ask[0]))
    })
  })

  it("is rebuilt from its deltas alone, whose versions follow each other without a gap", () => {
    forAll(({ engine, events }) => {
      const market = engine.markets.get("ABCUSDT")
      assert.isDefined(market)
      const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() }
      let version: bigint | null = null
      for (const event of events) {
        if (event.type !== "depth") continue
        if (version !== null) assert.strictEqual(event.fromVersion, version + 1n)
        version = event.toVersion
        for (const side of ["bids", "asks"] as const) {
          for (const [price, quantity] of event[side]) {
            if (Decimal.isZero(quantity)) sides[side].delete(Decimal.format(price))
            else sides[side].set(Decimal.format(price), Decimal.format(quantity))
          }
        }
      }
      const snapshot = market?.snapshot(5_000)
      assert.strictEqual(snapshot?.version, version ?? snapshot?.version)
      for (const side of ["bids", "asks"] as const) {
        const shown = (snapshot?.[side] ?? []).map(([price, quantity]) => [
          Decimal.format(price),
          Decimal.format(quantity)
        ])
        assert.sameDeepMembers(shown, [...sides[side]])
      }
    })
  })
})

describe("orders", () => {
  it("end as their type says: only LIMIT and LIMIT_MAKER rest, FILL_OR_KILL is all or nothing", () => {
    forAll(({ engine }) => {
      for (const { order } of engine.ledger.orders.values()) {
        if (isOpen(order)) assert.include(["limit", "limitMaker"], order.type)
        if (order.type === "fillOrKill") assert.include(["FILLED", "CANCELED"], order.status)
        assert.isTrue(Decimal.lessOrEqual(order.executedQuantity, order.quantity))
      }
    })
  })

  it("are refused while 500 of an account are open, and taken again after a cancel", () => {
    const { engine } = start()
    const request: PlaceRequest = {
      symbol: "ABCUSDT",
      side: "buy",
      type: "limit",
      quantity: Decimal.unsafe("0.03"),
      quoteOrderQty: null,
      price: Decimal.unsafe("50"),
      clientOrderId: null
    }
    const place = () => engine.run(() => placeOrder(engine, "1", request, 2)).value
    const placed = Array.from({ length: 500 }, place)
    assert.isTrue(placed.every(Either.isRight))
    assert.strictEqual(Either.getOrThrow(Either.flip(place())).code, 400)
    const orderId = Either.getOrThrow(Either.all(placed))[0]?.id ?? ""
    engine.run(() => cancel(engine, "1", "ABCUSDT", { orderId }, 3))
    assert.isTrue(Either.isRight(place()))
  })

  it("never trade beyond their limit, and a quote-sized buy never spends more than it was given", () => {
    forAll(({ engine, facts }) => {
      for (const { order } of engine.ledger.orders.values()) {
        const fills = facts.filter((fact) => fact._tag === "filled" && fact.orderId === order.id)
        for (const fill of fills) {
          if (fill._tag !== "filled") continue
          const within = order.side === "buy" ? Decimal.lessOrEqual : Decimal.greaterOrEqual
          assert.isTrue(within(fill.price, order.price))
        }
        if (!order.quoteSized || order.side === "sell") continue
        const spent = Decimal.sum(
          fills.map((fill) => (fill._tag === "filled" ? Decimal.add(fill.quoteQuantity, fill.fee) : Decimal.zero))
        )
        assert.isTrue(Decimal.lessOrEqual(spent, order.quoteAmount))
      }
    })
  })
})

describe("the journal", () => {
  it("rebuilds accounts, balances, orders and fills exactly, and shows only newer book versions", () => {
    forAll(({ engine, facts }) => {
      const rebuilt = new Engine([listing], options, throughDisk(facts))
      assert.deepStrictEqual(visible(rebuilt), visible(engine))
      const before = engine.markets.get("ABCUSDT")?.version ?? 0n
      assert.isTrue((rebuilt.markets.get("ABCUSDT")?.version ?? 0n) >= before)
    })
  })
})
