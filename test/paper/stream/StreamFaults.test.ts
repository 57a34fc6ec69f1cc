import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { account, alice, bob, clients, type Json } from "../kit/SignedClient.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { connect } from "../kit/streamKit.ts"

const orders = "spot@private.orders.v3.api.pb"
const balances = "spot@private.account.v3.api.pb"
const deals = "spot@public.aggre.deals.v3.api.pb@10ms@BTCUSDT"
const depth = "spot@public.aggre.depth.v3.api.pb@10ms@BTCUSDT"

const exchange = PaperExchange.layer({
  ...roomyExchange,
  accounts: [account(alice, { USDT: "100000" }), account(bob, { USDT: "100000" })]
})

let placed = 0

const setUp = Effect.gen(function* () {
  const { alice: owner, bob: other, port } = yield* clients
  yield* owner.control("DELETE", "/paper/v1/faults")
  yield* owner.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
  const keyOf = (client: typeof owner) =>
    Effect.map(client.signed("POST", "/api/v3/userDataStream"), ({ body }) => String(body.listenKey))
  const open = (client: typeof owner, ...channels: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const stream = yield* connect(port, `?listenKey=${yield* keyOf(client)}`)
      assert.notInclude(yield* stream.subscribe(...channels), "Blocked")
      return stream
    })
  const fault = (...faults: ReadonlyArray<object>) => owner.control("POST", "/paper/v1/faults", { faults })
  const fired = (type: string) =>
    Effect.map(
      owner.raw("GET", "/paper/v1/faults"),
      ({ body }): number => body.faults.find((each: Json) => each.type === type).fired
    )
  /** How often it happens meanwhile. */
  const counted = <A, E, R>(type: string, effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const before = yield* fired(type)
      yield* effect
      return (yield* fired(type)) - before
    })
  /** Places an order far from the market and answers its id at the client. */
  const place = (client: typeof owner) => {
    const newClientOrderId = `fault${++placed}`
    const order = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", price: "45000", quantity: "0.001", newClientOrderId }
    return Effect.as(client.signed("POST", "/api/v3/order", order), newClientOrderId)
  }
  const trade = (price: string) =>
    owner.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price, quantity: "0.01" })
  return { owner, other, port, open, fault, counted, place, trade }
})

layer(exchange, { excludeTestServices: true })("a planned fault of the stream", (it) => {
  it.scoped("keeps a push back, from the account it names only", () =>
    Effect.gen(function* () {
      const { counted, fault, open, other, owner, place } = yield* setUp
      const [mine, theirs] = [yield* open(owner, orders), yield* open(other, orders)]
      const times = yield* counted(
        "missingPush",
        Effect.gen(function* () {
          yield* fault({ type: "missingPush", channel: "spot@private.orders", account: alice.accessKey, count: 1 })
          const untouched = yield* place(other)
          assert.strictEqual((yield* theirs.frame).privateOrders?.clientId, untouched)
          yield* place(owner)
          const second = yield* place(owner)
          assert.strictEqual((yield* mine.frame).privateOrders?.clientId, second)
        })
      )
      assert.strictEqual(times, 1)
    })
  )

  it.scoped("sends a public push twice", () =>
    Effect.gen(function* () {
      const { counted, fault, open, owner, trade } = yield* setUp
      const stream = yield* open(owner, deals)
      const times = yield* counted(
        "duplicatePush",
        Effect.gen(function* () {
          yield* fault({ type: "duplicatePush", channel: "spot@public.aggre.deals", symbol: "BTCUSDT" })
          yield* trade("50001")
          assert.deepStrictEqual(yield* stream.frame, yield* stream.frame)
          yield* trade("50002")
          assert.strictEqual((yield* stream.frame).publicAggreDeals?.deals[0]?.price, "50002")
        })
      )
      assert.strictEqual(times, 1)
    })
  )

  it.scoped("lets a push be overtaken by the next one, private across channels and public within one", () =>
    Effect.gen(function* () {
      const { counted, fault, open, owner, place } = yield* setUp
      const stream = yield* open(owner, orders, balances)
      yield* place(owner)
      const usual = [(yield* stream.frame).channel, (yield* stream.frame).channel]
      assert.sameMembers(usual, [orders, balances])
      const [first = ""] = usual
      const times = yield* counted(
        "reorderPush",
        Effect.gen(function* () {
          yield* fault({ type: "reorderPush", channel: first })
          yield* place(owner)
          assert.deepStrictEqual([(yield* stream.frame).channel, (yield* stream.frame).channel], usual.toReversed())
        })
      )
      assert.strictEqual(times, 1)

      const book = yield* open(owner, depth)
      const from = (yield* book.frame).publicAggreDepths?.fromVersion ?? ""
      yield* fault({ type: "reorderPush", channel: "spot@public.aggre.depth" })
      const versions: Array<bigint> = [BigInt(from)]
      while (versions.length < 8) versions.push(BigInt((yield* book.frame).publicAggreDepths?.fromVersion ?? "0"))
      assert.lengthOf(
        versions.filter((version, i) => i > 0 && version < (versions[i - 1] ?? 0n)),
        1
      )
      const sorted = versions.toSorted((a, b) => Number(a - b))
      assert.deepStrictEqual(
        sorted,
        versions.map((_, i) => BigInt(from) + BigInt(i))
      )
    })
  )

  it.scoped("sends a push late, and others meanwhile", () =>
    Effect.gen(function* () {
      const { counted, fault, open, owner, place } = yield* setUp
      const stream = yield* open(owner, orders)
      const times = yield* counted(
        "latePush",
        Effect.gen(function* () {
          yield* fault({ type: "latePush", channel: "spot@private.orders", delayMs: 300 })
          const before = yield* Clock.currentTimeMillis
          const [late, prompt] = [yield* place(owner), yield* place(owner)]
          assert.strictEqual((yield* stream.frame).privateOrders?.clientId, prompt)
          assert.strictEqual((yield* stream.frame).privateOrders?.clientId, late)
          assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 295)
        })
      )
      assert.strictEqual(times, 1)
    })
  )

  it.scoped("makes a connection silent for a while, whatever it is asked", () =>
    Effect.gen(function* () {
      const { counted, fault, open, owner, place } = yield* setUp
      const stream = yield* open(owner, orders)
      const times = yield* counted(
        "silentStream",
        Effect.gen(function* () {
          yield* fault({ type: "silentStream", account: alice.accessKey, seconds: 0.7 })
          yield* stream.say({ method: "PING" })
          yield* place(owner)
          yield* Effect.sleep("800 millis")
          yield* stream.say({ method: "PING" })
          assert.include(yield* stream.answer, "PONG")
          const seen = yield* place(owner)
          assert.strictEqual((yield* stream.frame).privateOrders?.clientId, seen)
        })
      )
      assert.strictEqual(times, 1)
    })
  )

  it.scoped("leaves a connection open and dead: no push, no answer, no pong", () =>
    Effect.gen(function* () {
      const { counted, fault, open, owner, place } = yield* setUp
      const [dead, alive] = [yield* open(owner, orders), yield* open(owner, orders)]
      const pongs: Array<string> = []
      dead.socket.on("pong", (data: Buffer) => pongs.push(data.toString()))
      dead.socket.ping("before")
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => pongs.length > 0 })
      const times = yield* counted(
        "halfOpenStream",
        Effect.gen(function* () {
          yield* fault({ type: "halfOpenStream" })
          yield* dead.say({ method: "PING" })
          yield* dead.say({ method: "UNSUBSCRIPTION", params: [orders] })
          yield* Effect.sleep("100 millis")
          dead.socket.ping("after")
          const seen = yield* place(owner)
          assert.strictEqual((yield* alive.frame).privateOrders?.clientId, seen)
          yield* Effect.sleep("300 millis")
        })
      )
      assert.strictEqual(times, 1)
      assert.deepStrictEqual(pongs, ["before"])
      assert.strictEqual(dead.socket.readyState, dead.socket.OPEN)
      assert.strictEqual(yield* dead.heard.size, 0)
    })
  )

  it.scoped("ends a connection", () =>
    Effect.gen(function* () {
      const { counted, fault, open, owner, trade } = yield* setUp
      const stream = yield* open(owner, deals)
      const times = yield* counted(
        "dropStream",
        Effect.gen(function* () {
          yield* fault({ type: "dropStream", channel: "spot@public.aggre.deals" })
          yield* trade("50003")
          assert.strictEqual(yield* stream.closed, 1_006)
        })
      )
      assert.strictEqual(times, 1)
    })
  )

  it.scoped("kills listen keys without a word", () =>
    Effect.gen(function* () {
      const { counted, fault, open, other, owner, place } = yield* setUp
      const [dead, spared] = [yield* open(owner, orders), yield* open(other, orders)]
      const times = yield* counted(
        "listenKeyDeath",
        Effect.gen(function* () {
          yield* fault({ type: "listenKeyDeath", account: alice.accessKey })
          yield* place(owner)
          const seen = yield* place(other)
          assert.strictEqual((yield* spared.frame).privateOrders?.clientId, seen)
          yield* dead.say({ method: "PING" })
          assert.include(yield* dead.answer, "PONG")
        })
      )
      assert.strictEqual(times, 1)
      const again = yield* open(owner, orders)
      const seen = yield* place(owner)
      assert.strictEqual((yield* again.frame).privateOrders?.clientId, seen)
    })
  )
})
