import { BigDecimal, Effect, Queue, TestClock } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { WebSocket } from "ws"
import { unsafe } from "../../src/domain/Decimal.ts"
import type { ExchangeEvent, PaperOrder } from "../../src/paper/Events.ts"
import { connect, marketNow, toldServer as setUp } from "./kit/streamKit.ts"

const deals = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"
const bookTicker = "spot@public.aggre.bookTicker.v3.api.pb@10ms@BTCUSDT"
const depth = "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"
const orders = "spot@private.orders.v3.api.pb"
const ownDeals = "spot@private.deals.v3.api.pb"
const account = "spot@private.account.v3.api.pb"

const trade = (price: string, tradeId: string): ExchangeEvent => ({
  type: "trade",
  symbol: "BTCUSDT",
  price: unsafe(price),
  quantity: unsafe("0.0150"),
  takerSide: "sell",
  tradeId,
  at: marketNow - 5
})

const delta = (version: bigint, bids: ReadonlyArray<readonly [string, string]>): ExchangeEvent => ({
  type: "depth",
  symbol: "BTCUSDT",
  bids: bids.map(([price, quantity]) => [unsafe(price), unsafe(quantity)] as const),
  asks: [],
  fromVersion: version,
  toVersion: version,
  at: marketNow
})

const best = (bid: string, version: bigint): ExchangeEvent => ({
  type: "bookTicker",
  symbol: "BTCUSDT",
  bid: [unsafe(bid), unsafe("1")],
  ask: [unsafe("96000"), unsafe("2")],
  version,
  at: marketNow
})

const filledOrder: PaperOrder = {
  id: "C02__1",
  accountId: "acc_1",
  clientOrderId: "dpabc",
  symbol: "BTCUSDT",
  side: "buy",
  type: "immediateOrCancel",
  price: unsafe("95000"),
  quantity: unsafe("0.002"),
  quoteAmount: unsafe("190"),
  quoteSized: false,
  executedQuantity: unsafe("0.002"),
  executedQuote: unsafe("189.9"),
  status: "FILLED",
  stpMode: "",
  cancelReason: null,
  createdAt: marketNow - 20,
  updatedAt: marketNow
}

const privateEvents: ReadonlyArray<ExchangeEvent> = [
  {
    type: "order",
    accountId: "acc_1",
    order: filledOrder,
    lastDealQuantity: unsafe("0.002"),
    maker: false,
    at: marketNow
  },
  {
    type: "deal",
    accountId: "acc_1",
    at: marketNow,
    fill: {
      tradeId: "1X1",
      orderId: "C02__1",
      accountId: "acc_1",
      clientOrderId: "dpabc",
      symbol: "BTCUSDT",
      side: "buy",
      price: unsafe("94950"),
      quantity: unsafe("0.002"),
      quoteQuantity: unsafe("189.9"),
      fee: unsafe("0.09495"),
      feeAsset: "USDT",
      maker: false,
      selfTrade: false,
      at: marketNow
    }
  },
  {
    type: "balance",
    accountId: "acc_1",
    asset: "USDT",
    free: unsafe("9810.00505"),
    freeChange: unsafe("-189.99495"),
    locked: BigDecimal.make(0n, 8),
    lockedChange: unsafe("0"),
    reason: "ENTRUST",
    at: marketNow
  }
]

describe("the paper exchange's stream server answers like the venue", () => {
  it.scopedLive("accepts channels, joined by commas, and echoes the id", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const client = yield* connect(port)
      yield* client.say({ method: "SUBSCRIPTION", params: [deals, depth], id: 7 })
      assert.strictEqual(yield* client.answer, `{"id":7,"code":0,"msg":"${deals},${depth}"}`)
      yield* client.say({ method: "UNSUBSCRIPTION", params: [deals], id: 2 })
      assert.strictEqual(yield* client.answer, `{"id":2,"code":0,"msg":"${deals}"}`)
    })
  )

  it.scopedLive("refuses what it does not serve with code 0 and its own colon", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const client = yield* connect(port)
      const blocked = [
        "spot@public.deals.v3.api@BTCUSDT",
        "spot@public.aggre.deals.v3.api.pb@100ms@btcusdt",
        "spot@public.aggre.deals.v3.api.pb@100ms@NOPEUSDT",
        "spot@public.aggre.deals.v3.api.pb@BTCUSDT",
        "spot@public.limit.depth.v3.api.pb@BTCUSDT@7",
        orders
      ]
      for (const channel of blocked) {
        yield* client.say({ method: "SUBSCRIPTION", params: [channel] })
        assert.strictEqual(
          yield* client.answer,
          `{"id":0,"code":0,"msg":"Not Subscribed successfully! [${channel}].  Reason： Blocked! "}`
        )
      }
      const both = "spot@public.aggre.deals.v3.api.pb@100ms@A1,spot@public.aggre.deals.v3.api.pb@100ms@A2"
      assert.include(yield* client.subscribe(...both.split(",")), `[${both}]`)
    })
  )

  it.scopedLive("answers pings in either case, and nonsense without falling over", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const client = yield* connect(port)
      for (const method of ["PING", "ping"]) {
        yield* client.say({ method })
        assert.strictEqual(yield* client.answer, `{"id":0,"code":0,"msg":"PONG"}`)
      }
      for (const nonsense of ["{", "[]", `{"method":"SUBSCRIPTION"}`, `{"method":"SUBSCRIPTION","params":"x"}`]) {
        yield* client.say(nonsense)
        assert.include(yield* client.answer, "invalid")
      }
      assert.include(yield* client.subscribe(deals), deals)
    })
  )

  it.scopedLive("does not serve the thirty-first subscription", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const client = yield* connect(port)
      const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "MXUSDT", "BTCUSDC", "ETHBTC"]
      const kinds = ["deals", "bookTicker", "depth"].flatMap((kind) => [
        `${kind}.v3.api.pb@10ms`,
        `${kind}.v3.api.pb@100ms`
      ])
      const channels = symbols.flatMap((symbol) => kinds.map((kind) => `spot@public.aggre.${kind}@${symbol}`))
      for (const channel of channels.slice(0, 30)) assert.notInclude(yield* client.subscribe(channel), "Blocked")
      assert.include(yield* client.subscribe(channels[30] ?? ""), "Blocked")
      assert.notInclude(yield* client.subscribe(channels[0] ?? ""), "Blocked")
    })
  )

  it.scopedLive("closes a connection that sends more than 100 messages in a second, or a very long one", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const client = yield* connect(port)
      for (let i = 0; i < 250; i++) yield* client.say({ method: "PING" })
      const end = yield* Effect.repeat(Queue.take(client.heard), { until: (got) => !("text" in got) })
      assert.deepStrictEqual(end, { closed: 1_008 })
      const other = yield* connect(port)
      yield* other.say("x".repeat(5_000))
      assert.strictEqual(yield* other.closed, 1_009)
    })
  )

  it.scopedLive("serves only its own path", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const failure = yield* Effect.async<string>((resume) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/elsewhere`)
        socket.once("error", (error) => resume(Effect.succeed(error.message)))
      })
      assert.include(failure, "404")
    })
  )
})

describe("public pushes", () => {
  it.scopedLive("are trades with channel, symbol and times of the market", () =>
    Effect.gen(function* () {
      const { port, tell } = yield* setUp
      const client = yield* connect(port)
      yield* client.subscribe(deals)
      yield* tell(trade("95761", "t1"), trade("95760.5", "t2"))
      const frame = yield* client.frame
      assert.deepStrictEqual([frame.channel, frame.symbol, frame.sendTime], [deals, "BTCUSDT", marketNow])
      assert.deepStrictEqual(frame.publicAggreDeals, {
        eventType: "spot@public.aggre.deals.v3.api.pb@100ms",
        deals: [
          { price: "95761", quantity: "0.015", tradeType: 2, time: marketNow - 5, tradeId: "t1" },
          { price: "95760.5", quantity: "0.015", tradeType: 2, time: marketNow - 5, tradeId: "t2" }
        ]
      })
    })
  )

  it.scopedLive("merge book changes into one delta, and the next continues its versions", () =>
    Effect.gen(function* () {
      const { port, tell } = yield* setUp
      const client = yield* connect(port)
      yield* client.subscribe(depth)
      yield* tell(
        delta(41n, [
          ["95000", "1"],
          ["94999", "3"]
        ]),
        delta(42n, [["95000", "0"]])
      )
      const first = (yield* client.frame).publicAggreDepths
      assert.deepStrictEqual([first?.fromVersion, first?.toVersion], ["41", "42"])
      assert.deepStrictEqual(first?.bids, [
        { price: "95000", quantity: "0" },
        { price: "94999", quantity: "3" }
      ])
      yield* tell(delta(43n, [["95000", "2"]]))
      const second = (yield* client.frame).publicAggreDepths
      assert.deepStrictEqual([second?.fromVersion, second?.toVersion], ["43", "43"])
    })
  )

  it.scopedLive("give the newest best prices only, to every subscriber, and nothing after unsubscribing", () =>
    Effect.gen(function* () {
      const { port, tell } = yield* setUp
      const [first, second] = [yield* connect(port), yield* connect(port)]
      for (const client of [first, second]) yield* client.subscribe(bookTicker)
      yield* tell(best("95000", 1n), best("95001", 2n))
      for (const client of [first, second])
        assert.strictEqual((yield* client.frame).publicAggreBookTicker?.bidPrice, "95001")
      yield* first.say({ method: "UNSUBSCRIPTION", params: [bookTicker] })
      yield* first.answer
      yield* tell(best("95002", 3n))
      assert.strictEqual((yield* second.frame).publicAggreBookTicker?.version, "3")
      yield* first.say({ method: "PING" })
      assert.include(yield* first.answer, "PONG")
    })
  )

  it.scopedLive("show the whole top of the book on a limit depth channel", () =>
    Effect.gen(function* () {
      const { port, tell } = yield* setUp
      const client = yield* connect(port)
      yield* client.subscribe("spot@public.limit.depth.v3.api.pb@BTCUSDT@5")
      yield* tell(delta(7n, [["9", "1"]]))
      const frame = yield* client.frame
      assert.strictEqual(frame.publicLimitDepths?.version, "7")
      assert.strictEqual(frame.publicLimitDepths?.eventType, "spot@public.limit.depth.v3.api.pb")
    })
  )
})

describe("private pushes", () => {
  it.scopedLive("tell the owner of a listen key of orders, deals and balances, and nobody else", () =>
    Effect.gen(function* () {
      const { keys, port, tell } = yield* setUp
      keys.set("other-key", "acc_2")
      const owner = yield* connect(port, "?listenKey=good-key")
      const other = yield* connect(port, "?listenKey=other-key")
      for (const client of [owner, other]) yield* client.subscribe(orders, ownDeals, account)
      yield* tell(...privateEvents)
      const order = yield* owner.frame
      assert.deepStrictEqual([order.channel, order.symbol, order.sendTime], [orders, "BTCUSDT", marketNow])
      assert.deepInclude(order.privateOrders, {
        id: "C02__1",
        clientId: "dpabc",
        amount: "0",
        avgPrice: "94950",
        orderType: 3,
        tradeType: 1,
        status: 2,
        cumulativeQuantity: "0.002",
        cumulativeAmount: "189.9",
        remainQuantity: "0",
        createTime: marketNow - 20
      })
      const deal = yield* owner.frame
      assert.deepInclude(deal.privateDeals, { tradeId: "1X1", amount: "189.9", feeAmount: "0.09495", isMaker: false })
      const balance = yield* owner.frame
      assert.isUndefined(balance.symbol)
      assert.deepInclude(balance.privateAccount, {
        vcoinName: "USDT",
        balanceAmount: "9810.00505",
        balanceAmountChange: "-189.99495",
        frozenAmount: "0",
        type: "ENTRUST"
      })
      yield* other.say({ method: "PING" })
      assert.include(yield* other.answer, "PONG")
    })
  )

  it.scopedLive("need a valid listen key, which five connections may share", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const stranger = yield* connect(port, "?listenKey=wrong")
      assert.strictEqual(yield* stranger.answer, "Invalid listen key")
      assert.include(yield* stranger.subscribe(orders), "Blocked")
      for (let i = 0; i < 5; i++)
        assert.include(yield* (yield* connect(port, "?listenKey=good-key")).subscribe(orders), orders)
      assert.strictEqual(yield* (yield* connect(port, "?listenKey=good-key")).answer, "Invalid listen key")
    })
  )
})

describe("connections end as the venue ends them", () => {
  it.scoped("after 30 s without a subscription, and 60 s without traffic", () =>
    Effect.gen(function* () {
      const { port } = yield* setUp
      const [idle, silent, alive] = [yield* connect(port), yield* connect(port), yield* connect(port)]
      yield* silent.subscribe(deals)
      yield* alive.subscribe(deals)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(yield* idle.closed, 1_000)
      yield* alive.say({ method: "PING" })
      yield* alive.answer
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(yield* silent.closed, 1_000)
      yield* alive.say({ method: "PING" })
      assert.include(yield* alive.answer, "PONG")
    })
  )

  it.scoped("and a listen key that ended ends the pushes without a word", () =>
    Effect.gen(function* () {
      const { keys, port, tell } = yield* setUp
      const owner = yield* connect(port, "?listenKey=good-key")
      yield* owner.subscribe(orders)
      keys.delete("good-key")
      yield* TestClock.adjust("2 seconds")
      yield* tell(...privateEvents)
      yield* owner.say({ method: "PING" })
      assert.include(yield* owner.answer, "PONG")
    })
  )

  it.scopedLive("a reader who never reads is cut off instead of filling the memory", () =>
    Effect.gen(function* () {
      const { port, tell } = yield* setUp
      const client = yield* connect(port)
      yield* client.subscribe("spot@public.aggre.deals.v3.api.pb@10ms@BTCUSDT")
      client.socket.pause()
      const many = Array.from({ length: 20_000 }, (_, i) => trade("95761", `t${i}`))
      const flood = Effect.forever(Effect.zipRight(tell(...many), Effect.sleep("15 millis")))
      yield* Effect.forkScoped(flood)
      yield* Effect.async<void>((resume) => {
        const probe = setInterval(() => client.socket.ping(() => undefined), 50)
        client.socket.once("close", () => resume(Effect.void))
        return Effect.sync(() => clearInterval(probe))
      }).pipe(Effect.timeout("20 seconds"))
    })
  )
})
