import { afterEach, assert, describe, it } from "@effect/vitest"
import { FastCheck as fc, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Engine } from "../../../src/paper/engine/Engine.ts"
import { encodeFact, Fact } from "../../../src/paper/engine/Facts.ts"
import { isOpen, type AccountState } from "../../../src/paper/engine/ledger/Account.ts"
import { step } from "../../../src/paper/engine/Stepping.ts"
import type { ExchangeEvent } from "../../../src/paper/Events.ts"
import {
  actions,
  assets,
  listings,
  options,
  plain,
  start,
  throughDisk,
  visible,
  type Action,
  type World
} from "../kit/engineModel.ts"

const ceil8 = (value: Decimal.Decimal) => Decimal.round(value, 8, "ceil")
const both = ["quote", "received"] as const

// Properties never wait; between two of them the runner must get to say that it lives.
afterEach(() => new Promise<void>((resolve) => setImmediate(resolve)))

/** Holds after every single action. */
const always = (invariant: (world: World) => void) => {
  for (const feeIn of both) {
    fc.assert(
      fc.property(actions, (all: ReadonlyArray<Action>) => {
        const world = start({ ...options, feeIn })
        for (const action of all) {
          world.apply(action)
          invariant(world)
        }
      }),
      { numRuns: 40 }
    )
  }
}

/** Holds when everything is done. */
const afterAll = (invariant: (world: World) => void) => {
  for (const feeIn of both) {
    fc.assert(
      fc.property(actions, (all: ReadonlyArray<Action>) => {
        const world = start({ ...options, feeIn })
        all.forEach(world.apply)
        invariant(world)
      }),
      { numRuns: 40 }
    )
  }
}

const accountsOf = ({ engine }: World): ReadonlyArray<AccountState> => [...engine.ledger.accounts.values()]
const filled = (facts: ReadonlyArray<Fact>) => facts.filter((fact) => fact._tag === "filled")
const grouped = <A>(all: ReadonlyArray<A>, keyOf: (each: A) => string | undefined) => {
  const groups = new Map<string | undefined, Array<A>>()
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each])
  return groups
}
const totalOf = (world: World, asset: string) =>
  Decimal.sum(
    accountsOf(world).map((account) => {
      const { free, locked } = account.balances.get(asset) ?? { free: Decimal.zero, locked: Decimal.zero }
      return Decimal.add(free, locked)
    })
  )

/** What one fact does to the sum of all balances of an asset; a trade's other side does the opposite, if it has one. */
const effectOn = (asset: string, fact: Fact): Decimal.Decimal => {
  if (fact._tag === "filled") {
    const base = fact.symbol.slice(0, -4)
    const bought = fact.side === "buy" ? Decimal.one : Decimal.negate(Decimal.one)
    const traded =
      asset === base ? fact.quantity : asset === "USDT" ? Decimal.multiply(fact.price, fact.quantity) : null
    const sign = asset === base ? bought : Decimal.negate(bought)
    const moved = traded === null ? Decimal.zero : Decimal.multiply(sign, traded)
    return fact.feeAsset === asset ? Decimal.subtract(moved, fact.fee) : moved
  }
  if (!("asset" in fact) || fact.asset !== asset) return Decimal.zero
  if (fact._tag === "withdrawn") return Decimal.negate(Decimal.add(fact.amount, fact.fee ?? Decimal.zero))
  if (fact._tag === "transferred" && fact.to === "FUTURES") return Decimal.negate(fact.amount)
  return fact.amount
}

describe("whatever accounts, markets and operators do", () => {
  it("no balance is ever negative, in the spot or the futures wallet", () => {
    always((world) => {
      for (const account of accountsOf(world)) {
        for (const [asset, { free, locked }] of account.balances) {
          assert.isFalse(Decimal.isNegative(free), `${account.id} ${asset} free ${Decimal.format(free)}`)
          assert.isFalse(Decimal.isNegative(locked), `${account.id} ${asset} locked ${Decimal.format(locked)}`)
        }
        for (const held of account.futures.values()) assert.isFalse(Decimal.isNegative(held))
      }
    })
  })

  it("the sum of balances changes by deposits, withdrawals, transfers, adjustments, fees and the market's trades only", () => {
    afterAll((world) => {
      for (const asset of assets) {
        const explained = Decimal.sum(world.facts.map((fact) => effectOn(asset, fact)))
        assert.strictEqual(Decimal.format(totalOf(world, asset)), Decimal.format(explained), asset)
      }
    })
  })

  it("each account's balance is its own deposits, fills and fees, to the last digit", () => {
    afterAll((world) => {
      for (const account of accountsOf(world)) {
        const own = world.facts.filter((fact) => "accountId" in fact && fact.accountId === account.id)
        for (const [asset, { free, locked }] of account.balances) {
          const explained = Decimal.sum(own.map((fact) => effectOn(asset, fact)))
          assert.strictEqual(Decimal.format(Decimal.add(free, locked)), Decimal.format(explained))
        }
      }
    })
  })

  it("a trade between two accounts gives one exactly what it takes from the other, and says so when both are one", () => {
    afterAll(({ facts }) => {
      const trades = grouped(filled(facts), (fill) => fill.tradeId.split("X")[0])
      for (const [first, second, ...more] of trades.values()) {
        assert.lengthOf(more, 0)
        if (first === undefined) continue
        assert.isFalse(second === undefined && first.selfTrade, "nobody trades with himself alone")
        if (second === undefined) continue
        assert.deepStrictEqual(plain([first.price, first.quantity]), plain([second.price, second.quantity]))
        assert.sameMembers([first.side, second.side], ["buy", "sell"])
        assert.sameMembers([first.maker, second.maker], [true, false])
        const oneOwner = first.accountId === second.accountId
        assert.deepStrictEqual([first.selfTrade, second.selfTrade], [oneOwner, oneOwner])
      }
    })
  })

  it("what is locked is what the open orders need for their rest, at the rates they were taken with", () => {
    always((world) => {
      for (const account of accountsOf(world)) {
        const needed = new Map<string, Decimal.Decimal>()
        for (const { feeRates, order } of account.open.values()) {
          const rest = Decimal.subtract(order.quantity, order.executedQuantity)
          const value = Decimal.multiply(order.price, rest)
          const rate = Decimal.max(feeRates?.maker ?? Decimal.zero, feeRates?.taker ?? Decimal.zero)
          const inQuote = world.engine.options.feeIn === "quote"
          const fee = inQuote ? ceil8(Decimal.multiply(value, rate)) : Decimal.zero
          const [asset, lock] =
            order.side === "sell" ? [order.symbol.slice(0, -4), rest] : ["USDT", Decimal.add(value, fee)]
          needed.set(asset, Decimal.add(needed.get(asset) ?? Decimal.zero, lock))
        }
        for (const asset of assets) {
          const locked = account.balances.get(asset)?.locked ?? Decimal.zero
          assert.strictEqual(Decimal.format(locked), Decimal.format(needed.get(asset) ?? Decimal.zero))
        }
      }
    })
  })

  it("a fee never exceeds what the rates of its order allow", () => {
    afterAll(({ engine, facts }) => {
      for (const fill of filled(facts)) {
        const rates = engine.ledger.entry(fill.orderId).feeRates
        const rate = (fill.maker ? rates?.maker : rates?.taker) ?? Decimal.zero
        const base = fill.symbol.slice(0, -4)
        if (fill.feeAsset === "MX" && base !== "MX") {
          assert.isTrue(Decimal.isPositive(rate))
          continue
        }
        const of = fill.feeAsset === base ? fill.quantity : fill.quoteQuantity
        assert.isTrue(Decimal.lessOrEqual(fill.fee, ceil8(Decimal.multiply(of, rate))))
      }
    })
  })
})

describe("the book", () => {
  it("is never crossed", () => {
    always(({ engine }) => {
      for (const { book } of engine.markets.values()) {
        const bid = book.best("buy")
        const ask = book.best("sell")
        if (bid !== null && ask !== null) assert.isTrue(Decimal.lessThan(bid[0], ask[0]))
      }
    })
  })

  it("holds every open order once, with what is left of it", () => {
    always((world) => {
      for (const { book, listing } of world.engine.markets.values()) {
        const resting = [...book.resting("buy"), ...book.resting("sell")].map((each) => each.entry.order.id)
        const open = accountsOf(world).flatMap((account) => [...account.open.values()].map((each) => each.order))
        assert.sameMembers(
          resting,
          open.filter((order) => order.symbol === listing.symbol).map((order) => order.id)
        )
        const offered = Decimal.sum([...book.offers("buy")].map((offer) => offer.quantity))
        const shown = Decimal.sum(book.levels("buy", 10_000).map(([, quantity]) => quantity))
        assert.strictEqual(Decimal.format(shown), Decimal.format(offered))
      }
    })
  })

  it("is rebuilt from its deltas alone, whose versions follow each other without a gap", () => {
    afterAll(({ engine, events }) => {
      for (const market of engine.markets.values()) {
        const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() }
        let version: bigint | null = null
        for (const event of events) {
          if (event.type !== "depth" || event.symbol !== market.listing.symbol) continue
          if (version !== null) assert.strictEqual(event.fromVersion, version + 1n)
          version = event.toVersion
          for (const side of ["bids", "asks"] as const) {
            for (const [price, quantity] of event[side]) {
              if (Decimal.isZero(quantity)) sides[side].delete(Decimal.format(price))
              else sides[side].set(Decimal.format(price), Decimal.format(quantity))
            }
          }
        }
        const snapshot = market.snapshot(10_000)
        assert.strictEqual(snapshot.version, version ?? snapshot.version)
        for (const side of ["bids", "asks"] as const) {
          const shown = snapshot[side].map(([price, quantity]) => [Decimal.format(price), Decimal.format(quantity)])
          assert.sameDeepMembers(shown, [...sides[side]])
        }
      }
    })
  })
})

describe("orders", () => {
  it("end as their type says: only LIMIT and LIMIT_MAKER rest, FILL_OR_KILL is all or nothing", () => {
    afterAll(({ engine }) => {
      for (const { order } of engine.ledger.orders.values()) {
        if (isOpen(order)) assert.include(["limit", "limitMaker"], order.type)
        if (order.type === "fillOrKill") assert.include(["FILLED", "CANCELED"], order.status)
        assert.isTrue(Decimal.lessOrEqual(order.executedQuantity, order.quantity))
      }
    })
  })

  it("never trade beyond their limit, and a quote-sized buy never spends more than it was given", () => {
    afterAll(({ engine, facts }) => {
      const fills = grouped(filled(facts), (fill) => fill.orderId)
      for (const { order } of engine.ledger.orders.values()) {
        const own = fills.get(order.id) ?? []
        const within = order.side === "buy" ? Decimal.lessOrEqual : Decimal.greaterOrEqual
        for (const fill of own) assert.isTrue(within(fill.price, order.price))
        if (!order.quoteSized || order.side === "sell") continue
        const inQuote = own.filter((fill) => fill.feeAsset === "USDT").map((fill) => fill.fee)
        const spent = Decimal.add(Decimal.sum(own.map((fill) => fill.quoteQuantity)), Decimal.sum(inQuote))
        assert.isTrue(Decimal.lessOrEqual(spent, order.quoteAmount))
      }
    })
  })
})

interface Known {
  readonly balances: Map<string, unknown>
  readonly orders: Map<string, unknown>
  readonly fills: Array<string>
}

/** Accounts as somebody knows them who hears events and nothing else. */
const heard = (events: ReadonlyArray<ExchangeEvent>) => {
  const accounts = new Map<string, Known>()
  const of = (id: string) => {
    const known: Known = accounts.get(id) ?? { balances: new Map(), orders: new Map(), fills: [] }
    accounts.set(id, known)
    return known
  }
  for (const event of events) {
    if (event.type === "balance") of(event.accountId).balances.set(event.asset, [event.free, event.locked])
    if (event.type === "order") of(event.accountId).orders.set(event.order.id, event.order)
    if (event.type === "deal") of(event.accountId).fills.push(event.fill.tradeId)
  }
  return accounts
}

describe("pushes", () => {
  it("tell every change: who hears nothing else knows balances, orders and fills", () => {
    afterAll((world) => {
      const known = heard(world.events)
      for (const account of accountsOf(world)) {
        const balances = new Map([...account.balances].map(([asset, { free, locked }]) => [asset, [free, locked]]))
        const orders = new Map(account.orders.map(({ order }) => [order.id, order]))
        const fills = account.fills.map((fill) => fill.tradeId)
        assert.deepStrictEqual(plain(known.get(account.id)), plain({ balances, orders, fills }))
      }
    })
  })

  it("of a balance say by how much it changed since the push before", () => {
    afterAll(({ events }) => {
      const last = new Map<string, { free: Decimal.Decimal; locked: Decimal.Decimal }>()
      for (const event of events) {
        if (event.type !== "balance") continue
        const key = `${event.accountId} ${event.asset}`
        const before = last.get(key) ?? { free: Decimal.zero, locked: Decimal.zero }
        assert.isTrue(Decimal.equals(event.free, Decimal.add(before.free, event.freeChange)))
        assert.isTrue(Decimal.equals(event.locked, Decimal.add(before.locked, event.lockedChange)))
        last.set(key, event)
      }
    })
  })
})

describe("the journal", () => {
  it("is written as its schema says", () => {
    const encode = Schema.encodeSync(Fact)
    afterAll(({ facts }) => {
      for (const fact of facts) assert.deepStrictEqual(JSON.parse(encodeFact(fact)), encode(fact))
    })
  })

  it("rebuilds everything exactly, and what happens next is the same; only book versions are newer", () => {
    afterAll((world) => {
      const { engine, facts } = world
      const rebuilt = new Engine(listings, engine.options, throughDisk(facts))
      assert.deepStrictEqual(visible(rebuilt), visible(engine))
      for (const [symbol, market] of engine.markets) {
        assert.isTrue((rebuilt.markets.get(symbol)?.version ?? 0n) >= market.version)
        const price = Decimal.unsafe("57.123")
        const next = { symbol, at: world.now() + 1, price, quantity: Decimal.one, takerSide: "sell" } as const
        for (const each of [engine, rebuilt]) each.run(() => step(each, next))
      }
      assert.deepStrictEqual(visible(rebuilt), visible(engine))
    })
  })
})
