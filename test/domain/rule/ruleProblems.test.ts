import { assert, describe, it } from "@effect/vitest"
import { Either, ParseResult, Schema } from "effect"
import { RuleDocument, RuleRequest } from "../../../src/domain/Rule.ts"
import { ruleProblems } from "../../../src/domain/rule/ruleProblems.ts"
import { at, body, d, document, symbolInfo } from "./fixtures.ts"

const now = at("2026-03-01T09:00:00Z")
const context = { symbol: symbolInfo, ask: d("100000"), now, createdAt: now }
const paths = (changes: Readonly<Record<string, unknown>>, other: Partial<typeof context> | { symbol: null } = {}) =>
  ruleProblems(document(changes), { ...context, ...other }).map((problem) => problem.path)

describe("a rule that cannot work is told all that is wrong with it", () => {
  const wrong: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>, ReadonlyArray<string>]> = [
    ["no cap at all", { limits: {} }, ["limits"]],
    [
      "no day",
      { trigger: { type: "schedule.calendar", on: { type: "weekly", days: [] }, at: ["09:00"] } },
      ["trigger.on.days"]
    ],
    ["no time", { trigger: { type: "schedule.calendar", on: { type: "daily" }, at: [] } }, ["trigger.at"]],
    ["an unknown time zone", { timezone: "Mars/Olympus" }, ["timezone"]],
    ["an end in the past", { endAt: "2026-02-01T00:00:00Z" }, ["endAt"]],
    ["an end before the start", { startAt: "2026-04-02T00:00:00Z", endAt: "2026-04-01T00:00:00Z" }, ["endAt"]],
    [
      "an end before the first run",
      {
        trigger: { type: "schedule.calendar", on: { type: "monthly", days: [28] }, at: ["09:00"] },
        endAt: "2026-03-20T00:00:00Z"
      },
      ["endAt"]
    ],
    ["a size below the minimum", { size: { type: "quote", amount: "0.5" } }, ["size.amount"]],
    ["a size that rounds to less than the minimum", { size: { type: "quote", amount: "1" } }, ["size.amount"]],
    ["a base size below the minimum", { size: { type: "base", quantity: "0.000001" } }, ["size.quantity"]],
    ["a base size that no cap holds", { size: { type: "base", quantity: "0.1" } }, ["limits.total"]],
    ["a cap below one buy", { limits: { perDay: "49" } }, ["limits.perDay"]],
    ["a slippage of zero", { execution: { type: "protectedMarket", maxSlippageBps: 0 } }, ["execution.maxSlippageBps"]],
    [
      "a slippage above ten percent",
      { execution: { type: "protectedMarket", maxSlippageBps: 1001 } },
      ["execution.maxSlippageBps"]
    ],
    ["a price bound on a market order", { execution: { type: "market" }, maxPrice: "1" }, ["maxPrice"]],
    ["a maxPrice below the tick", { maxPrice: "0.01" }, ["maxPrice"]],
    ["an interval of nothing", { trigger: { type: "schedule.every", every: "PT0S" } }, ["trigger.every"]],
    [
      "a drop of everything",
      { trigger: { type: "price.drop", percent: "100", from: { type: "fixed", price: "1" } } },
      ["trigger.percent"]
    ],
    ["an empty price range", { gates: [{ type: "priceBetween", min: "2", max: "1" }] }, ["gates.0.min"]],
    [
      "several faults at once",
      { timezone: "x", limits: { perDay: "1" }, execution: { type: "protectedMarket", maxSlippageBps: 0 } },
      ["timezone", "execution.maxSlippageBps", "limits.perDay"]
    ]
  ]
  for (const [name, changes, expected] of wrong) it(name, () => assert.deepStrictEqual(paths(changes), expected))
  it("an unknown symbol", () => assert.deepStrictEqual(paths({}, { symbol: null }), ["symbol"]))
  it("a size below the minimum without a known price", () =>
    assert.deepStrictEqual(
      ruleProblems(document({ size: { type: "quote", amount: "0.5" } }), { ...context, ask: null }).map((p) => p.path),
      ["size.amount"]
    ))
  const ladder = { count: 2, stepPercent: "1", sizeScale: "2" }
  const target = { takeProfit: [{ gainPercent: "3" }] }
  const wrongNow: typeof wrong = [
    ["a total below the worst case of a ladder", { ladder, limits: { total: "349.99" } }, ["limits.total"]],
    ["a ladder that just fits its total", { ladder, limits: { total: "350" } }, []],
    [
      "levels that do not fall",
      { ladder: { levels: [{ offsetPercent: "2" }, { offsetPercent: "2" }] } },
      ["ladder.levels.1.offsetPercent"]
    ],
    [
      "a level at no price at all",
      { ladder: { levels: [{ offsetPercent: "100" }] } },
      ["ladder.levels.0.offsetPercent"]
    ],
    [
      "a level too small for the venue",
      { ladder: { levels: [{ offsetPercent: "1", sizeMultiplier: "0.01" }] } },
      ["ladder.levels.0.sizeMultiplier"]
    ],
    [
      "a ladder on a share without a maximum",
      { ladder, size: { type: "percentOfFreeQuote", percent: "10" } },
      ["size.max"]
    ],
    ["a ladder that also adds", { ladder, exit: target, cycle: { whileOpen: "add" } }, ["cycle.whileOpen"]],
    ["an exit of nothing", { exit: {} }, ["exit"]],
    [
      "more closed than there is",
      {
        exit: {
          takeProfit: [
            { gainPercent: "1", closePercent: "60" },
            { gainPercent: "2", closePercent: "40.01" }
          ]
        }
      },
      ["exit.takeProfit"]
    ],
    ["a stop at nothing", { exit: { stopLoss: { lossPercent: "100" } } }, ["exit.stopLoss.lossPercent"]],
    [
      "an escalation that ends below its start",
      { exit: { ...target, execution: { maxSlippageBps: 90, escalate: { every: "PT0S", stepBps: 10, maxBps: 80 } } } },
      ["exit.execution.escalate.maxBps", "exit.execution.escalate.every"]
    ],
    ["a restart without an exit", { cycle: { afterExit: "restart" } }, ["cycle.afterExit"]],
    ["cycles without any", { cycle: { maxCycles: 2 } }, ["cycle.maxCycles"]],
    [
      "value averaging without a schedule",
      { size: { type: "valueAveraging", start: "0", growth: "20", max: "50" } },
      ["size.type"]
    ],
    ["a share of more than all", { size: { type: "percentOfFreeQuote", percent: "101" } }, ["size.percent"]],
    [
      "a window without a day",
      { gates: [{ type: "timeWindow", days: [], from: "09:00", to: "10:00" }] },
      ["gates.0.days"]
    ],
    [
      "a trailing buy after the fall to nothing",
      {
        trigger: {
          type: "price.rebound",
          from: { type: "highOf", window: "P31D" },
          afterDropPercent: "100",
          reboundPercent: "1",
          expireAfter: "PT0S"
        }
      },
      ["trigger.afterDropPercent", "trigger.from.window", "trigger.expireAfter"]
    ],
    [
      "a waiting limit without time",
      { execution: { type: "limit", offsetPercent: "100", ttl: "PT0S" } },
      ["execution.offsetPercent", "execution.ttl"]
    ],
    ["a new listing without a price", { trigger: { type: "listing.tradable" } }, ["maxPrice"]]
  ]
  for (const [what, changes, expected] of wrongNow) it(what, () => assert.deepStrictEqual(paths(changes), expected))
  it("a new listing may be unknown to the venue", () => {
    const listing = { symbol: "BTCUSDT", trigger: { type: "listing.tradable" }, maxPrice: "1" }
    assert.deepStrictEqual(paths(listing, { symbol: null }), [])
    assert.deepStrictEqual(paths({}, { symbol: null }), ["symbol"])
  })
  it("and nothing when all is well", () => assert.deepStrictEqual(paths({}), []))
})

describe("the body of a rule", () => {
  const decode = (json: unknown) => Schema.decodeUnknownEither(RuleRequest)(json)
  const faults = (json: unknown) => {
    const decoded = decode(json)
    if (Either.isRight(decoded)) return []
    return ParseResult.ArrayFormatter.formatErrorSync(decoded.left).map(
      (issue) => `${issue.path.join(".")}: ${issue.message}`
    )
  }
  it("fills every default in", () => {
    const decoded = decode(body())
    assert.isTrue(Either.isRight(decoded))
    if (Either.isRight(decoded)) {
      const shown = Schema.encodeSync(RuleRequest)(decoded.right)
      assert.deepStrictEqual(shown.execution, { type: "protectedMarket", maxSlippageBps: 50 })
      assert.deepStrictEqual(shown.onMissedRun, { type: "runOnce", maxLate: "PT12H" })
      assert.deepStrictEqual(shown.onFailure, { maxConsecutive: 5, then: "pause" })
      assert.strictEqual(shown.limits?.cooldown, "PT0S")
      assert.strictEqual(shown.timezone, "UTC")
    }
  })
  it("an interval catches up for five minutes only", () => {
    const decoded = Schema.decodeUnknownSync(RuleRequest)(body({ trigger: { type: "schedule.every", every: "PT1H" } }))
    assert.deepStrictEqual(Schema.encodeSync(RuleRequest)(decoded).onMissedRun, { type: "runOnce", maxLate: "PT5M" })
  })
  it("a trigger of a later version is called so", () => {
    assert.match(
      faults(body({ trigger: { type: "indicator", condition: {} } }))[0] ?? "",
      /^trigger: `indicator` is not available in this version/
    )
    assert.match(
      faults(body({ trigger: { type: "allocation.below" } }))[0] ?? "",
      /^trigger: `allocation.below` is not available in this version/
    )
    for (const type of ["percentOfEquity", "toTargetWeight"])
      assert.match(faults(body({ size: { type } }))[0] ?? "", /^size: `\w+` is not available in this version/)
    assert.match(faults(body({ gates: [{ type: "condition" }] }))[0] ?? "", /^gates.0: `condition` is not available/)
  })
  it("a mistyped name is answered with the closest known one", () => {
    assert.match(
      faults(body({ trigger: { type: "moon" } }))[0] ?? "",
      /^trigger: unknown type `moon`; use one of: schedule.every/
    )
    assert.match(
      faults(body({ trigger: { type: "price.dorp" } }))[0] ?? "",
      /^trigger: unknown type `price.dorp`, did you mean `price.drop`\?/
    )
    assert.match(
      faults(body({ size: { type: "valueAverage" } }))[0] ?? "",
      /^size: unknown type `valueAverage`, did you mean `valueAveraging`\?/
    )
  })
  it("reads what earlier versions stored", () => {
    const stored = {
      ...body(),
      name: "",
      note: null,
      tags: [],
      mode: "trade",
      gates: [],
      waitForGates: null,
      maxPrice: null,
      ladder: null,
      exit: null,
      limits: { total: "1000", cooldown: "PT0S", maxPositionQuote: null, maxOpenOrders: null },
      cycle: { afterExit: "complete", cooldown: "PT0S", maxCycles: null, whileOpen: "ignore" }
    }
    const read = Schema.decodeUnknownSync(RuleDocument)(stored)
    assert.deepStrictEqual(Schema.encodeSync(RuleDocument)(read), Schema.encodeSync(RuleDocument)(document()))
  })
  for (const amount of ["", "1e5", "-1", "0", "0.1234567890123456789", 5, null])
    it(`refuses the amount ${JSON.stringify(amount)}`, () =>
      assert.isTrue(
        faults(body({ size: { type: "quote", amount } })).every((fault) => fault.startsWith("size.amount: "))
      ))
  it("takes a ladder in one of its two forms", () => {
    const step = { stepPercent: "2" }
    assert.match(faults(body({ ladder: { ...step } }))[0] ?? "", /^ladder.count: is missing/)
    assert.match(faults(body({ ladder: { count: 3 } }))[0] ?? "", /^ladder.stepPercent: is missing/)
    assert.match(faults(body({ ladder: {} }))[0] ?? "", /^ladder: give either `levels` or `count` with `stepPercent`/)
    const both = { ...step, count: 3, levels: [{ offsetPercent: "1" }] }
    assert.match(faults(body({ ladder: both }))[0] ?? "", /^ladder.count: give either/)
    assert.match(faults(body({ ladder: { count: 51, ...step } }))[0] ?? "", /^ladder.count: /)
  })
  it("waits for its gates where a firing comes once, unless told otherwise", () => {
    const waits = (changes: Readonly<Record<string, unknown>>) =>
      Schema.encodeSync(RuleRequest)(Schema.decodeUnknownSync(RuleRequest)(body(changes)))
    assert.strictEqual(waits({ trigger: { type: "schedule.every", every: "PT1H" } }).waitForGates, "PT10M")
    assert.strictEqual(waits({ trigger: { type: "listing.tradable" } }).waitForGates, "PT10M")
    assert.strictEqual(waits({}).waitForGates, "PT0S")
    assert.strictEqual(waits({ waitForGates: "PT1M" }).waitForGates, "PT1M")
  })
  it("refuses unknown fields at every depth", () => {
    assert.match(faults(body({ colour: "red" }))[0] ?? "", /^colour: is unexpected/)
    assert.match(faults(body({ limits: { total: "1", perHour: "1" } }))[0] ?? "", /^limits.perHour: is unexpected/)
  })
})
