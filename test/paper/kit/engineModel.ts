import { BigDecimal, Either, FastCheck as fc, Redacted } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { OrderType } from "../../../src/domain/Market.ts"
import { Engine, type EngineOptions } from "../../../src/paper/engine/Engine.ts"
import { decodeFact, encodeFact, type Fact } from "../../../src/paper/engine/Facts.ts"
import { adjust, deposit, transfer, withdraw } from "../../../src/paper/engine/ledger/Moving.ts"
import { cancel, cancelOfSymbol, closeAll } from "../../../src/paper/engine/orders/Cancelling.ts"
import { place } from "../../../src/paper/engine/orders/Placing.ts"
import type { PairChange } from "../../../src/paper/engine/Pair.ts"
import { changePair, step } from "../../../src/paper/engine/Stepping.ts"
import type { ExchangeEvent } from "../../../src/paper/Events.ts"
import type { Listing } from "../../../src/paper/MarketSource.ts"
import type { FeeRates, PlaceRequest } from "../../../src/paper/Requests.ts"

const d = Decimal.unsafe

export const listing: Listing = {
  symbol: "ABCUSDT",
  baseAsset: "ABC",
  quoteAsset: "USDT",
  fullName: "Abc",
  basePrecision: 4,
  quotePrecision: 3,
  minQuantity: d("0.0001"),
  minNotional: d("1"),
  // Small, so that orders run through many levels and empty the ladder.
  maxNotional: d("2000"),
  makerFeeRate: d("0.0003"),
  takerFeeRate: d("0.0007"),
  priceBand: d("0.2")
}
/** The coin that fees may be paid in, itself traded; its quote is the same, so its orders compete for balances. */
export const mxListing: Listing = { ...listing, symbol: "MXUSDT", baseAsset: "MX", fullName: "MX" }
export const listings: ReadonlyArray<Listing> = [listing, mxListing]
export const assets = ["ABC", "MX", "USDT"] as const

export const options: EngineOptions = { feeIn: "quote", restrictions: {}, still: true }

const side = fc.constantFrom("buy" as const, "sell" as const)
const account = fc.nat(3)
const symbol = fc.constantFrom("ABCUSDT" as const, "ABCUSDT" as const, "MXUSDT" as const)
const asset = fc.constantFrom(...assets)

const placing = fc.record({
  symbol,
  side,
  orderType: fc.constantFrom(...OrderType.literals),
  byQuote: fc.boolean(),
  offsetTicks: fc.integer({ min: -1500, max: 1500 }),
  quantitySteps: fc.integer({ min: 1, max: 250_000 }),
  atMost: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined, freq: 12 })
})
type Placing = typeof placing extends fc.Arbitrary<infer A> ? A : never

const change: fc.Arbitrary<PairChange> = fc.oneof(
  fc.record({ status: fc.constantFrom("1" as const, "1" as const, "2" as const, "3" as const) }),
  fc.record({ listed: fc.boolean() }),
  fc.record({ makerFeeRate: fc.constantFrom(d("0"), d("0.0002"), d("0.002")) }),
  fc.record({ takerFeeRate: fc.constantFrom(d("0"), d("0.0005"), d("0.003")) }),
  fc.record({ quotePrecision: fc.integer({ min: 2, max: 5 }) }),
  fc.record({ basePrecision: fc.integer({ min: 3, max: 6 }) }),
  fc.record({ tradeSideType: fc.constantFrom(1 as const, 2 as const, 3 as const) })
)

const amount = fc.integer({ min: 1, max: 5_000 })

const action = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant("place" as const), account, order: placing }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("batch" as const), account, orders: fc.array(placing, { maxLength: 4 }) })
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("cancel" as const), account, pick: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancelAll" as const), account, everywhere: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("step" as const),
      symbol,
      moveTicks: fc.integer({ min: -1500, max: 1500 }),
      quantitySteps: fc.integer({ min: 0, max: 50_000 }),
      takerSide: side
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom("deposit" as const, "withdraw" as const, "adjust" as const, "toFutures" as const),
      account,
      asset,
      amount
    })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("fromFutures" as const), account, asset, amount }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("mxDeduct" as const), account, on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("change" as const), symbol, change }) }
)
export type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

export const actions = fc.array(action, { minLength: 15, maxLength: 60 })

export const accountIds = ["1", "2", "3", "4"] as const
/** The third account pays its own rates, the fourth pays in MX from the start. */
const ownRates: FeeRates = { maker: d("0.0001"), taker: d("0.0011") }
export const funding: Readonly<Record<(typeof assets)[number], Decimal.Decimal>> = {
  USDT: d("3000"),
  ABC: d("40"),
  MX: d("3")
}

/** An engine at 60 USDT with funded accounts, and everything it has said. */
export const start = (engineOptions = options) => {
  const engine = new Engine(listings, engineOptions, [])
  const facts: Array<Fact> = []
  const events: Array<ExchangeEvent> = []
  const run = <A>(command: () => A): A => {
    const outcome = engine.run(command)
    facts.push(...outcome.facts)
    events.push(...outcome.events)
    return outcome.value
  }
  run(() => {
    for (const accountId of accountIds) {
      engine.record({
        _tag: "accountOpened",
        at: 0,
        accountId,
        accessKey: `key${accountId}`,
        secretKey: Redacted.make("secret"),
        permissions: [],
        ...(accountId === "3" ? { feeRates: ownRates } : {})
      })
      for (const name of assets) {
        // So little that the fourth soon cannot pay a fee with it.
        const amount = accountId === "4" && name === "MX" ? d("0.01") : funding[name]
        deposit(engine, accountId, { asset: name, amount }, 0)
      }
    }
    engine.record({ _tag: "mxDeductSet", at: 0, accountId: "4", on: true })
    step(engine, { symbol: "ABCUSDT", at: 1, price: d("60"), quantity: Decimal.one, takerSide: "buy" })
    step(engine, { symbol: "MXUSDT", at: 1, price: d("60"), quantity: Decimal.one, takerSide: "buy" })
  })
  let at = 1
  const ticks = { ABCUSDT: 60_000, MXUSDT: 60_000 }

  const requestOf = (order: Placing): PlaceRequest => {
    const market = order.orderType === "market"
    return {
      symbol: order.symbol,
      side: order.side,
      type: order.orderType,
      quantity: market && order.byQuote ? null : BigDecimal.make(BigInt(order.quantitySteps), 4),
      quoteOrderQty: market && order.byQuote ? BigDecimal.make(BigInt(order.quantitySteps), 2) : null,
      price: market ? null : BigDecimal.make(BigInt(ticks[order.symbol] + order.offsetTicks), 3),
      clientOrderId: null,
      ...(order.atMost === undefined ? {} : { atMost: BigDecimal.make(BigInt(order.atMost), 1) })
    }
  }

  const commandOf = (each: Action): (() => unknown) => {
    const accountId = "account" in each ? (accountIds[each.account] ?? "1") : "1"
    const open = () => [...engine.ledger.account(accountId).open.values()]
    const sum = "amount" in each ? BigDecimal.make(BigInt(each.amount), 2) : Decimal.zero
    switch (each.type) {
      case "place":
        return () => place(engine, accountId, requestOf(each.order), at)
      case "batch":
        return () => each.orders.map((order) => place(engine, accountId, requestOf(order), at))
      case "cancel":
        return () => {
          const { id: orderId, symbol } = open()[each.pick % Math.max(1, open().length)]?.order ?? listing0
          return cancel(engine, accountId, symbol, { orderId }, at)
        }
      case "cancelAll":
        return () => (each.everywhere ? closeAll(engine, open(), at) : cancelOfSymbol(engine, accountId, "ABCUSDT", at))
      case "step": {
        ticks[each.symbol] = Math.max(30_000, Math.min(120_000, ticks[each.symbol] + each.moveTicks))
        const price = BigDecimal.make(BigInt(ticks[each.symbol]), 3)
        const quantity = BigDecimal.make(BigInt(each.quantitySteps), 4)
        return () => step(engine, { symbol: each.symbol, at, price, quantity, takerSide: each.takerSide })
      }
      case "deposit":
        return () => deposit(engine, accountId, { asset: each.asset, amount: sum }, at)
      case "withdraw":
        return () => withdraw(engine, accountId, { asset: each.asset, amount: sum, fee: d("0.01") }, at)
      case "adjust":
        return () => adjust(engine, accountId, each.asset, each.amount % 2 === 0 ? sum : Decimal.negate(sum), at)
      case "toFutures":
        return () => transfer(engine, accountId, { asset: each.asset, amount: sum, from: "SPOT", to: "FUTURES" }, at)
      case "fromFutures":
        return () => transfer(engine, accountId, { asset: each.asset, amount: sum, from: "FUTURES", to: "SPOT" }, at)
      case "mxDeduct":
        return () => engine.record({ _tag: "mxDeductSet", at, accountId, on: each.on })
      case "change":
        return () => changePair(engine, each.symbol, each.change, at)
    }
  }
  const apply = (each: Action): void => {
    at += 250
    run(commandOf(each))
  }
  return { engine, facts, events, apply, run, now: () => at }
}

const listing0 = { id: "none", symbol: "ABCUSDT" }

export type World = ReturnType<typeof start>

/** The facts as they would come back from the disk. */
export const throughDisk = (facts: ReadonlyArray<Fact>): ReadonlyArray<Fact> =>
  facts.map((fact) => Either.getOrThrow(decodeFact(encodeFact(fact))))

/** A value with decimals as text, so that 1 and 1.0 are one, and maps as lists. */
export const plain = (value: unknown): unknown => {
  if (BigDecimal.isBigDecimal(value)) return Decimal.format(value)
  if (value instanceof Map || value instanceof Set) return [...value].map(plain)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== "object" || Redacted.isRedacted(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

/** Everything of the engine that a client could see. */
export const visible = ({ ledger, markets }: Engine) =>
  plain({
    accounts: [...ledger.accounts.values()].map((each) => ({ ...each, byClientId: [...each.byClientId.keys()] })),
    orders: [...ledger.orders.values()],
    pairs: [...markets.values()].map(({ last, pair }) => ({ pair, last })),
    queues: [...markets.values()].map(({ book }) => [
      [...book.resting("buy")].map((each) => each.entry.order.id),
      [...book.resting("sell")].map((each) => each.entry.order.id)
    ])
  })
