import { createHash } from "node:crypto"
import { type Context, Effect, Option } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import { MarketClock } from "../../../MarketClock.ts"
import { Exchange } from "../../Exchange.ts"
import type { SignedRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"
import { signed, type Routes } from "../Route.ts"
import { paged } from "./Paged.ts"

type Service = Context.Tag.Service<typeof Exchange>

/** Less than this is dust, in USDT. */
const dustBelow = Decimal.unsafe("5")
const feeRate = Decimal.unsafe("0.02")
const decimals = 8
const mostAssets = 15

interface Dust {
  readonly asset: string
  readonly balance: Decimal.Decimal
  readonly usdt: Decimal.Decimal
  readonly mx: Decimal.Decimal
}

interface Conversion {
  readonly totalConvert: string
  readonly totalFee: string
  readonly convertTime: number
  readonly convertDetails: ReadonlyArray<Readonly<Record<string, string | number>>>
}

/** Small balances into MX, the venue's coin. Past conversions are listed until the exchange ends. */
export const convertRoutes = Effect.gen(function* () {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock
  const past = new Map<string, ReadonlyArray<Conversion>>()

  const convert = Effect.fnUntraced(function* (request: SignedRequest) {
    const { account } = request
    const wanted = new Set((yield* Parameters.text(request, "asset")).split(",").slice(0, mostAssets))
    const time = yield* marketClock.now
    const details: Array<Readonly<Record<string, string | number>>> = []
    let total = Decimal.zero
    let totalFee = Decimal.zero
    for (const { asset, balance, mx } of yield* dustOf(exchange, account.id)) {
      if (!wanted.delete(asset)) continue
      const fee = Decimal.round(Decimal.multiply(mx, feeRate), decimals, "ceil")
      yield* exchange.adjust(account.id, asset, Decimal.negate(balance))
      total = Decimal.add(total, mx)
      totalFee = Decimal.add(totalFee, fee)
      details.push({
        id: createHash("md5").update(`${account.id}/${time}/${asset}`).digest("hex"),
        convert: Decimal.format(mx),
        fee: Decimal.format(fee),
        amount: Decimal.format(balance),
        time,
        asset
      })
    }
    const received = Decimal.subtract(total, totalFee)
    if (Decimal.isPositive(received)) yield* exchange.adjust(account.id, "MX", received)
    const totals = { totalConvert: Decimal.format(total), totalFee: Decimal.format(totalFee) }
    if (details.length > 0) {
      past.set(account.id, [{ ...totals, convertTime: time, convertDetails: details }, ...(past.get(account.id) ?? [])])
    }
    return {
      successList: details.map(({ asset }) => asset),
      failedList: [...wanted],
      totalConvert: totals.totalConvert,
      convertFee: totals.totalFee
    }
  })

  const routes: Routes = {
    "GET /api/v3/capital/convert/list": signed(1, "SPOT_ACCOUNT_READ", ({ account }) =>
      Effect.map(dustOf(exchange, account.id), (dust) =>
        dust.map(({ asset, balance, mx, usdt }) => ({
          convertMx: Decimal.format(mx),
          convertUsdt: Decimal.format(usdt),
          balance: Decimal.format(balance),
          asset,
          code: "0",
          message: "success"
        }))
      )
    ),
    "POST /api/v3/capital/convert": signed(10, "SPOT_ACCOUNT_WRITE", convert),
    "GET /api/v3/capital/convert": signed(1, "SPOT_ACCOUNT_READ", (request) =>
      Effect.suspend(() => paged(request, past.get(request.account.id) ?? []))
    )
  }
  return routes
})

/** Free balances worth little, at the last prices. */
const dustOf = Effect.fnUntraced(function* (exchange: Service, accountId: string) {
  const mxPrice = yield* lastOf(exchange, "MX")
  const dust: Array<Dust> = []
  for (const { asset, free } of yield* exchange.balances(accountId)) {
    const price = asset === "MX" ? Option.none() : yield* lastOf(exchange, asset)
    if (Option.isNone(mxPrice) || Option.isNone(price) || !Decimal.isPositive(free)) continue
    const usdt = Decimal.round(Decimal.multiply(free, price.value), decimals, "floor")
    if (Decimal.greaterOrEqual(usdt, dustBelow)) continue
    dust.push({ asset, balance: free, usdt, mx: Decimal.divide(usdt, mxPrice.value, decimals, "floor") })
  }
  return dust
})

const lastOf = (exchange: Service, asset: string) =>
  asset === "USDT"
    ? Effect.succeedSome(Decimal.one)
    : Effect.map(Effect.option(exchange.ticker(`${asset}USDT`)), (ticker) =>
        Option.filterMap(ticker, ({ last }) => (Decimal.isPositive(last) ? Option.some(last) : Option.none()))
      )
