import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { beforeAll } from "vitest"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { type FailPoint, failPoints } from "../../src/FailPoints.ts"
import { temporaryFolder } from "../kit/Process.ts"
import {
  client,
  createKey,
  eventually,
  paperExchange,
  type PaperProcess,
  ruleRequest,
  service
} from "../kit/Service.ts"

const root = join(import.meta.dirname, "../..")
const failing = join(root, ".cache/failing/failing.js")

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "scripts/build.mjs"), "test/kit/failing/failing.ts", ".cache/failing"])
}, 120_000)

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
type Api = Effect.Effect.Success<ReturnType<typeof client>>
type Trading = Api["trading"]
type Failure = Effect.Effect.Error<ReturnType<Trading["placeOrder"] | Trading["cancelOrder"] | Trading["createRule"]>>

/** What a person or the market does so that the service reaches the step; repeated after the restart where a person would. */
interface Story {
  /** In a service without fail points, before. */
  readonly before: (api: Api, paper: PaperProcess) => Effect.Effect<unknown, Failure>
  readonly act: (api: Api, paper: PaperProcess) => Effect.Effect<unknown, Failure>
  /** The same request again, as a client does that got no answer. */
  readonly again: (api: Api, paper: PaperProcess) => Effect.Effect<unknown, Failure>
  /** How many orders the exchange has taken in the end; null where the crash may have come too early for it. */
  readonly orders: number | null
}

const key = (name: string) => ({ "idempotency-key": `crash-point-${name}-0001` })
const order = (api: Api, name: string, price: string) =>
  api.trading.placeOrder({
    payload: {
      symbol,
      side: "buy",
      type: "limit",
      quantity: Decimal.unsafe("0.001"),
      price: Decimal.unsafe(price),
      waitMs: 500
    },
    headers: key(name)
  })

const rule = ruleRequest({
  symbol,
  trigger: { type: "price.level", side: "below", price: "50000" },
  size: { type: "quote", amount: "50" },
  limits: { total: "1000" }
})

const nothing = () => Effect.void

const resting = (api: Api) => order(api, "resting", "40000")

const stories: Readonly<Record<string, Story>> = {
  submit: {
    before: nothing,
    act: (api) => order(api, "submit", "61000"),
    again: (api) => order(api, "submit", "61000"),
    orders: 1
  },
  cancel: {
    before: resting,
    act: (api) => Effect.flatMap(resting(api), ({ id }) => api.trading.cancelOrder({ path: { id } })),
    again: (api) => Effect.flatMap(resting(api), ({ id }) => api.trading.cancelOrder({ path: { id } })),
    orders: 1
  },
  fill: {
    before: resting,
    act: (_, paper) => paper.price("BTCUSDT", "39000"),
    again: nothing,
    orders: 1
  },
  tick: {
    before: (api) => api.trading.createRule({ payload: rule, headers: key("rule") }),
    act: (_, paper) => paper.price("BTCUSDT", "49990", "0.001"),
    again: (_, paper) => paper.price("BTCUSDT", "49980", "0.001"),
    orders: 1
  }
}

/** After this the bytes may or may not have left: only the venue knows, and it has nothing to tell for ten minutes. */
const leavesUnknown = new Set<FailPoint>(["submit.sentAtCommitted"])

const text = Decimal.format
const isFinal = (status: string) => ["filled", "cancelled", "partiallyCancelled", "rejected"].includes(status)

/** The exchange's journal and our books tell the same story. */
const agree = Effect.fnUntraced(function* (api: Api, paper: PaperProcess, point: FailPoint, story: Story) {
  const { items } = yield* eventually(
    "every order's proven end",
    api.trading.listOrders({ urlParams: {} }),
    ({ items: orders }) =>
      orders.length >= (story.orders ?? 0) && orders.every(({ status }) => isFinal(status) || leavesUnknown.has(point))
  )
  const journal = yield* paper.journal
  const accepted = journal.filter((fact) => fact["_tag"] === "orderAccepted").map((fact) => fact["clientOrderId"])
  const placed = items
    .filter(({ exchangeOrderId }) => exchangeOrderId !== null)
    .map(({ clientOrderId }) => clientOrderId)
  assert.deepStrictEqual([...accepted].sort(), [...placed].sort(), "an order is in both books or in neither")
  if (leavesUnknown.has(point)) {
    assert.deepStrictEqual([accepted.length, items.map(({ status }) => status)], [0, ["unknown"]])
  } else if (story.orders !== null) assert.strictEqual(accepted.length, story.orders)

  const bought = Decimal.sum(
    journal.filter((fact) => fact["_tag"] === "filled").map((fact) => Decimal.unsafe(String(fact["quantity"])))
  )
  const executed = Decimal.sum(items.map(({ executedQuantity }) => executedQuantity))
  assert.strictEqual(text(executed), text(bought), "every fill is in the books once")
  const wallet = yield* api.account.refreshWallet()
  const held = wallet.assets.find(({ asset }) => asset === "BTC")?.total ?? Decimal.zero
  assert.strictEqual(text(held), text(bought))
  const decided = yield* api.account.listAudit({ urlParams: { action: "orderDecided" } })
  assert.deepStrictEqual(
    decided.items.map(({ objectId }) => String(objectId)).sort(),
    items.map(({ id }): string => id).sort(),
    "every order has one decision in the audit trail"
  )
  const positions = yield* api.trading.listPositions()
  assert.strictEqual(text(Decimal.sum(positions.items.map(({ quantity }) => quantity))), text(bought))
})

/** Those of migrations are below, those of cycles in a file of their own. */
const steps = Object.keys(failPoints).filter(
  (point): point is FailPoint => !point.startsWith("migration.") && !point.startsWith("cycle.")
)

describe("the service, killed", () => {
  for (const point of steps)
    it.scopedLive(
      `at ${point}, loses nothing and repeats nothing`,
      () =>
        Effect.gen(function* () {
          const story = stories[point.split(".")[0] ?? ""]
          assert.isDefined(story)
          if (story === undefined) return
          const paper = yield* paperExchange
          yield* paper.price("BTCUSDT", "60000")
          const folder = yield* temporaryFolder
          const first = yield* service(folder, paper)
          const token = yield* createKey(first.command)
          const before = yield* client(first.url, token)
          yield* before.account.getWallet()
          yield* story.before(before, paper)
          yield* first.process.stop("SIGTERM")

          const broken = yield* service(folder, paper, { FAIL_AT: point }, failing)
          yield* Effect.ignore(story.act(yield* client(broken.url, token), paper)).pipe(
            Effect.zipRight(broken.process.exit),
            Effect.timeoutFail({ duration: "60 seconds", onTimeout: () => `${point} was not reached` })
          )

          const after = yield* service(folder, paper)
          const api = yield* client(after.url, token)
          yield* story.again(api, paper)
          yield* agree(api, paper, point, story)
        }),
      180_000
    )

  for (const point of ["migration.begun", "migration.applied"] as const)
    it.scopedLive(
      `at ${point}, migrates to the end when it is started again`,
      () =>
        Effect.gen(function* () {
          const paper = yield* paperExchange
          const folder = yield* temporaryFolder
          for (const times of [1, 2, 3]) {
            const broken = yield* Effect.either(service(folder, paper, { FAIL_AT: `${point}:${times}` }, failing))
            assert.strictEqual(broken._tag, "Left", "it dies before it is ready")
          }
          const { command, url } = yield* service(folder, paper)
          const api = yield* client(url, yield* createKey(command))
          assert.strictEqual(text((yield* api.account.getWallet()).totalValue), "10000")
        }),
      180_000
    )
})
