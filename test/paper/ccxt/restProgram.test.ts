import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { dipper, temporaryFolder } from "../../kit/Process.ts"
import { ask, ccxtAt, refusal } from "../kit/ccxtClient.ts"

const symbol = "BTC/USDT"

/** `dipper paper` in a process of its own, with the venue's limits and a market that moves. */
const program = (folder: string) =>
  Effect.gen(function* () {
    const account = "mx0program:secret:USDT=10000"
    const running = yield* dipper(["paper", "--port", "0", "--data", folder, "--account", account])
    const [, url = ""] = yield* running.line(/paper exchange ready (\S+)/)
    return { client: ccxtAt(url, "mx0program", "secret"), running }
  })

it.scopedLive("an independent client trades with dipper paper, and finds everything after a restart", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const first = yield* program(folder)
    const { last } = yield* ask(() => first.client.fetchTicker(symbol))
    const { id: bought } = yield* ask(() => first.client.createMarketBuyOrderWithCost(symbol, 1000))
    const { id: resting } = yield* ask(() => first.client.createLimitBuyOrder(symbol, 0.01, last * 0.85))
    const order = yield* ask(() => first.client.fetchOrder(bought, symbol))
    assert.strictEqual(order.status, "closed")
    assert.approximately(order.average, last, last * 0.01)
    const before = yield* ask(() => first.client.fetchBalance())
    assert.approximately(before.BTC.free, order.filled, 1e-9)
    assert.approximately(before.USDT.total, 10_000 - order.cost * 1.0005, 0.01)
    const trades = yield* ask(() => first.client.fetchMyTrades(symbol))
    assert.match(String(yield* refusal(() => first.client.withdraw("USDT", 50, "TReceiver"))), /700007/)
    yield* first.running.stop("SIGTERM")

    const { client } = yield* program(folder)
    const after = yield* ask(() => client.fetchBalance())
    assert.deepStrictEqual(after.total, before.total)
    assert.deepStrictEqual(after.used, before.used)
    assert.deepStrictEqual(yield* ask(() => client.fetchMyTrades(symbol)), trades)
    const [open, ...others] = yield* ask(() => client.fetchOpenOrders(symbol))
    assert.deepInclude(open, { id: resting, status: "open", filled: 0 })
    assert.isEmpty(others)
    yield* ask(() => client.cancelOrder(resting, symbol))
    assert.strictEqual((yield* ask(() => client.fetchBalance())).USDT.used, 0)
  })
)
