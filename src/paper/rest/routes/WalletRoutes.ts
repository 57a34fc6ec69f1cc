import { type Context, Effect } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import { MarketClock } from "../../../MarketClock.ts"
import { Exchange } from "../../Exchange.ts"
import * as Refusals from "../../Refusals.ts"
import type { WithdrawRequest } from "../../Requests.ts"
import type { ApiRequest, SignedRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"
import { coin, coinsOf, findNetwork, networksOf } from "../payloads/Coins.ts"
import * as Wallet from "../payloads/Wallet.ts"
import { signed, type Routes } from "../Route.ts"
import { historyWindow } from "./HistoryWindow.ts"
import { paged } from "./Paged.ts"

type Service = Context.Tag.Service<typeof Exchange>

/** Coins with their chains, deposits and withdrawals. */
export const walletRoutes = Effect.gen(function* () {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock
  const withdraw = (request: SignedRequest) =>
    Effect.flatMap(readWithdrawal(exchange, request), (wish) =>
      Effect.map(exchange.withdraw(request.account.id, wish), ({ id }) => ({ id }))
    )

  const routes: Routes = {
    "GET /api/v3/capital/config/getall": signed(10, "SPOT_WITHDRAW_READ", () =>
      Effect.map(exchange.pairs, (pairs) => [...coinsOf(pairs)].map(([asset, name]) => coin(asset, name)))
    ),
    "GET /api/v3/capital/deposit/hisrec": signed(10, "SPOT_WITHDRAW_READ", (request) =>
      Effect.gen(function* () {
        const { from, limit, to } = yield* historyWindow(request, yield* marketClock.now)
        const { asset, status } = yield* wanted(request)
        const { account } = request
        return (yield* exchange.deposits(account.id))
          .filter((each) => each.at >= from && each.at <= to && (asset === null || each.asset === asset))
          .filter(() => status === undefined || status === Wallet.depositStatus)
          .slice(0, limit)
          .map((each) => Wallet.deposit(account.id, each))
      })
    ),
    "GET /api/v3/capital/withdraw/history": signed(1, "SPOT_WITHDRAW_READ", (request) =>
      Effect.gen(function* () {
        const { from, limit, to } = yield* historyWindow(request, yield* marketClock.now)
        const { asset, status } = yield* wanted(request)
        return (yield* exchange.withdrawals(request.account.id))
          .filter((each) => each.at >= from && each.at <= to && (asset === null || each.asset === asset))
          .filter(() => status === undefined || status === Wallet.withdrawalStatus)
          .slice(0, limit)
          .map(Wallet.withdrawal)
      })
    ),
    "GET /api/v3/capital/deposit/address": signed(10, "SPOT_WITHDRAW_READ", (request) =>
      Effect.gen(function* () {
        const asset = yield* knownCoin(exchange, request)
        const name = Parameters.optionalText(request, "network")
        return networksOf(asset)
          .filter((each) => name === null || findNetwork(asset, name) === each)
          .map((each) => Wallet.address(request.account.id, asset, each))
      })
    ),
    "POST /api/v3/capital/deposit/address": signed(1, "SPOT_WITHDRAW_WRITE", (request) =>
      Effect.gen(function* () {
        const asset = yield* knownCoin(exchange, request)
        const network = findNetwork(asset, yield* Parameters.text(request, "network"))
        if (network === undefined) return yield* Refusals.parameterWrong("network")
        const address = Wallet.address(request.account.id, asset, network)
        return { ...address, tag: address.memo }
      })
    ),
    "POST /api/v3/capital/withdraw": signed(1, "SPOT_WITHDRAW_WRITE", withdraw),
    // The path of older clients.
    "POST /api/v3/capital/withdraw/apply": signed(1, "SPOT_WITHDRAW_WRITE", withdraw),
    // A withdrawal is done when its answer arrives, so there is never one to take back.
    "DELETE /api/v3/capital/withdraw": signed(1, "SPOT_WITHDRAW_WRITE", (request) =>
      Effect.zipRight(Parameters.text(request, "id"), Effect.fail(Refusals.recordUnknown()))
    ),
    "GET /api/v3/capital/withdraw/address": signed(10, "SPOT_WITHDRAW_READ", (request) =>
      Effect.gen(function* () {
        const asset = Parameters.optionalText(request, "coin")
        const known = new Map<string, ReturnType<typeof Wallet.knownAddress>>()
        for (const each of yield* exchange.withdrawals(request.account.id)) {
          if (each.address === "" || (asset !== null && each.asset !== asset)) continue
          const row = Wallet.knownAddress(each)
          known.set(`${row.coin} ${row.netWork} ${row.address}`, row)
        }
        return yield* paged(request, [...known.values()])
      })
    )
  }
  return routes
})

/** Clients ask for a coin, or for a coin on a chain: `USDT-TRX`. */
const wanted = Effect.fnUntraced(function* (request: ApiRequest) {
  const name = Parameters.optionalText(request, "coin")
  const status = yield* Parameters.optionalInteger(request, "status")
  return { asset: name === null ? null : (name.split("-")[0] ?? name), status }
})

const knownCoin = Effect.fnUntraced(function* (exchange: Service, request: ApiRequest) {
  const asset = yield* Parameters.text(request, "coin")
  return coinsOf(yield* exchange.pairs).has(asset) ? asset : yield* Refusals.currencyUnknown()
})

/** The amount asked for includes the chain's fee. */
const readWithdrawal = Effect.fnUntraced(function* (exchange: Service, request: SignedRequest) {
  const asset = yield* knownCoin(exchange, request)
  const address = yield* Parameters.text(request, "address")
  const amount = yield* Parameters.amount(request, "amount")
  const name = Parameters.optionalText(request, "netWork") ?? Parameters.optionalText(request, "network")
  const network = name === null ? networksOf(asset)[0] : findNetwork(asset, name)
  if (network === undefined) return yield* Refusals.parameterWrong("netWork")
  const { fee, min, netWork } = network
  if (Decimal.lessThan(amount, min) || Decimal.lessOrEqual(amount, fee)) {
    return yield* Refusals.amountWrong(`The withdrawal amount cannot be less than ${Decimal.format(min)}${asset}`)
  }
  const optional = (field: "memo" | "withdrawOrderId" | "remark") => {
    const value = Parameters.optionalText(request, field)
    return value === null ? {} : { [field]: value }
  }
  const wish: WithdrawRequest = {
    asset,
    amount: Decimal.subtract(amount, fee),
    fee,
    network: netWork,
    address,
    ...optional("memo"),
    ...optional("withdrawOrderId"),
    ...optional("remark")
  }
  return wish
})
