import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { type Exchange, Gate, type GateOptions } from "../../../src/http/gate/Gate.ts"
import { type Route, Routes } from "../../../src/http/gate/Routes.ts"
import { ranks } from "../../../src/http/gate/traffic.ts"
import { plainRoutes } from "../../../src/http/HttpGate.ts"

const routes = new Routes(plainRoutes)

const named = (operation: string): Route => {
  const found = routes.all.find((route) => route.operation === operation)
  assert.isDefined(found, operation)
  return found
}
const ofRank = { lists: "listOrders", reads: "getOrder", edits: "createRule", orders: "placeOrder", stops: "setHalt" }

/** Each request comes in a turn of its own. */
const makeGate = (options: Partial<GateOptions> = {}) =>
  new Gate({
    routes: routes.all,
    ratePerMinute: 600,
    instance: "i",
    authenticate: () => undefined,
    afterTurn: (run) => run(),
    ...options
  })

const enter = (gate: Gate, operation: string, address = "192.0.2.1", now = 0): Exchange => {
  const x = gate.enter(undefined, address, now)
  x.route = named(operation)
  return x
}

/** As the listener does it: the service's load, the user's quotas, the user's places. */
const admits = (gate: Gate, user: string, operation: string, now = 0) => {
  const x = enter(gate, operation, "192.0.2.1", now)
  if (!gate.overloaded(x) && gate.limitUser(x, user) && gate.hold(x, user)) return x
  gate.leave(x, 503, now)
  return null
}

const grants = (gate: Gate, user: string, operation: string, asked: number, now = 0) => {
  let granted = 0
  for (let i = 0; i < asked; i++) {
    const x = admits(gate, user, operation, now)
    if (x === null) continue
    granted++
    gate.leave(x, 200, now)
  }
  return granted
}

describe("A class of requests", () => {
  it.each([
    ["getTicker", 60, 20],
    ["getWallet", 60, 10],
    ["placeOrder", 30, 5],
    ["createRule", 500, 1],
    ["setCredentials", 10, 0],
    ["cancelOrder", 600, 10]
  ])("%s: %i come at once, then %i a second", (operation, burst, perSecond) => {
    const gate = makeGate({ ratePerMinute: 600 })
    assert.strictEqual(grants(gate, "ann", operation, 1_000), burst)
    assert.strictEqual(grants(gate, "ann", operation, 1_000, 1_000), perSecond)
    assert.strictEqual(grants(gate, "bob", operation, 1_000, 1_000), burst)
  })

  it("grows with the overall quota, and never shrinks below its own", () => {
    assert.strictEqual(grants(makeGate({ ratePerMinute: 6_000 }), "ann", "placeOrder", 1_000), 300)
    assert.strictEqual(grants(makeGate({ ratePerMinute: 60 }), "ann", "getOrder", 1_000), 60)
    assert.strictEqual(grants(makeGate({ ratePerMinute: 60 }), "ann", "createRule", 1_000), 60)
  })

  it("that is refused takes nothing from the overall quota, and the other way round", () => {
    const gate = makeGate({ ratePerMinute: 600 })
    grants(gate, "ann", "placeOrder", 1_000)
    const x = enter(gate, "getOrder")
    gate.limitUser(x, "ann")
    assert.strictEqual(x.standings[0]?.remaining, 569)
  })

  it("lets a user stop things however many reads, orders and edits are refused", () => {
    const gate = makeGate({ ratePerMinute: 60 })
    for (const operation of ["getOrder", "getTicker", "placeOrder", "createRule", "setCredentials"]) {
      grants(gate, "ann", operation, 1_000)
      assert.strictEqual(grants(gate, "ann", operation, 1), 0, operation)
    }
    for (const operation of ["cancelOrder", "cancelOrders", "setHalt", "pauseRule", "revokeKey", "deleteCredentials"]) {
      assert.strictEqual(grants(gate, "ann", operation, 1), 1, operation)
    }
  })
})

describe("Who is not known", () => {
  it("is counted by address, and a network of IPv6 is one", () => {
    const gate = makeGate({ ratePerMinute: 1 })
    const allowed = (address: string) => gate.limitAddress(gate.enter(undefined, address, 0))
    assert.deepStrictEqual(
      ["2001:db8:0:1::1", "2001:0db8::1:ffff:0:0:9", "2001:db8:0:2::1", "::ffff:192.0.2.9", "192.0.2.9"].map(allowed),
      [true, false, true, true, false]
    )
    const refused = (address: string) => gate.refused(gate.enter(undefined, address, 0))
    const guesses = Array.from({ length: 21 }, (_, i) => refused(`2001:db8:0:5::${i}`))
    assert.deepStrictEqual(guesses.indexOf(true), 20)
  })

  it("cannot spend what a user has, nor be remembered for ever", () => {
    const gate = makeGate({ ratePerMinute: 60 })
    grants(gate, "ann", "getOrder", 60)
    for (let i = 0; i < 30_000; i++) gate.limitAddress(gate.enter(undefined, `198.51.${i >> 8}.${i & 255}`, 0))
    assert.strictEqual(grants(gate, "ann", "getOrder", 1), 0)
  })
})

describe("A user", () => {
  it("has twenty requests under way, and ten more that stop something", () => {
    const gate = makeGate({ ratePerMinute: 100_000 })
    const held = Array.from({ length: 25 }, () => admits(gate, "ann", "placeOrder")).filter((x) => x !== null)
    assert.strictEqual(held.length, 20)
    const stops = Array.from({ length: 25 }, () => admits(gate, "ann", "cancelOrder")).filter((x) => x !== null)
    assert.strictEqual(stops.length, 10)
    assert.isNotNull(admits(gate, "bob", "getOrder"))
    for (const x of [...held, ...stops]) gate.leave(x, 200, 0)
    assert.isNotNull(admits(gate, "ann", "getOrder"))
  })

  it("gives a place back when the answer becomes a stream", () => {
    const gate = makeGate({ ratePerMinute: 100_000, maxActivePerUser: 1 })
    const x = admits(gate, "ann", "listEvents")
    assert.isNotNull(x)
    assert.isNull(admits(gate, "ann", "listEvents"))
    const end = gate.stream(x, () => {})
    assert.isNotNull(admits(gate, "ann", "listEvents"))
    end()
    gate.leave(x, 200, 0)
    assert.strictEqual(gate.active, 1)
  })
})

describe("An overloaded service", () => {
  const served = (gate: Gate, now = 0) =>
    ranks.filter((rank) => !gate.overloaded(enter(gate, ofRank[rank], "192.0.2.1", now)))

  it.each([
    [10, ["lists", "reads", "edits", "orders", "stops"]],
    [55, ["reads", "edits", "orders", "stops"]],
    [75, ["edits", "orders", "stops"]],
    [87, ["orders", "stops"]],
    [95, ["stops"]],
    [120, []]
  ])("with %i of 100 places taken serves %j", (taken, expected) => {
    const gate = makeGate({ maxActive: 100 })
    for (let i = 0; i < taken; i++) gate.enter(undefined, "192.0.2.1", 0)
    assert.deepStrictEqual(
      ranks.filter((rank) => {
        const x = enter(gate, ofRank[rank])
        const refused = gate.overloaded(x)
        gate.leave(x, 503, 0)
        return !refused
      }),
      expected
    )
  })

  it.each([
    [490, ["lists", "reads", "edits", "orders", "stops"]],
    [510, ["reads", "edits", "orders", "stops"]],
    [1_100, ["edits", "orders", "stops"]],
    [2_100, ["orders", "stops"]]
  ])("that is %i ms late for two seconds serves %j, and all after one good second", (late, expected) => {
    const gate = makeGate()
    gate.load.observe(late)
    assert.deepStrictEqual(served(gate), [...ranks], "a single pause")
    gate.load.observe(late)
    assert.deepStrictEqual(served(gate), expected)
    gate.load.observe(20)
    assert.deepStrictEqual(served(gate), [...ranks])
  })

  it.each([
    [50, ["lists", "reads", "edits", "orders", "stops"]],
    [51, ["reads", "edits", "orders", "stops"]],
    [101, ["edits", "orders", "stops"]],
    [201, ["orders", "stops"]]
  ])("that has served what came at once for %i ms serves %j, and all in its next turn", (ms, expected) => {
    let end = () => {}
    const gate = makeGate({ afterTurn: (run) => (end = run) })
    assert.deepStrictEqual(served(gate, 1_000), [...ranks])
    assert.deepStrictEqual(served(gate, 1_000 + ms), expected)
    end()
    assert.deepStrictEqual(served(gate, 1_000 + ms), [...ranks])
  })

  it("knows the turns of the event loop", async () => {
    const gate = makeGate({ afterTurn: setImmediate })
    assert.deepStrictEqual(served(gate), [...ranks])
    await Promise.resolve()
    assert.deepStrictEqual(served(gate, 90), ["reads", "edits", "orders", "stops"])
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepStrictEqual(served(gate, 90), [...ranks])
  })

  it("refuses what would have to wait behind too many, but not what passes the line", () => {
    const gate = makeGate({ afterTurn: () => {} })
    const wait = (rank: "lists" | "reads", times: number) => {
      for (let i = 0; i < times; i++) gate.line.enter(rank, () => {})
    }
    wait("lists", 20)
    assert.deepStrictEqual(served(gate), [...ranks])
    wait("lists", 1)
    assert.deepStrictEqual(served(gate), ["reads", "edits", "orders", "stops"])
    wait("reads", 50)
    assert.deepStrictEqual(served(gate), ["edits", "orders", "stops"])
    assert.isFalse(gate.overloaded(enter(gate, "getTicker")))
  })

  it("always answers who looks whether it lives", () => {
    const gate = makeGate({ maxActive: 1 })
    for (let i = 0; i < 100; i++) gate.enter(undefined, "192.0.2.1", 0)
    for (const operation of ["getLiveness", "getReadiness", "getStatus", "metrics"]) {
      const x = enter(gate, operation)
      assert.isFalse(gate.overloaded(x), operation)
      for (let i = 0; i < 50; i++) assert.isTrue(gate.hold(enter(gate, operation), "address 192.0.2.1"))
    }
  })
})

describe("However requests come and go", () => {
  const step = fc.record({
    user: fc.constantFrom("ann", "bob", "eve", "dan"),
    operation: fc.constantFrom(...Object.values(ofRank)),
    /** Ends one of those under way instead. */
    ends: fc.option(fc.nat()),
    wait: fc.integer({ min: 0, max: 200 }),
    turns: fc.boolean()
  })

  it("no place is lost, nobody has more than a share, and what is served outranks what is refused", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        let turn = () => {}
        const afterTurn = (run: () => void) => (turn = run)
        const gate = makeGate({ maxActive: 24, maxActivePerUser: 8, ratePerMinute: 1_000_000, afterTurn })
        const underWay: Array<{ readonly user: string; readonly x: Exchange }> = []
        let now = 0
        for (const { ends, operation, turns, user, wait } of steps) {
          now += wait
          if (turns) turn()
          const [ending] = ends === null || underWay.length === 0 ? [] : underWay.splice(ends % underWay.length, 1)
          if (ending !== undefined) {
            gate.leave(ending.x, 200, now)
            gate.leave(ending.x, 200, now)
          } else {
            const x = admits(gate, user, operation, now)
            if (x !== null) underWay.push({ user, x })
          }
          assert.strictEqual(gate.active, underWay.length)
          assert.isAtMost(gate.active, 24)
          for (const one of ["ann", "bob", "eve", "dan"]) {
            assert.isAtMost(underWay.filter((held) => held.user === one).length, 12)
          }
          const refused = ranks.map((rank) => {
            const x = enter(gate, ofRank[rank], "192.0.2.1", now)
            const overloaded = gate.overloaded(x)
            gate.leave(x, 503, now)
            return overloaded
          })
          // Once a rank is served, all after it are.
          assert.isFalse(refused.lastIndexOf(true) > refused.indexOf(false) && refused.includes(false), String(refused))
        }
        for (const { x } of underWay) gate.leave(x, 200, now)
        assert.strictEqual(gate.active, 0)
        turn()
        for (const user of ["ann", "bob", "eve", "dan"]) assert.strictEqual(grants(gate, user, "getOrder", 1, now), 1)
      })
    )
  })
})

describe("Each route", () => {
  it("has a rank and a class", () => {
    const table = (key: "rank" | "rateClass", value: string | null) =>
      routes.all
        .filter((route) => route[key] === value && route.operation !== "receiveClerkWebhook")
        .map(({ operation }) => operation)
    assert.deepStrictEqual(table("rank", null), ["getStatus", "getLiveness", "getReadiness", "metrics"])
    assert.deepStrictEqual(table("rank", "stops"), table("rateClass", "stops"))
    assert.deepStrictEqual(table("rank", "orders"), table("rateClass", "orders"))
    assert.deepStrictEqual(table("rateClass", "orders"), [
      "placeOrder",
      "resolveOrder",
      "closePosition",
      "runRule",
      "receiveSignal"
    ])
    for (const { method, operation, rateClass, scope } of routes.all) {
      const reads = rateClass === "market" || rateClass === "account"
      const harmless = method === "GET" || scope === "read" || operation === "createStreamTicket"
      assert.strictEqual(reads, harmless, operation)
    }
  })
})
