import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { decodeFact } from "../../../src/paper/engine/Facts.ts"
import { cancel } from "../../../src/paper/engine/orders/Cancelling.ts"
import { place } from "../../../src/paper/engine/orders/Placing.ts"
import type { PairChange } from "../../../src/paper/engine/Pair.ts"
import { changePair, step } from "../../../src/paper/engine/Stepping.ts"
import type { PlaceRequest } from "../../../src/paper/Requests.ts"
import { deposit } from "../../../src/paper/engine/ledger/Moving.ts"
import { start, type World } from "../kit/engineModel.ts"

const d = Decimal.unsafe

const limit = {
  symbol: "ABCUSDT",
  side: "buy",
  type: "limit",
  quantity: d("0.5"),
  price: d("55"),
  quoteOrderQty: null,
  clientOrderId: null
} as const satisfies PlaceRequest
const market = { ...limit, type: "market", price: null } as const satisfies PlaceRequest

const send = (world: World, request: PlaceRequest, accountId = "1") =>
  world.run(() => place(world.engine, accountId, request, 10))
const codeOf = (world: World, request: PlaceRequest): number | null =>
  Either.match(send(world, request), { onLeft: (refusal) => refusal.code, onRight: () => null })
const change = (world: World, wanted: PairChange) =>
  Either.getOrThrow(world.run(() => changePair(world.engine, "ABCUSDT", wanted, 5)))
const accept = (world: World, request: PlaceRequest, accountId?: string) =>
  Either.getOrThrow(send(world, request, accountId))
const move = (world: World, price: string, quantity = "0") =>
  world.run(() =>
    step(world.engine, { symbol: "ABCUSDT", at: 9, price: d(price), quantity: d(quantity), takerSide: "sell" })
  )
const fillsOf = ({ engine }: World, accountId: string) => engine.ledger.account(accountId).fills
const text = (value: Decimal.Decimal | undefined) => Decimal.format(value ?? Decimal.zero)
/** An offer of another account within the spread, so that the next buy meets it and nothing simulated. */
const offered = (world: World, quantity: string, accountId = "2") =>
  accept(world, { ...limit, side: "sell", price: d("60"), quantity: d(quantity) }, accountId)

describe("an order is refused", () => {
  it("by the first check it fails, in the venue's order", () => {
    const world = start()
    // Everything is wrong with it; each line repairs what the line before was refused for.
    let request: PlaceRequest = { ...limit, quantity: d("100.00001"), price: null, type: "market" }
    change(world, { listed: false, apiTrading: false, status: "2", tradeSideType: 3, marketOrders: false })
    assert.strictEqual(codeOf(world, request), -1121)
    change(world, { listed: true })
    assert.strictEqual(codeOf(world, request), 10007)
    change(world, { apiTrading: true })
    assert.strictEqual(codeOf(world, request), 30000)
    change(world, { status: "3" })
    assert.strictEqual(codeOf(world, request), 30016)
    change(world, { status: "1" })
    assert.strictEqual(codeOf(world, request), 30001)
    change(world, { tradeSideType: 2 })
    assert.strictEqual(codeOf(world, request), 30019)
    change(world, { marketOrders: true, limitOrders: false })
    request = { ...request, type: "limit" }
    assert.strictEqual(codeOf(world, request), 30041)
    change(world, { limitOrders: true })
    assert.strictEqual(codeOf(world, request), 700004)
    request = { ...request, price: d("75") }
    assert.strictEqual(codeOf(world, request), 10096)
    request = { ...request, quantity: d("100") }
    assert.strictEqual(codeOf(world, request), 30029)
    request = { ...request, quantity: d("0.01") }
    assert.strictEqual(codeOf(world, request), 30002)
    request = { ...request, quantity: d("26") }
    assert.strictEqual(codeOf(world, request), 30087)
    request = { ...request, price: d("60.001") }
    world.run(() => deposit(world.engine, "1", { asset: "USDT", amount: d("1") }, 5))
    accept(world, { ...limit, price: d("55"), quantity: d("30") })
    assert.strictEqual(codeOf(world, request), 10101)
    assert.strictEqual(codeOf(world, { ...request, quantity: d("1") }), null)
    change(world, { tradeSideType: 1 })
    assert.strictEqual(codeOf(world, { ...limit, side: "sell", price: d("61"), quantity: d("30") }), null)
    const oversold = send(world, { ...limit, side: "sell", price: d("61"), quantity: d("30") })
    assert.include(Either.getOrThrow(Either.flip(oversold)), { code: 30005, text: "Oversold" })
  })

  it("by its own minimum and maximum when it is a MARKET order", () => {
    const world = start()
    change(world, { marketMinNotional: d("20"), marketMaxNotional: d("40") })
    assert.strictEqual(codeOf(world, { ...market, quantity: null, quoteOrderQty: d("19.9") }), 30002)
    assert.strictEqual(codeOf(world, { ...market, quantity: null, quoteOrderQty: d("40.1") }), 30029)
    assert.strictEqual(codeOf(world, { ...market, quantity: null, quoteOrderQty: d("30") }), null)
    assert.strictEqual(codeOf(world, limit), null)
  })

  it("for its price as LIMIT, IMMEDIATE_OR_CANCEL and FILL_OR_KILL, not as LIMIT_MAKER", () => {
    const world = start()
    const far = { ...limit, side: "sell", price: d("47") } as const
    for (const type of ["limit", "immediateOrCancel", "fillOrKill"] as const) {
      assert.strictEqual(codeOf(world, { ...far, type }), 30087)
    }
    assert.strictEqual(codeOf(world, { ...far, type: "limitMaker" }), null)
    assert.strictEqual(codeOf(world, { ...far, price: d("90") }), null, "a sell may ask as much as it likes")
  })

  it("while 500 of an account are open, and taken again after a cancel", () => {
    const world = start()
    const small = { ...limit, quantity: d("0.03"), price: d("50") }
    const placed = Array.from({ length: 500 }, () => accept(world, small))
    assert.strictEqual(codeOf(world, small), 400)
    const orderId = placed[0]?.id ?? ""
    world.run(() => cancel(world.engine, "1", "ABCUSDT", { orderId }, 11))
    assert.strictEqual(codeOf(world, small), null)
  })
})

describe("a market buy by amount", () => {
  it("buys what the amount pays for 5 % above the best ask, spends about 5 % less and is FILLED", () => {
    const world = start()
    const order = accept(world, { ...market, quantity: null, quoteOrderQty: d("50") })
    // The best ask is 60.003, so the collar is 63.003 and 50 / 63.003 is 0.79361…
    assert.strictEqual(text(order.price), "63.003")
    assert.strictEqual(text(order.quantity), "0.7936")
    assert.strictEqual(text(order.executedQuantity), "0.7936")
    assert.strictEqual(order.status, "FILLED")
    assert.strictEqual(text(order.quoteAmount), "50")
    const spent = Decimal.toNumber(order.executedQuote)
    assert.isTrue(spent > 47.5 && spent < 47.8, String(spent))
  })

  it("needs the whole amount free, and gives back what it did not spend", () => {
    const world = start()
    const { id: orderId } = accept(world, { ...limit, price: d("50"), quantity: d("21") })
    // 1949 are free, and 1990 would cost about 1890.
    assert.strictEqual(codeOf(world, { ...market, quantity: null, quoteOrderQty: d("1990") }), 10101)
    assert.strictEqual(codeOf(world, { ...market, quantity: null, quoteOrderQty: d("1900") }), null)
    world.run(() => cancel(world.engine, "1", "ABCUSDT", { orderId }, 11))
    assert.strictEqual(text(world.engine.ledger.account("1").balances.get("USDT")?.locked), "0")
  })
})

describe("a market buy by amount at the very edge of its collar", () => {
  it("spends its amount with the fee and no more: the rest that it cannot pay for is cancelled", () => {
    const world = start()
    accept(world, { ...limit, type: "immediateOrCancel", price: d("61"), quantity: d("20") }, "3")
    offered(world, "0.02")
    accept(world, { ...limit, side: "sell", price: d("63"), quantity: d("31") }, "2")
    const order = accept(world, { ...market, quantity: null, quoteOrderQty: d("1900") })
    assert.deepStrictEqual([text(order.price), text(order.quantity)], ["63", "30.1587"])
    assert.strictEqual(order.status, "PARTIALLY_CANCELED")
    const spent = Decimal.add(order.executedQuote, Decimal.sum(fillsOf(world, "1").map((fill) => fill.fee)))
    assert.isTrue(Decimal.lessOrEqual(spent, d("1900")), text(spent))
    assert.isTrue(Decimal.greaterThan(spent, d("1899.9")), text(spent))
  })
})

describe("what a thin book cannot fill", () => {
  it("of a MARKET or IMMEDIATE_OR_CANCEL order is cancelled, which is PARTIALLY_CANCELED", () => {
    for (const type of ["market", "immediateOrCancel"] as const) {
      const world = start()
      offered(world, "0.4")
      const price = type === "market" ? null : d("60.002")
      change(world, { marketMaxNotional: d("100000") })
      const quantity = type === "market" ? d("48") : d("0.5")
      const { executedQuantity, status } = accept(world, { ...limit, type, price, quantity }, "3")
      assert.strictEqual(status, "PARTIALLY_CANCELED")
      assert.isTrue(Decimal.lessThan(executedQuantity, quantity))
    }
  })

  it("of a FILL_OR_KILL cancels all of it", () => {
    const world = start()
    offered(world, "0.4")
    const order = { ...limit, type: "fillOrKill", price: d("60") } as const
    assert.strictEqual(accept(world, order).status, "CANCELED")
    assert.strictEqual(accept(world, { ...order, quantity: d("0.4") }).status, "FILLED")
  })

  it("is left to `atMost` on purpose: a LIMIT rests with the rest, others end", () => {
    const world = start()
    const some = { ...limit, price: d("60.01"), atMost: d("0.4") }
    const rests = accept(start(), some)
    assert.deepStrictEqual([rests.status, text(rests.executedQuantity)], ["PARTIALLY_FILLED", "0.2"])
    const ends = accept(world, { ...some, type: "immediateOrCancel" })
    assert.deepStrictEqual([ends.status, text(ends.executedQuantity)], ["PARTIALLY_CANCELED", "0.2"])
    assert.strictEqual(accept(world, { ...some, type: "fillOrKill" }).status, "CANCELED")
    const byAmount = accept(world, { ...some, type: "market", price: null, quantity: null, quoteOrderQty: d("50") })
    assert.strictEqual(byAmount.status, "PARTIALLY_CANCELED")
  })

  it("is everything when a LIMIT_MAKER would take: it is acknowledged and CANCELED", () => {
    const world = start()
    assert.strictEqual(accept(world, { ...limit, type: "limitMaker", price: d("60.003") }).status, "CANCELED")
    assert.strictEqual(accept(world, { ...limit, type: "limitMaker", price: d("60.002") }).status, "NEW")
  })
})

describe("fees", () => {
  it("follow the account's own rates where it has some, else the pair's", () => {
    const world = start()
    offered(world, "1")
    accept(world, { ...limit, price: d("60") }, "1")
    accept(world, { ...limit, price: d("60") }, "3")
    assert.strictEqual(text(fillsOf(world, "1")[0]?.fee), "0.021")
    assert.strictEqual(text(fillsOf(world, "3")[0]?.fee), "0.033")
    assert.strictEqual(text(fillsOf(world, "2")[0]?.fee), "0.009")
  })

  it("of an order stay those it was taken with, whatever the pair's become", () => {
    const world = start()
    offered(world, "1")
    change(world, { makerFeeRate: d("0.01"), takerFeeRate: d("0.02") })
    accept(world, { ...limit, price: d("60") })
    assert.strictEqual(text(fillsOf(world, "2")[0]?.fee), "0.009")
    assert.strictEqual(text(fillsOf(world, "1")[0]?.fee), "0.6")
  })

  it("are paid in MX, a fifth cheaper, while there is enough of it, then as usual", () => {
    const world = start()
    offered(world, "20")
    accept(world, { ...limit, price: d("60"), quantity: d("10") }, "4")
    // 600 USDT at 0.07 % is 0.42; four fifths of it at 60 USDT for one MX.
    assert.include(fillsOf(world, "4")[0], { feeAsset: "MX" })
    assert.strictEqual(text(fillsOf(world, "4")[0]?.fee), "0.0056")
    const mx = world.engine.ledger.account("4").balances.get("MX")
    assert.strictEqual(text(mx?.free), "0.0044")
    assert.strictEqual(text(world.engine.ledger.account("4").balances.get("USDT")?.free), "2400")
    accept(world, { ...limit, price: d("60"), quantity: d("10") }, "4")
    assert.include(fillsOf(world, "4")[1], { feeAsset: "USDT" })
  })
})

describe("an account that trades with itself", () => {
  it("is told so on both sides", () => {
    const world = start()
    offered(world, "1", "1")
    accept(world, { ...limit, price: d("60") })
    assert.deepStrictEqual(
      fillsOf(world, "1").map(({ maker, selfTrade }) => [maker, selfTrade]),
      [
        [true, true],
        [false, true]
      ]
    )
  })
})

describe("a pair", () => {
  it("that is halted stands at its price, and goes on with its resting orders", () => {
    const world = start()
    const { id } = accept(world, limit)
    change(world, { status: "2" })
    move(world, "50")
    const { last } = world.engine.markets.get("ABCUSDT") ?? {}
    assert.strictEqual(text(last ?? undefined), "60")
    assert.strictEqual(world.engine.ledger.entry(id).order.status, "NEW")
    assert.strictEqual(change(world, { status: "1" }).offlineAt, null)
    move(world, "50")
    assert.strictEqual(world.engine.ledger.entry(id).order.status, "FILLED")
  })

  it("that leaves the exchange takes its open orders with it, and says since when it is away", () => {
    const world = start()
    const { id } = accept(world, limit)
    assert.strictEqual(change(world, { status: "3" }).offlineAt, 5)
    assert.include(world.engine.ledger.entry(id).order, { status: "CANCELED", cancelReason: "delisted" })
    assert.strictEqual(text(world.engine.ledger.account("1").balances.get("USDT")?.locked), "0")
  })

  it("that gets finer ticks keeps the orders it has, in their order", () => {
    const world = start()
    accept(world, { ...limit, price: d("59.999") })
    change(world, { quotePrecision: 5 })
    accept(world, { ...limit, price: d("59.9985") }, "2")
    const second = accept(world, { ...limit, price: d("59.99905") }, "3")
    const bids = world.engine.markets.get("ABCUSDT")?.book.levels("buy", 3) ?? []
    assert.deepStrictEqual(
      bids.map(([price]) => text(price)),
      ["59.99905", "59.999", "59.9985"]
    )
    accept(world, { ...limit, side: "sell", price: d("59"), quantity: d("0.5") }, "4")
    assert.strictEqual(world.engine.ledger.entry(second.id).order.status, "FILLED")
  })
})

describe("a journal of an earlier version", () => {
  it("is read as before", () => {
    const lines = [
      '{"_tag":"accountOpened","at":1,"accountId":"1","accessKey":"k","secretKey":"s","permissions":["SPOT_DEAL_READ"]}',
      '{"_tag":"deposited","at":1,"accountId":"1","asset":"USDT","amount":"5"}',
      '{"_tag":"withdrawn","at":1,"accountId":"1","asset":"USDT","amount":"5"}',
      '{"_tag":"orderAccepted","at":1,"orderId":"o","accountId":"1","clientOrderId":null,"symbol":"ABCUSDT","side":"buy","type":"limit","price":"1","quantity":"1","quoteAmount":"1","quoteSized":false,"baseAsset":"ABC","quoteAsset":"USDT","lock":"1"}',
      '{"_tag":"orderClosed","at":2,"orderId":"o"}'
    ]
    for (const line of lines) assert.isTrue(Either.isRight(decodeFact(line)), line)
  })
})
