import { assert, layer } from "@effect/vitest"
import ccxt from "ccxt"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { ask, ccxtAt, freshCcxt, refusal, roomyExchange } from "../kit/ccxtClient.ts"
import type { Json } from "../kit/SignedClient.ts"

const symbol = "BTC/USDT"

const exchange = PaperExchange.layer({
  ...roomyExchange,
  restrictions: { ETHUSDT: { apiTrading: false }, XRPUSDT: { marketOrders: false }, SOLUSDT: { tradeSideType: 3 } }
})

layer(exchange, { excludeTestServices: true })("an independent client trades", (it) => {
  it.effect("a limit order rests, is found in every list and is cancelled", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const placed = yield* ask(() =>
        client.createOrder(symbol, "limit", "buy", 0.1, 49000, { clientOrderId: "first_1" })
      )
      assert.deepInclude(placed, { symbol, type: "limit", side: "buy", price: 49000, amount: 0.1 })
      assert.isUndefined(placed.status, "an acknowledgement has no status")
      assert.isUndefined(placed.clientOrderId, "and does not echo the client's id")
      const { id } = placed

      const wanted = { id, symbol, status: "open", side: "buy", price: 49000, amount: 0.1, filled: 0, remaining: 0.1 }
      const order = yield* ask(() => client.fetchOrder(id, symbol))
      assert.deepInclude(order, { ...wanted, clientOrderId: "first_1", timeInForce: "GTC", type: "limit" })
      assert.deepInclude(yield* ask(() => client.fetchOrder("", symbol, { clientOrderId: "first_1" })), wanted)
      for (const list of [
        () => client.fetchOpenOrders(symbol),
        () => client.fetchOpenOrders(),
        () => client.fetchOrders(symbol)
      ]) {
        const orders = yield* ask(list)
        assert.lengthOf(orders, 1)
        assert.deepInclude(orders[0], wanted)
      }
      const during = yield* ask(() => client.fetchBalance())
      assert.isAtLeast(during.USDT.used, 4900)
      assert.strictEqual(during.USDT.total, 10000)

      const cancelled = yield* ask(() => client.cancelOrder(id, symbol))
      assert.deepInclude(cancelled, { id, symbol, status: "canceled", filled: 0 })
      assert.deepInclude(yield* ask(() => client.fetchOrder(id, symbol)), { id, status: "canceled", filled: 0 })
      assert.deepStrictEqual(yield* ask(() => client.fetchOpenOrders(symbol)), [])
      const after = yield* ask(() => client.fetchBalance())
      assert.deepInclude(after.USDT, { free: 10000, used: 0, total: 10000 })
      assert.match(String(yield* refusal(() => client.cancelOrder(id, symbol))), /-2011/)
      assert.match(String(yield* refusal(() => client.fetchOrder("nowhere", symbol))), /-2013/)
    })
  )

  it.effect("a limit order is cancelled by the client's own id", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const { id } = yield* ask(() => client.createLimitBuyOrder(symbol, 0.01, 48000, { clientOrderId: "mine-1" }))
      assert.deepInclude(yield* ask(() => client.cancelOrder("", symbol, { clientOrderId: "mine-1" })), { id })
    })
  )

  it.effect("a market buy is sized by quantity, by cost, and by cost from a price", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const filled = (order: Json) => ask(() => client.fetchOrder(order.id, symbol))
      const byQuantity = yield* filled(yield* ask(() => client.createMarketBuyOrder(symbol, 0.01)))
      assert.deepInclude(byQuantity, { status: "closed", type: "market", side: "buy", filled: 0.01, remaining: 0 })
      assert.approximately(byQuantity.cost, 500, 2)
      assert.approximately(byQuantity.price, 52500, 100, "a collar five percent beyond the market")
      assert.approximately(byQuantity.average, 50000, 100, "not the price it got")

      const byCost = yield* filled(yield* ask(() => client.createMarketBuyOrderWithCost(symbol, 1000)))
      assert.approximately(byCost.cost, 1000 / 1.05, 5, "what the collar lets it buy, at the real price")
      assert.strictEqual(byCost.info.origQuoteOrderQty, "1000")
      const byPrice = yield* filled(yield* ask(() => client.createOrder(symbol, "market", "buy", 0.02, 50000)))
      assert.strictEqual(byPrice.info.origQuoteOrderQty, "1000")

      const sold = yield* filled(yield* ask(() => client.createMarketSellOrder(symbol, 0.5)))
      assert.deepInclude(sold, { status: "closed", side: "sell", filled: 0.5 })
      assert.approximately(sold.price, 47500, 100)
      const soldForCost = yield* filled(yield* ask(() => client.createMarketSellOrderWithCost(symbol, 100)))
      assert.approximately(soldForCost.cost, 100, 1)
    })
  )

  it.effect("post-only, immediate-or-cancel and fill-or-kill behave as they are called", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const sent = (side: "buy" | "sell", amount: number, price: number, params: object) =>
        Effect.flatMap(
          ask(() => client.createOrder(symbol, "limit", side, amount, price, params)),
          ({ id }) => ask(() => client.fetchOrder(id, symbol))
        )
      const maker = yield* sent("buy", 0.01, 49900, { postOnly: true })
      assert.deepInclude(maker, { status: "open", filled: 0, timeInForce: "POST_ONLY" })
      assert.strictEqual(maker.info.type, "LIMIT_MAKER")
      const taker = yield* sent("buy", 0.01, 50500, { postOnly: true })
      assert.deepInclude(taker, { status: "canceled", filled: 0 })

      const immediate = yield* sent("buy", 0.01, 50500, { timeInForce: "IOC" })
      assert.deepInclude(immediate, { status: "closed", filled: 0.01, timeInForce: "IOC" })
      const unfilled = yield* sent("buy", 0.01, 49800, { timeInForce: "IOC" })
      assert.deepInclude(unfilled, { status: "canceled", filled: 0 })
      assert.strictEqual(unfilled.info.status, "CANCELED")

      const killed = yield* sent("buy", 0.01, 49800, { timeInForce: "FOK" })
      assert.deepInclude(killed, { status: "canceled", filled: 0, timeInForce: "FOK" })
      const whole = yield* sent("sell", 0.01, 49500, { timeInForce: "FOK" })
      assert.deepInclude(whole, { status: "closed", filled: 0.01 })
    })
  )

  it.effect("an order is replaced by another", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const { id } = yield* ask(() => client.createLimitBuyOrder(symbol, 0.01, 49000))
      const edited = yield* ask(() => client.editOrder(id, symbol, "limit", "buy", 0.02, 48500))
      assert.notStrictEqual(edited.id, id)
      const open = yield* ask(() => client.fetchOpenOrders(symbol))
      assert.lengthOf(open, 1)
      assert.deepInclude(open[0], { id: edited.id, amount: 0.02, price: 48500 })
    })
  )

  it.effect("a test order is judged and not placed", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      yield* ask(() => client.createOrder(symbol, "limit", "buy", 0.01, 49000, { test: true }))
      assert.deepStrictEqual(yield* ask(() => client.fetchOpenOrders(symbol)), [])
      const tooMuch = () => client.createOrder(symbol, "limit", "buy", 1, 49000, { test: true })
      assert.instanceOf(yield* refusal(tooMuch), ccxt.InsufficientFunds)
    })
  )

  it.effect("a batch is placed in order, good and bad ones", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const limit = (amount: number, price: number, params = {}) => ({
        symbol,
        type: "limit" as const,
        side: "buy" as const,
        amount,
        price,
        params
      })
      const placed = yield* ask(() =>
        client.createOrders([
          limit(0.01, 49000, { clientOrderId: "b1" }),
          limit(0.00001, 49000, { clientOrderId: "b2" }),
          limit(0.02, 48000)
        ])
      )
      assert.deepStrictEqual(
        placed.map((each: Json) => each.status ?? "acknowledged"),
        ["acknowledged", "rejected", "acknowledged"]
      )
      assert.deepInclude(placed[1].info, { newClientOrderId: "b2", code: 30002 })
      assert.strictEqual(placed[0].info.newClientOrderId, "b1")
      const open = yield* ask(() => client.fetchOpenOrders(symbol))
      assert.sameMembers(
        open.map((each: Json) => each.id),
        [placed[0].id, placed[2].id]
      )
      const tooMany = Array.from({ length: 21 }, () => limit(0.001, 40000))
      assert.instanceOf(yield* refusal(() => client.createOrders(tooMany)), ccxt.BadRequest)
    })
  )

  it.effect("all orders of a pair, or of every pair, are cancelled at once", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt({ USDT: "10000" })
      const place = (pair: string, amount: number, price: number) =>
        ask(() => client.createLimitBuyOrder(pair, amount, price))
      yield* place(symbol, 0.01, 49000)
      yield* place(symbol, 0.01, 48000)
      yield* place("MX/USDT", 10, 2)
      const gone = yield* ask(() => client.cancelAllOrders(symbol))
      assert.lengthOf(gone, 2)
      assert.lengthOf(yield* ask(() => client.fetchOpenOrders()), 1)
      yield* place(symbol, 0.01, 47000)
      assert.deepStrictEqual(yield* ask(() => client.cancelAllOrders()), [])
      assert.deepStrictEqual(yield* ask(() => client.fetchOpenOrders()), [])
      assert.deepInclude((yield* ask(() => client.fetchBalance())).USDT, { free: 10000, used: 0 })
    })
  )

  it.effect("an order that the market comes to is filled as maker, and its trade is found", () =>
    Effect.gen(function* () {
      const { client, priced } = yield* freshCcxt()
      const { id } = yield* ask(() => client.createLimitBuyOrder(symbol, 0.1, 49000))
      yield* priced("48900")
      const order = yield* ask(() => client.fetchOrder(id, symbol))
      assert.deepInclude(order, { status: "closed", filled: 0.1, average: 49000, cost: 4900 })
      const [made] = yield* ask(() => client.fetchOrderTrades(id, symbol))
      assert.deepInclude(made, { order: id, side: "buy", takerOrMaker: "maker", price: 49000, amount: 0.1, cost: 4900 })
      yield* ask(() => client.createMarketSellOrder(symbol, 0.2))
      const trades = yield* ask(() => client.fetchMyTrades(symbol))
      assert.isAtLeast(trades.length, 2)
      const sold = trades.filter((each: Json) => each.side === "sell")
      assert.approximately(
        sold.reduce((sum: number, each: Json) => sum + each.amount, 0),
        0.2,
        1e-9
      )
      for (const each of sold) {
        assert.deepInclude(each, { takerOrMaker: "taker" })
        assert.strictEqual(each.fee.currency, "USDT")
        assert.approximately(each.fee.cost, each.cost * 0.0005, 1e-7)
      }
      const now = client.milliseconds()
      assert.isEmpty(yield* ask(() => client.fetchMyTrades(symbol, now - 7_200_000, 10, { until: now - 3_600_000 })))
      assert.lengthOf(yield* ask(() => client.fetchMyTrades(symbol, now - 60_000, 1)), 1)
    })
  )

  it.effect("fees are read and the deduction in MX is switched", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      assert.deepInclude(yield* ask(() => client.fetchTradingFee(symbol)), { symbol, maker: 0, taker: 0.0005 })
      const enabled = () =>
        Effect.map(
          ask(() => client.spotPrivateGetMxDeductEnable()),
          (each) => each.data.mxDeductEnable
        )
      assert.isFalse(yield* enabled())
      yield* ask(() => client.spotPrivatePostMxDeductEnable({ mxDeductEnable: true }))
      assert.isTrue(yield* enabled())
    })
  )

  it.effect("an account says who it is", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      assert.match((yield* ask(() => client.spotPrivateGetUid())).uid, /^\d+$/)
      assert.deepStrictEqual(yield* ask(() => client.spotPrivateGetKycStatus()), { status: "1" })
      const own = yield* ask(() => client.spotPrivateGetSelfSymbols())
      assert.include(own.data, "BTCUSDT")
      assert.notInclude(own.data, "ETHUSDT")
      assert.sameMembers(
        (yield* ask(() => client.fetchAccounts())).map((each: Json) => each.code),
        ["USDT", "BTC"]
      )
      const { data } = yield* ask(() => client.spotPrivateGetApiKeyInfo())
      assert.include(data.permissions, "SPOT_DEAL_WRITE")
      assert.deepInclude(yield* ask(() => client.spotPrivateGetStrategyGroup()), { code: 0, data: [] })
    })
  )

  it.effect("every refusal is the error it takes it for", () =>
    Effect.gen(function* () {
      const { client, url } = yield* freshCcxt()
      yield* ask(() => client.loadMarkets())
      const buy = (pair: string, amount: number, price?: number, params = {}) =>
        refusal(() => client.createOrder(pair, price === undefined ? "market" : "limit", "buy", amount, price, params))
      const oversold = yield* refusal(() => client.createLimitSellOrder(symbol, 2, 50000))
      assert.instanceOf(oversold, ccxt.InsufficientFunds)
      assert.match(String(oversold), /Oversold/)
      assert.instanceOf(yield* buy(symbol, 1, 49000), ccxt.InsufficientFunds)
      assert.instanceOf(yield* buy("ETH/USDT", 1, 3000), ccxt.BadSymbol, "10007")
      assert.match(String(yield* buy("XRP/USDT", 10)), /30019/)
      assert.match(String(yield* buy("SOL/USDT", 1, 100)), /30001/)
      assert.match(String(yield* buy(symbol, 0.00001, 49000)), /30002/)
      assert.match(String(yield* buy(symbol, 0.01, 90000)), /30087/)
      assert.match(String(yield* buy(symbol, 0.01, 49000, { clientOrderId: "a b" })), /700008/)
      assert.match(String(yield* buy(symbol, 0.01, 49000, { clientOrderId: "ü(,)~" })), /700008/)
      assert.match(String(yield* buy(symbol, 0.01, 49000, { clientOrderId: "x".repeat(33) })), /between 1 and 32/)
      const stranger = ccxtAt(url, "mx0nobody", "secret")
      assert.match(String(yield* refusal(() => stranger.fetchBalance())), /10072/)
      const forger = ccxtAt(url, client.apiKey, "wrong")
      assert.instanceOf(yield* refusal(() => forger.fetchBalance()), ccxt.AuthenticationError)
      const late = ccxtAt(url, client.apiKey, "secret")
      late.options["timeDifference"] = 10_000
      assert.instanceOf(yield* refusal(() => late.fetchBalance()), ccxt.InvalidNonce)
      const patient = ccxtAt(url, client.apiKey, "secret")
      patient.options["recvWindow"] = 60_001
      assert.match(String(yield* refusal(() => patient.fetchBalance())), /700005/)
    })
  )
})
