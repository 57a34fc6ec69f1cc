import { BigDecimal, Either, FastCheck as fc, Redacted } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { OrderType } from "../../../src/domain/Market.ts"
import { Engine, type EngineOptions } from "../../../src/paper/engine/Engine.ts"
import { decodeFact, encodeFact, type Fact } from "../../../src/paper/engine/Facts.ts"
import { cancel } from "../../../src/paper/engine/orders/Cancelling.ts"
import { place } from "../../../src/paper/engine/orders/Placing.ts"
import { step } from "../../../src/paper/engine/Stepping.ts"
import type { ExchangeEvent } from "../../../src/paper/Events.ts"
import type { Listing } from "../../../src/paper/MarketSource.ts"

export const listing: Listing = {
  symbol: "ABCUSDT",
  baseAsset: "ABC",
  quoteAsset: "USDT",
  fullName: "Abc",
  basePrecision: 4,
  quotePrecision: 3,
  minQuantity: Decimal.unsafe("0.0001"),
  minNotional: Decimal.unsafe("1"),
  // Small, so that orders run through many levels and empty the ladder.
  maxNotional: Decimal.unsafe("2000"),
  makerFeeRate: Decimal.unsafe("0.0003"),
  takerFeeRate: Decimal.unsafe("0.0007"),
  priceBand: Decimal.unsafe("0.2")
}

export const options: EngineOptions = { feeIn: "quote", restrictions: {}, still: true }

export type Action =
  | {
      readonly type: "place"
      readonly account: number
      readonly side: "buy" | "sell"
      readonly orderType: OrderType
      readonly byQuote: boolean
      readonly offsetTicks: number
      readonly quantitySteps: number
    }
  | { readonly type: "cancel"; readonly account: number; readonly pick: number }
  | {
      readonly type: "step"
      readonly moveTicks: number
      readonly quantitySteps: number
      readonly takerSide: "buy" | "sell"
    }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("place" as const),
      account: fc.nat(2),
      side: fc.constantFrom("buy" as const, "sell" as const),
      orderType: fc.constantFrom(...OrderType.literals),
      byQuote: fc.boolean(),
      offsetTicks: fc.integer({ min: -1500, max: 1500 }),
      quantitySteps: fc.integer({ min: 1, max: 250_000 })
    })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancel" as const), account: fc.nat(2), pick: fc.nat(50) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("step" as const),
      moveTicks: fc.integer({ min: -1500, max: 1500 }),
      quantitySteps: fc.integer({ min: 0, max: 50_000 }),
      takerSide: fc.constantFrom("buy" as const, "sell" as const)
    })
  }
)

export const actions = fc.array(action, { minLength: 15, maxLength: 60 })

const accountIds = ["1", "2", "3"]

/** An engine at 60 USDT with three funded accounts, and everything it has said. */
export const start = (engineOptions = options) => {
  const engine = new Engine([listing], engineOptions, [])
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
        permissions: []
      })
      engine.record({ _tag: "deposited", at: 0, accountId, asset: "USDT", amount: Decimal.unsafe("3000") })
      engine.record({ _tag: "deposited", at: 0, accountId, asset: "ABC", amount: Decimal.unsafe("40") })
    }
    step(engine, { symbol: "ABCUSDT", at: 1, price: Decimal.unsafe("60"), quantity: Decimal.one, takerSide: "buy" })
  })
  let at = 1
  let ticks = 60_000
  const apply = (each: Action): void => {
    at += 250
    if (each.type === "step") {
      ticks = Math.max(30_000, Math.min(120_000, ticks + each.moveTicks))
      const price = BigDecimal.make(BigInt(ticks), 3)
      const quantity = BigDecimal.make(BigInt(each.quantitySteps), 4)
      run(() => step(engine, { symbol: "ABCUSDT", at, price, quantity, takerSide: each.takerSide }))
      return
    }
    const accountId = accountIds[each.account] ?? "1"
    if (each.type === "cancel") {
      const open = [...engine.ledger.account(accountId).open.keys()]
      const orderId = open[each.pick % Math.max(1, open.length)] ?? "none"
      run(() => cancel(engine, accountId, "ABCUSDT", { orderId }, at))
      return
    }
    const market = each.orderType === "market"
    const quantity = BigDecimal.make(BigInt(each.quantitySteps), 4)
    run(() =>
      place(
        engine,
        accountId,
        {
          symbol: "ABCUSDT",
          side: each.side,
          type: each.orderType,
          quantity: market && each.byQuote ? null : quantity,
          quoteOrderQty: market && each.byQuote ? BigDecimal.make(BigInt(each.quantitySteps), 2) : null,
          price: market ? null : BigDecimal.make(BigInt(ticks + each.offsetTicks), 3),
          clientOrderId: null
        },
        at
      )
    )
  }
  return { engine, facts, events, apply }
}

/** The facts as they would come back from the disk. */
export const throughDisk = (facts: ReadonlyArray<Fact>): ReadonlyArray<Fact> =>
  facts.map((fact) => Either.getOrThrow(decodeFact(encodeFact(fact))))

/** Everything of the ledger that a client could see, as text. */
export const visible = (engine: Engine) => ({
  accounts: [...engine.ledger.accounts.values()].map((account) => ({
    id: account.id,
    balances: [...account.balances].map(([asset, { free, locked }]) => [
      asset,
      Decimal.format(free),
      Decimal.format(locked)
    ]),
    open: [...account.open.keys()],
    fills: account.fills.map((fill) => fill.tradeId)
  })),
  orders: [...engine.ledger.orders.values()].map(({ lock, order, sequence }) => ({
    ...order,
    price: Decimal.format(order.price),
    quantity: Decimal.format(order.quantity),
    quoteAmount: Decimal.format(order.quoteAmount),
    executedQuantity: Decimal.format(order.executedQuantity),
    executedQuote: Decimal.format(order.executedQuote),
    lock: Decimal.format(lock),
    sequence
  }))
})
